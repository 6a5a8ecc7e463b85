/** Work addresses that HR did not have and that an identity provider has now, until HR has them too. Sealed under the person's key. */
import type { Selectable } from 'kysely';
import type { Db, Tx } from './db.ts';
import type { WorkEmailTable } from './tables.ts';

export type WorkEmailRow = Selectable<WorkEmailTable>;

export interface WorkEmail {
  workEmail: string;
  login: string;
}

/** Queues an address. One that is on its way or refused already stays as it is; a written one is queued again: HR lost it. */
export async function queueWorkEmail(
  tx: Tx,
  row: Pick<WorkEmailRow, 'source' | 'source_key' | 'person_id' | 'case_n' | 'address_sealed'>,
  now: Date,
): Promise<boolean> {
  const fresh = { state: 'pending' as const, outcome: null, attempts: 0, created_at: now, next_at: now, done_at: null };
  const added = await tx
    .insertInto('work_email')
    .values({ ...row, ...fresh })
    .onConflict((conflict) =>
      conflict
        .columns(['source', 'source_key'])
        .doUpdateSet({ ...fresh, case_n: row.case_n, address_sealed: row.address_sealed })
        .where('work_email.state', '=', 'done'),
    )
    .returning('source_key')
    .executeTakeFirst();
  return added !== undefined;
}

export async function dueWorkEmails(db: Db, now: Date): Promise<WorkEmailRow[]> {
  return db
    .selectFrom('work_email')
    .selectAll()
    .where('state', '=', 'pending')
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .limit(20)
    .execute();
}

export async function updateWorkEmail(
  db: Db | Tx,
  { source, source_key }: Pick<WorkEmailRow, 'source' | 'source_key'>,
  values: Partial<Pick<WorkEmailRow, 'state' | 'outcome' | 'attempts' | 'next_at' | 'done_at'>>,
): Promise<void> {
  await db
    .updateTable('work_email')
    .set(values)
    .where('source', '=', source)
    .where('source_key', '=', source_key)
    .execute();
}

export async function dropWorkEmail(db: Db, { source, source_key }: WorkEmailRow): Promise<void> {
  await db.deleteFrom('work_email').where('source', '=', source).where('source_key', '=', source_key).execute();
}
