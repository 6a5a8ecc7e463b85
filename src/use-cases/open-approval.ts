/**
 * Opens an approval and has its approvers told. Done by the server, because the codes that prove a decision are minted
 * by it when the mail is written: a worker that could see them could decide. Items and seats are derived again from signed rows, so that an approver
 * never sees an item that somebody invented.
 */
import { sql } from 'kysely';
import { z } from 'zod';
import { approvalTimes } from '../domain/approval-clock.ts';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { PersonId, ProposalId, Sha256Hex } from '../schemas/ids.ts';
import type { Item } from '../schemas/item.ts';
import { actorsInRow, clockOf, lockApproval, saveStanding, standingOf } from '../store/approval-standing.ts';
import { getCase } from '../store/cases.ts';
import type { Tx } from '../store/db.ts';
import { decisionsOfApproval, getApproval, type ApprovalRow } from '../store/decisions.ts';
import { queueApprovalMail } from '../store/outgoing-mail.ts';
import { planAccess, readPersonContext } from '../store/person-context.ts';
import { tellStory } from '../store/story.ts';
import type { ServerDeps } from './server-deps.ts';

export const OpenApprovalRequest = z.strictObject({
  personId: PersonId,
  n: z.int32().positive(),
  k: z.int32().nonnegative(),
  proposalId: ProposalId,
  itemDigests: z.array(Sha256Hex).min(1).max(500),
});

/** Digests that are open to decision; what the plan of today no longer holds is left out. */
export type OpenApprovalAnswer = { approvalId: string; itemDigests: string[]; told: number };

/**
 * Idempotent by approval id: repeating it queues no second mail.
 * Throws AppError: notFound (no such case), stale (closed, or none of the items is planned).
 */
export async function openApproval(deps: ServerDeps, input: unknown): Promise<OpenApprovalAnswer> {
  const request = OpenApprovalRequest.parse(input);
  const approvalId = `approval_${request.personId}_${request.n}_${request.k}`;
  const existing = await getApproval(deps.db, approvalId);
  const approval = existing ?? (await insertApproval(deps, approvalId, request));
  if (approval.state !== 'open') throw new AppError('stale', 'this approval is closed already');
  const told = await tellApprovers(deps, approval, 'opened');
  return { approvalId, itemDigests: approval.items.map((item) => item.itemDigest), told };
}

async function insertApproval(
  deps: ServerDeps,
  approvalId: string,
  request: z.infer<typeof OpenApprovalRequest>,
): Promise<ApprovalRow> {
  const usherCase = await getCase(deps.db, request.personId, request.n);
  if (!usherCase) throw new AppError('notFound', 'there is no such case');
  if (usherCase.closed_at) throw new AppError('stale', 'the case is closed');
  const context = await readPersonContext(deps.db, deps, request.personId);
  if (!context) throw new AppError('stale', 'the person is unknown or was erased');
  const now = deps.now();
  const wanted = new Set(request.itemDigests);
  const items = planAccess(context, now.toISOString()).items.filter((item) => wanted.has(item.itemDigest));
  const [first] = items;
  if (!first || first.route.kind !== 'people') throw new AppError('stale', 'none of these items is planned any more');
  const { seats } = first.route;
  const times = approvalTimes(context.index.policy.routing);
  const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
  const row = {
    approval_id: approvalId,
    person_id: request.personId,
    n: request.n,
    k: request.k,
    proposal_id: request.proposalId,
    seats: JSON.stringify(seats),
    items: JSON.stringify(items),
    opened_at: now,
    remind_at: after(times.remindAfterSeconds),
    expires_at: after(times.expireAfterSeconds),
    escalate_at: JSON.stringify(times.escalateAfterSeconds.map((seconds) => after(seconds).toISOString())),
    pause_at_most_ms: times.pauseAtMostSeconds * 1000,
  };
  await deps.db.transaction().execute(async (tx) => {
    await tx
      .insertInto('approval')
      .values(row)
      .onConflict((conflict) => conflict.column('approval_id').doNothing())
      .execute();
    await saveFirstStanding(deps, tx, approvalId, now);
    const data = { approvalId, seats, ...storyOf(items) };
    await tellStory(tx, { at: now, personId: request.personId, n: request.n, kind: 'approvalOpened', data });
    await appendEvidence(tx, deps.vault, [openedRecord(approvalId, usherCase.case_id, request.personId, items)], now);
  });
  const approval = await getApproval(deps.db, approvalId);
  if (!approval) throw new AppError('internal');
  return approval;
}

async function saveFirstStanding(deps: ServerDeps, tx: Tx, approvalId: string, now: Date): Promise<void> {
  const opened = await lockApproval(tx, approvalId);
  const standing = await standingOf(tx, deps, opened, now);
  await saveStanding(tx, opened, standing);
  // Their mail follows, however often this is tried: they are no newcomers.
  const told = [...new Set(standing.actors.map(({ personId }) => personId))];
  const values = { refreshed_at: now, told };
  await tx.updateTable('approval').set(values).where('approval_id', '=', approvalId).execute();
}

function storyOf(items: readonly Item[]): Record<string, unknown> {
  return {
    items: items.map(labelOf),
    why: whyPeople(items),
    riskMax: Math.max(...items.map((item) => item.risk)),
  };
}

function openedRecord(
  approvalId: string,
  caseId: string,
  personId: string,
  items: readonly Item[],
): Parameters<typeof appendEvidence>[2][number] {
  const seats = items[0]?.route.kind === 'people' ? items[0].route.seats : [];
  const body = {
    approvalId,
    seats,
    items: items.map((item) => ({ itemDigest: item.itemDigest, risk: item.risk, reasons: item.reasons })),
  };
  return { operationKey: approvalId, kind: 'approvalOpened', personId, caseId, body, values: null };
}

/** What made people's decision necessary, each cause once and without the roles that it asked for. */
function whyPeople(items: readonly Item[]): string[] {
  const causes = items.flatMap((item) =>
    item.reasons.flatMap((reason) => /^(?:manager|security and owner): (.+)/.exec(reason)?.[1] ?? []),
  );
  return [...new Set(causes)];
}

function labelOf(item: Item): string {
  return item.entitlementId ?? `profile ${item.profileId ?? ''}`;
}

const mailKinds = {
  opened: 'approvalOpened',
  reminder: 'approvalReminder',
  escalated: 'approvalEscalated',
  answered: 'approvalAnswered',
} as const;

/** Why somebody is written to. */
export type MailOccasion = keyof typeof mailKinds;

/** Queues a mail for everybody who may still decide, or for those of `only`. Answers for how many; the mail loop sends them. */
export async function tellApprovers(
  deps: ServerDeps,
  approval: ApprovalRow,
  occasion: MailOccasion,
  only?: ReadonlySet<string>,
): Promise<number> {
  const now = deps.now();
  // After a long outage a reminder may come when the time is over: asking then would only fail, again and again.
  if (now.getTime() >= clockOf(approval, now).expiresAtMs) return 0;
  if (deps.vault.isErased(approval.person_id)) throw new AppError('stale', 'the person was erased');
  const decisions = await decisionsOfApproval(deps.db, deps.verifier, approval.approval_id);
  const decided = new Set(decisions.flatMap((row) => [row.approver_id, row.for_approver_id ?? row.approver_id]));
  const actors = actorsInRow(approval).filter(({ personId, forId }) => !decided.has(personId) && !decided.has(forId));
  const approverIds = [...new Set(actors.map(({ personId }) => personId))].toSorted();
  const wanted = approverIds.filter((id) => only?.has(id) ?? true);
  const kind = mailKinds[occasion];
  for (const approverId of wanted) {
    await queueApprovalMail(deps.db, { kind, approvalId: approval.approval_id, approverId, now });
    await noteTold(deps, approval.approval_id, approverId);
  }
  return wanted.length;
}

async function noteTold(deps: ServerDeps, approvalId: string, personId: string): Promise<void> {
  await deps.db
    .updateTable('approval')
    .set({ told: sql<string[]>`array_append(told, ${personId}::uuid)` })
    .where('approval_id', '=', approvalId)
    .where(sql<boolean>`not (told @> array[${personId}::uuid])`)
    .execute();
}
