/** Calls that the processes together have taken of each system's rate, in the window of now. Both roles call systems. */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table rate_budget (
    scope text primary key,
    window_n bigint not null,
    normal integer not null,
    urgent integer not null
  )`,
  `grant select, insert, update on rate_budget to usher_server, usher_worker`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
