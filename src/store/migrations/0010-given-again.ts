/**
 * When a right was given anew within a spell. A decision about a mover may come after the first grant; without the later moment
 * it would look unused, and lapse.
 */
import { sql, type Kysely } from 'kysely';

const statements = [`alter table person_grant add column given_again timestamptz[] not null default '{}'`];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
