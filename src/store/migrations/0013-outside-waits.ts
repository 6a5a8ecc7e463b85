/** Changes that wait for a person outside Usher: who was asked by which ticket, what the owner of the system said of it. */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table outside_wait (
    wait_id uuid primary key,
    operation_key text not null unique,
    system_id text not null,
    person_id uuid not null references person,
    n integer not null,
    action text not null,
    vendor_entitlement_id text,
    ticket_number text,
    state text not null check (state in ('open','claimed','confirmed','denied','over')),
    opened_at timestamptz not null,
    claimed_at timestamptz,
    told_at timestamptz,
    answered_at timestamptz,
    answered_by uuid,
    reason text
  )`,
  `create index outside_wait_case on outside_wait (person_id, n)`,
  `create index outside_wait_waiting on outside_wait (opened_at) where state in ('open','claimed')`,
  `grant select, insert on outside_wait to usher_worker`,
  `grant update on outside_wait to usher_worker`,
  `grant select, update on outside_wait to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
  await allowIncidentKind(db, 'taskOverdue');
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
