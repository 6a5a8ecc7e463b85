/** Movers: the hand-over, which the server sets and shortens. The worker reads it and cannot write it. */
import { sql, type Kysely } from 'kysely';

const statements = [
  `alter table usher_case
    add column handover_until timestamptz,
    add column previous_manager_id uuid`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
