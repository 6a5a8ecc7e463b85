/** Asks an open case to try its failed items at one system again. */
import { sql } from 'kysely';
import { AppError } from '../domain/errors.ts';
import { enqueueNews } from '../store/cases.ts';
import type { ServerDeps } from './server-deps.ts';

/** Asking twice tries once more. Throws AppError: notFound; stale for a closed case. */
export async function retryFailedItems(
  deps: ServerDeps,
  input: { caseId: string; systemId: string; by: string },
): Promise<void> {
  const row = await deps.db
    .selectFrom('usher_case')
    .select(['person_id', 'n', 'closed_at'])
    .where('case_id', '=', input.caseId)
    .executeTakeFirst();
  if (!row) throw new AppError('notFound', 'there is no such case', 'caseId');
  if (row.closed_at) throw new AppError('stale', 'the case is closed');
  await deps.db.transaction().execute(async (tx) => {
    await enqueueNews(tx, row.person_id, row.n, { kind: 'retryItem', systemId: input.systemId }, deps.now());
    await sql`select pg_notify('usher_delivery', '')`.execute(tx);
  });
  deps.log.info({ caseId: input.caseId, systemId: input.systemId, by: input.by }, 'retry asked for');
}
