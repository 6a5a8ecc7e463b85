/**
 * Where Usher began with what it found: which sources people were imported from, and in which mode each system is. Both
 * are the server's word alone. The worker may be asked for the inventory of a system.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table import_source (
    source text primary key,
    keys_of text,
    first_imported_at timestamptz not null,
    imported_at timestamptz not null,
    report_hash text not null)`,
  `create table system_mode (
    system_id text primary key,
    mode text not null check (mode in ('baseline','enforced')),
    since timestamptz not null,
    set_by text not null,
    diff_hash text)`,
  `alter table system_request drop constraint system_request_kind_check`,
  `alter table system_request add constraint system_request_kind_check check (kind in ('check','accounts','inventory'))`,
  `create index person_grant_found on person_grant (person_id) where basis = 'found' and state = 'held'`,
  `grant select on import_source, system_mode to usher_server, usher_worker`,
  `grant insert, update on import_source, system_mode to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

export async function down(): Promise<void> {
  throw new Error('A baseline cannot be taken back: restore a backup instead.');
}
