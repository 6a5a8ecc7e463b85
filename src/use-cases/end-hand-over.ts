/** Ends the hand-over of a mover before its time: by the manager of before, or by somebody who operates Usher. */
import { sql } from 'kysely';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { enqueueNews } from '../store/cases.ts';
import type { ServerDeps } from './server-deps.ts';

export interface EndHandOverInput {
  caseId: string;
  /** Who asks. */
  by: string;
  mayOperate: boolean;
}

/**
 * Idempotent: a hand-over that is over stays over. Throws AppError: notFound for a case that is no mover with a hand-over,
 * forbidden for anybody else, stale for a closed case.
 */
export async function endHandOver(deps: ServerDeps, { caseId, by, mayOperate }: EndHandOverInput): Promise<void> {
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('usher_case')
      .select(['person_id', 'n', 'closed_at', 'handover_until', 'previous_manager_id'])
      .where('case_id', '=', caseId)
      .forUpdate()
      .executeTakeFirst();
    if (!row || row.handover_until === null) throw new AppError('notFound', 'this case has no hand-over', 'caseId');
    if (by === row.person_id || !(mayOperate || by === row.previous_manager_id))
      throw new AppError('forbidden', 'The manager of before, or an operator, ends a hand-over.');
    if (row.closed_at !== null) throw new AppError('stale', 'the case is closed');
    if (row.handover_until <= now) return;
    const { person_id: personId, n } = row;
    await tx.updateTable('usher_case').set({ handover_until: now }).where('case_id', '=', caseId).execute();
    await enqueueNews(tx, personId, n, { kind: 'factsChanged' }, now);
    await sql`select pg_notify('usher_delivery', '')`.execute(tx);
    const body = { by, plannedUntil: row.handover_until.toISOString() };
    const record = { operationKey: caseId, kind: 'handOverEnded' as const, personId, caseId, body, values: null };
    await appendEvidence(tx, deps.vault, [record], now);
  });
}
