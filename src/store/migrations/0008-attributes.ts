/** Work addresses on their way back to HR. Written and read by the server alone: it holds the keys of the HR systems. */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table work_email (
    source text not null,
    source_key text not null,
    person_id uuid not null references person,
    case_n integer not null,
    address_sealed bytea not null,
    state text not null check (state in ('pending','done','failed')),
    outcome text,
    attempts integer not null default 0,
    created_at timestamptz not null,
    next_at timestamptz not null,
    done_at timestamptz,
    primary key (source, source_key))`,
  `create index work_email_pending on work_email (next_at) where state = 'pending'`,
  `grant select, insert, update, delete on work_email to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql.raw('drop table work_email').execute(db);
}
