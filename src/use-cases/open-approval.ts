/**
 * Opens an approval and has its approvers told. Done by the server, because the codes that prove a decision are minted
 * by it when the mail is written: a worker that could see them could decide. Items and seats are derived again from signed rows, so that an approver
 * never sees an item that somebody invented.
 */
import { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import { eligibleApprovers } from '../domain/quorum.ts';
import { appendEvidence } from '../evidence/log.ts';
import { PersonId, ProposalId, Sha256Hex } from '../schemas/ids.ts';
import type { Item } from '../schemas/item.ts';
import { getCase } from '../store/cases.ts';
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
  const told = await tellApprovers(deps, approval, false);
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
  const { routing } = context.index.policy;
  const row = {
    approval_id: approvalId,
    person_id: request.personId,
    n: request.n,
    k: request.k,
    proposal_id: request.proposalId,
    seats: JSON.stringify(seats),
    items: JSON.stringify(items),
    opened_at: now,
    remind_at: new Date(now.getTime() + routing.remindAfter * 1000),
    expires_at: new Date(now.getTime() + routing.expireAfter * 1000),
  };
  await deps.db.transaction().execute(async (tx) => {
    await tx
      .insertInto('approval')
      .values(row)
      .onConflict((conflict) => conflict.column('approval_id').doNothing())
      .execute();
    const data = { approvalId, seats, ...storyOf(items) };
    await tellStory(tx, { at: now, personId: request.personId, n: request.n, kind: 'approvalOpened', data });
    await appendEvidence(tx, deps.vault, [openedRecord(approvalId, usherCase.case_id, request.personId, items)], now);
  });
  const approval = await getApproval(deps.db, approvalId);
  if (!approval) throw new AppError('internal');
  return approval;
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

/** Queues a mail for everybody who may still decide. Answers for how many; the mail loop sends them. */
export async function tellApprovers(deps: ServerDeps, approval: ApprovalRow, isReminder: boolean): Promise<number> {
  if (deps.vault.isErased(approval.person_id)) throw new AppError('stale', 'the person was erased');
  const decided = new Set(
    (await decisionsOfApproval(deps.db, deps.verifier, approval.approval_id)).map((row) => row.approver_id),
  );
  const approverIds = eligibleApprovers({ kind: 'people', seats: approval.seats }).filter((id) => !decided.has(id));
  const kind = isReminder ? 'approvalReminder' : 'approvalOpened';
  const now = deps.now();
  for (const approverId of approverIds)
    await queueApprovalMail(deps.db, { kind, approvalId: approval.approval_id, approverId, now });
  return approverIds.length;
}
