/**
 * A trace goes on where a row was written: the `traceparent` (ids only) of whatever wrote an event or a delivery. The
 * privileges of both tables cover the column.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  `alter table ledger add column traceparent text`,
  `alter table delivery add column traceparent text`,
  `create index delivery_case on delivery (person_id, n)`,
  // For /readyz: whether the schema is the one that the program expects.
  `grant select on kysely_migration to usher_server, usher_worker`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

export async function down(): Promise<void> {
  throw new Error('A schema cannot be taken back: restore a backup instead.');
}
