/**
 * The archive of closed cases: which histories lie in it, which workflow bundles ran, and one more kind of incident, for
 * cases whose workflow is gone.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  // Written by the worker at start, read by the server that archives: the two may run on different machines.
  `create table workflow_bundle (
    bundle_hash text primary key,
    code_gzip bytea not null,
    stored_at timestamptz not null)`,
  `create table archived_history (
    workflow_id text not null,
    run_id text not null,
    case_id text not null,
    file_hash text not null,
    event_count integer not null,
    bundle_hashes text[] not null,
    archived_at timestamptz not null,
    primary key (workflow_id, run_id))`,
  `create index archived_history_case on archived_history (case_id)`,
  `create table case_archive (
    case_id text primary key,
    state text not null check (state in ('archived','erased')),
    manifest_hash text,
    missing_count integer not null default 0,
    archived_at timestamptz not null)`,
];

const grants = [
  `grant select, insert on workflow_bundle to usher_worker`,
  `grant select on workflow_bundle to usher_server`,
  `grant select, insert, update on archived_history, case_archive to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...statements, ...grants]) await sql.raw(statement).execute(db);
  await allowIncidentKind(db, 'caseLost');
}

/** Adds a word to those that are allowed, whatever other migrations have added before. */
async function allowIncidentKind(db: Kysely<unknown>, kind: string): Promise<void> {
  const { rows } = await sql<{ text: string }>`
    select pg_get_constraintdef(oid) as text from pg_constraint
    where conrelid = 'incident'::regclass and conname = 'incident_kind_check'`.execute(db);
  const known = [...(rows[0]?.text ?? '').matchAll(/'([A-Za-z]+)'/g)].map((match) => match[1] ?? '');
  const words = [...new Set([...known, kind])].map((word) => `'${word}'`).join(',');
  await sql.raw(`alter table incident drop constraint if exists incident_kind_check`).execute(db);
  await sql.raw(`alter table incident add constraint incident_kind_check check (kind in (${words}))`).execute(db);
}

export async function down(): Promise<void> {
  throw new Error('The archive cannot be taken back: restore a backup instead.');
}
