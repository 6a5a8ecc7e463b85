/** Since when a system fails. Shared by all activities, so that an outage is one fact and not one per item. */
import type { Db } from './db.ts';

/** Notes a failure and answers how long the system has been failing, in milliseconds. */
export async function noteFailure(db: Db, systemId: string, errorCode: string, now: Date): Promise<number> {
  const row = await db
    .insertInto('system_health')
    .values({ system_id: systemId, failing_since: now, last_error_code: errorCode, last_failure_at: now })
    .onConflict((conflict) =>
      conflict.column('system_id').doUpdateSet((eb) => ({
        failing_since: eb.fn.coalesce('system_health.failing_since', eb.val(now)),
        last_error_code: errorCode,
        last_failure_at: now,
      })),
    )
    .returning('failing_since')
    .executeTakeFirstOrThrow();
  return row.failing_since ? Math.max(0, now.getTime() - row.failing_since.getTime()) : 0;
}

/** Notes a success; cheap when the system was healthy. Answers how it had been failing, or null when it had not. */
export async function noteSuccess(db: Db, systemId: string, now: Date): Promise<string | null> {
  const row = await db
    .updateTable('system_health')
    .set({ failing_since: null, last_success_at: now })
    .where('system_id', '=', systemId)
    .where('failing_since', 'is not', null)
    .returning('last_error_code')
    .executeTakeFirst();
  return row?.last_error_code ?? null;
}
