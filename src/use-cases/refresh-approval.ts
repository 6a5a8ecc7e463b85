/** Keeps an open approval in step with people: who left gives way, who comes in is told, the workflow hears that it changed. */
import { sql } from 'kysely';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { enqueue } from '../store/cases.ts';
import { lockApproval, saveStanding, standingOf } from '../store/approval-standing.ts';
import { whileLockedIfFree, type Tx } from '../store/db.ts';
import { getApproval, type ApprovalRow } from '../store/decisions.ts';
import { sha256Hex } from '../store/sha256.ts';
import { tellStory } from '../store/story.ts';
import { tellApprovers } from './open-approval.ts';
import type { ServerDeps } from './server-deps.ts';

/** Clocks of worker and server differ by a moment; looking twice is harmless. */
const MARGIN = '10 seconds';
const APPROVALS_PER_PASS = 200;

/** One pass over the open approvals that something may have changed. Answers how many were looked at. */
export async function refreshApprovals(deps: ServerDeps): Promise<number> {
  const ids = await affectedApprovals(deps);
  for (const approvalId of ids) {
    try {
      await refreshApproval(deps, approvalId);
    } catch (error) {
      deps.log.warn({ approvalId, err: error }, 'approvers not refreshed yet');
    }
  }
  return ids.length;
}

/** Works out again who may decide, and tells those who are new. Throws when the mail server takes nothing: the next pass tries again. */
export async function refreshApproval(deps: ServerDeps, approvalId: string): Promise<void> {
  // Of two at once one would replace the links that the other just mailed; who comes second leaves it to the next pass.
  await whileLockedIfFree(deps.db, 'approval', approvalId, () => refreshLocked(deps, approvalId));
}

async function refreshLocked(deps: ServerDeps, approvalId: string): Promise<void> {
  const now = deps.now();
  const isOpen = await deps.db.transaction().execute(async (tx) => {
    const approval = await lockApproval(tx, approvalId);
    if (approval.state !== 'open') return false;
    await refreshInTx(deps, tx, approval, now);
    return true;
  });
  const approval = isOpen ? await getApproval(deps.db, approvalId) : null;
  if (!approval) return;
  const newcomers = approval.actors.map(({ personId }) => personId).filter((id) => !approval.told.includes(id));
  if (newcomers.length > 0) await tellApprovers(deps, approval, 'opened', new Set(newcomers));
  await deps.db.updateTable('approval').set({ refreshed_at: now }).where('approval_id', '=', approvalId).execute();
}

/** Inside the caller's transaction, which holds the approval. */
export async function refreshInTx(deps: ServerDeps, tx: Tx, approval: ApprovalRow, now: Date): Promise<void> {
  const standing = await standingOf(tx, deps, approval, now);
  const { isChanged, hasNewSeats } = await saveStanding(tx, approval, standing);
  if (!isChanged) return;
  await tellWorkflow(tx, approval, now);
  if (!hasNewSeats) return;
  const { approval_id: approvalId, person_id: personId, n } = approval;
  const { seats } = standing;
  await tellStory(tx, { at: now, personId, n, kind: 'approversChanged', data: { approvalId, seats } });
  const record: EvidenceInput = {
    operationKey: `${approvalId}/seats/${sha256Hex(JSON.stringify(seats)).slice(0, 16)}`,
    kind: 'approversChanged',
    personId,
    caseId: `case_${personId}_${n}`,
    body: { approvalId, seats: JSON.parse(JSON.stringify(seats)) as never },
    values: null,
  };
  await appendEvidence(tx, deps.vault, [record], now);
}

/** "Read again": the signal carries nothing that could be forged. */
export async function tellWorkflow(tx: Tx, approval: ApprovalRow, now: Date): Promise<void> {
  const payload = { approvalId: approval.approval_id, approvalNews: 'changed' };
  await enqueue(tx, { kind: 'tell', personId: approval.person_id, n: approval.n, payload, dueAt: now });
  await sql`select pg_notify('usher_delivery', '')`.execute(tx);
}

/** Facts of the beneficiary or of somebody involved, a departure, another policy, a mandate that begins or ends. */
async function affectedApprovals(deps: ServerDeps): Promise<string[]> {
  const now = deps.now();
  const { rows } = await sql<{ approval_id: string }>`
    select a.approval_id from approval a
    cross join lateral (select coalesce(a.refreshed_at, a.opened_at) - interval '${sql.raw(MARGIN)}' as since) as t
    where a.state = 'open' and (
      a.refreshed_at is null
      or exists (select from snapshot s where s.observed_at > t.since
        and (s.person_id = a.person_id or s.person_id = any(a.involved)))
      or exists (select from cutoff c where c.person_id = any(a.involved) and c.started_at > t.since)
      or exists (select from policy_version p where p.is_active and p.activated_at > t.since)
      or exists (select from approval_mandate m
        where (m.approval_id = a.approval_id or (m.approval_id is null and m.from_id = any(a.involved)))
          and (m.created_at > t.since
            or (m.valid_from > t.since and m.valid_from <= ${now})
            or (m.valid_until > t.since and m.valid_until <= ${now}))))
    order by a.refreshed_at nulls first
    limit ${APPROVALS_PER_PASS}`.execute(deps.db);
  return rows.map((row) => row.approval_id);
}
