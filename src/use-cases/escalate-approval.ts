/**
 * As the deadline nears, the next level is asked as well: above a manager their own manager, for other seats and at the top
 * of the line the fallback owner. The server checks the time itself and signs a mandate for each, so that the issuer
 * accepts the vote; a worker that asks too early, or again, gets nothing.
 */
import { z } from 'zod';
import { appendEvidence } from '../evidence/log.ts';
import { ApprovalId } from '../schemas/ids.ts';
import { clockOf, lockApproval } from '../store/approval-standing.ts';
import type { Tx } from '../store/db.ts';
import { getApproval, type ApprovalRow } from '../store/decisions.ts';
import { insertMandate } from '../store/mandates.ts';
import { nextLevel } from '../store/next-level.ts';
import { tellStory } from '../store/story.ts';
import { uuidV7 } from '../store/uuid.ts';
import { tellApprovers } from './open-approval.ts';
import { refreshInTx } from './refresh-approval.ts';
import type { ServerDeps } from './server-deps.ts';

/** The clocks of Temporal and the server differ by a moment. */
const CLOCK_SKEW_MS = 30_000;

export const EscalateRequest = z.strictObject({ approvalId: ApprovalId, level: z.int().min(1).max(5) });

/** Idempotent per level. Answers how many people were mailed: the new ones, and those who have not decided. */
export async function escalateApproval(deps: ServerDeps, input: unknown): Promise<{ told: number }> {
  const { approvalId, level } = EscalateRequest.parse(input);
  const now = deps.now();
  const isDue = await deps.db.transaction().execute(async (tx) => {
    const approval = await lockApproval(tx, approvalId);
    if (approval.state !== 'open' || !isLevelDue(approval, level, now)) return false;
    if (approval.escalated_level < level) await escalateInTx(deps, tx, approval, level, now);
    return true;
  });
  const approval = isDue ? await getApproval(deps.db, approvalId) : null;
  return { told: approval ? await tellApprovers(deps, approval, 'escalated') : 0 };
}

function isLevelDue(approval: ApprovalRow, level: number, now: Date): boolean {
  const clock = clockOf(approval, now);
  const atMs = clock.escalateAtMs[level - 1];
  return atMs !== undefined && !clock.isPaused && now.getTime() >= atMs - CLOCK_SKEW_MS;
}

async function escalateInTx(deps: ServerDeps, tx: Tx, approval: ApprovalRow, level: number, now: Date): Promise<void> {
  const { approval_id: approvalId, person_id: personId, n } = approval;
  const steps = await nextLevel(deps, tx, approval, now);
  for (const { fromId, toId } of steps) {
    await insertMandate(tx, deps.signer, {
      mandate_id: uuidV7(now),
      kind: 'escalated',
      approval_id: approvalId,
      person_id: personId,
      from_id: fromId,
      to_id: toId,
      valid_from: now,
      valid_until: null,
      created_at: now,
    });
  }
  const told = [...new Set([...approval.told, ...steps.map(({ toId }) => toId)])];
  await tx
    .updateTable('approval')
    .set({ escalated_level: level, told })
    .where('approval_id', '=', approvalId)
    .execute();
  await refreshInTx(deps, tx, approval, now);
  await tellStory(tx, {
    at: now,
    personId,
    n,
    kind: 'escalated',
    data: { approvalId, toIds: steps.map((s) => s.toId) },
  });
  const record = {
    operationKey: `${approvalId}/escalation/${level}`,
    kind: 'escalated' as const,
    personId,
    caseId: `case_${personId}_${n}`,
    body: { approvalId, level, steps: steps.map(({ role, fromId, toId }) => ({ role, fromId, toId })) },
    values: null,
  };
  await appendEvidence(tx, deps.vault, [record], now);
}
