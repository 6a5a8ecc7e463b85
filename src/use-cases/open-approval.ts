/**
 * Opens an approval and tells its approvers. Done by the server, because the codes that prove a decision are minted here:
 * a worker that could see them could decide. Items and seats are derived again from signed rows, so that an approver
 * never sees an item that somebody invented.
 */
import { sql } from 'kysely';
import { z } from 'zod';
import { mintApprovalSecrets } from '../auth/approval-secrets.ts';
import { approvalTimes } from '../domain/approval-clock.ts';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { approvalMail } from '../notify/approval-mail.ts';
import { PersonId, ProposalId, Sha256Hex } from '../schemas/ids.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import { actorsInRow, clockOf, lockApproval, saveStanding, standingOf } from '../store/approval-standing.ts';
import { getCase } from '../store/cases.ts';
import type { Tx } from '../store/db.ts';
import { decisionsOfApproval, getApproval, type ApprovalRow } from '../store/decisions.ts';
import { latestSnapshot } from '../store/people.ts';
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
 * Idempotent by approval id: repeating it mints new codes and mails again, for a mail that may not have gone out.
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

/** Why somebody is written to. */
export type MailOccasion = 'opened' | 'reminder' | 'escalated' | 'answered';

/**
 * Mails everybody who may still decide, or those of `only`. Answers how many were told; throws when the mail server takes
 * nothing.
 */
export async function tellApprovers(
  deps: ServerDeps,
  approval: ApprovalRow,
  occasion: MailOccasion,
  only?: ReadonlySet<string>,
): Promise<number> {
  // After a long outage a reminder may come when the time is over: asking then would only fail, again and again.
  if (deps.now().getTime() >= clockOf(approval, deps.now()).expiresAtMs) return 0;
  const beneficiary = await latestSnapshot(deps.db, deps, approval.person_id);
  if (!beneficiary) throw new AppError('stale', 'the person was erased');
  const decisions = await decisionsOfApproval(deps.db, deps.verifier, approval.approval_id);
  const decided = new Set(decisions.flatMap((row) => [row.approver_id, row.for_approver_id ?? row.approver_id]));
  const actors = actorsInRow(approval).filter(({ personId, forId }) => !decided.has(personId) && !decided.has(forId));
  const approverIds = [...new Set(actors.map(({ personId }) => personId))].toSorted();
  let told = 0;
  for (const approverId of approverIds.filter((id) => only?.has(id) ?? true)) {
    const approver = await latestSnapshot(deps.db, deps, approverId);
    if (!approver?.facts.workEmail) {
      deps.log.warn({ approvalId: approval.approval_id, approverId }, 'approver has no mail address');
    } else {
      await deps.notifier.send({
        to: [approver.facts.workEmail],
        ...(await composeMail(deps, approval, { approverId, approver, beneficiary, occasion })),
      });
      told += 1;
    }
    await noteTold(deps, approval.approval_id, approverId);
  }
  return told;
}

async function noteTold(deps: ServerDeps, approvalId: string, personId: string): Promise<void> {
  await deps.db
    .updateTable('approval')
    .set({ told: sql<string[]>`array_append(told, ${personId}::uuid)` })
    .where('approval_id', '=', approvalId)
    .where(sql<boolean>`not (told @> array[${personId}::uuid])`)
    .execute();
}

async function composeMail(
  deps: ServerDeps,
  approval: ApprovalRow,
  about: { approverId: string; approver: Snapshot; beneficiary: Snapshot; occasion: MailOccasion },
): Promise<{ subject: string; text: string }> {
  const dueAt = new Date(clockOf(approval, deps.now()).expiresAtMs);
  const places = actorsInRow(approval).filter(({ personId }) => personId === about.approverId);
  const secrets = await mintApprovalSecrets(deps.db, {
    approvalId: approval.approval_id,
    approverId: about.approverId,
    expiresAt: dueAt,
    now: deps.now(),
  });
  const { temporal } = deps;
  return approvalMail({
    approvalId: approval.approval_id,
    approverId: about.approverId,
    approverName: about.approver.facts.displayName,
    beneficiaryName: about.beneficiary.facts.displayName,
    beneficiaryTitle: about.beneficiary.facts.title,
    beneficiaryDepartment: about.beneficiary.facts.department,
    isContractor: about.beneficiary.facts.employmentType === 'contractor',
    startDate: about.beneficiary.facts.startDate,
    roles: [
      ...new Set(
        approval.seats
          .filter((seat) => places.some(({ forId }) => (seat.approverIds as string[]).includes(forId)))
          .map((seat) => seat.role),
      ),
    ],
    isInPlace: places.every(({ forId }) => forId !== about.approverId),
    items: approval.items,
    dueAt,
    occasion: about.occasion,
    pageUrl: `${deps.publicUrl}/decide/${secrets.link}`,
    temporalUrl: temporal?.uiUrl
      ? `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows/${approval.approval_id}`
      : null,
    approveCode: secrets.approveCode,
    denyCode: secrets.denyCode,
  });
}
