/** A process whose database connection dies between two statements of a transaction. Takes the URL of the database's owner. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { openDb } from '../../src/store/db.ts';

const url = process.argv[2] ?? '';
const [db, other] = [openDb(url, 1), openDb(url, 1)];
const held = db.transaction().execute(async (tx) => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
  const pid = rows[0]?.pid ?? 0;
  await sql`select pg_terminate_backend(${pid})`.execute(other);
  const isThere = async (): Promise<boolean> =>
    (await sql`select 1 from pg_stat_activity where pid = ${pid}`.execute(other)).rows.length > 0;
  while (await isThere()) await sleep(20);
  await sql`select 1`.execute(tx);
});
await held.then(
  () => console.log('transaction went on'),
  () => console.log('transaction failed'),
);
await sql`select 1`.execute(db);
console.log('next one works');
await db.destroy();
await other.destroy();
