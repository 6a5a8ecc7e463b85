/** Starts a case again whose workflow is gone. The new run plans from the rows: what was decided and verified stays so. */
import { sql } from 'kysely';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { enqueue } from '../store/cases.ts';
import { lostOfCase } from '../store/lost-cases.ts';
import { closeApproval } from './follow-approval.ts';
import type { ServerDeps } from './server-deps.ts';

/**
 * Asking twice starts it once. Approvals of the lost run that are still open end as cancelled: what is not decided is
 * asked again. Throws AppError: notFound; stale for a closed case; conflict for one that is not lost.
 */
export async function resumeCase(deps: ServerDeps, input: { caseId: string; by: string }): Promise<void> {
  const { caseId, by } = input;
  const row = await deps.db
    .selectFrom('usher_case')
    .select(['person_id', 'n', 'closed_at'])
    .where('case_id', '=', caseId)
    .executeTakeFirst();
  if (!row) throw new AppError('notFound', 'there is no such case', 'caseId');
  if (row.closed_at) throw new AppError('stale', 'the case is closed');
  const { person_id: personId, n } = row;
  const lost = await lostOfCase(deps.db, { personId, n });
  if (lost.length === 0)
    throw new AppError('conflict', 'this case runs, as far as Usher knows; what is lost is found within a minute');
  const isCaseLost = lost.includes(caseId);
  if (isCaseLost) await cancelApprovals(deps, personId, n);
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    const about = { personId, n, dueAt: now };
    if (lost.some((workflowId) => workflowId.startsWith('cutoff_'))) {
      const cutoff = await tx
        .selectFrom('cutoff')
        .select('departure')
        .where('person_id', '=', personId)
        .where('n', '=', n)
        .executeTakeFirstOrThrow();
      const { systemIds } = cutoff.departure;
      await enqueue(tx, { ...about, kind: 'startCutoff', payload: { systemIds, isResume: true } });
    }
    if (isCaseLost) await enqueue(tx, { ...about, kind: 'startCase', payload: { isResume: true } });
    await sql`select pg_notify('usher_delivery', '')`.execute(tx);
    const body = { by, workflowIds: lost };
    const record = { operationKey: `resume/${caseId}/${now.toISOString()}`, kind: 'caseResumed' as const };
    await appendEvidence(tx, deps.vault, [{ ...record, personId, caseId, body, values: null }], now);
  });
  deps.log.info({ caseId, by }, 'case resumed');
}

async function cancelApprovals(deps: ServerDeps, personId: string, n: number): Promise<void> {
  const open = await deps.db
    .selectFrom('approval')
    .select('approval_id')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('state', '=', 'open')
    .execute();
  for (const { approval_id: approvalId } of open) await closeApproval(deps, { approvalId, state: 'cancelled' });
}
