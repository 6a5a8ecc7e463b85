/** People whose access is to be looked at again for another reason than news from HR: each gets a case, a few at a time. */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table person_review (
    person_id uuid not null references person,
    cause text not null,
    asked_at timestamptz not null,
    done_at timestamptz,
    primary key (person_id, cause)
  )`,
  `create index person_review_due on person_review (asked_at) where done_at is null`,
  `grant select, insert, update on person_review to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
