/**
 * Policy versions are proposed, approved by a second person, and their activations are kept: an installation can say which
 * version was active on any day, and where each entry of it stood. Only the server writes here; the worker reads nothing.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table policy_source (
    source_hash text primary key,
    files jsonb not null)`,
  `create table policy_proposal (
    proposal_id uuid primary key,
    policy_hash text not null,
    source_hash text not null references policy_source,
    content jsonb not null,
    base_hash text,
    diff_hash text not null,
    proposed_at timestamptz not null,
    proposed_by uuid not null,
    key_id text not null,
    signature text not null,
    state text not null check (state in ('open','activated','replaced')),
    closed_at timestamptz)`,
  `create unique index policy_proposal_open on policy_proposal (state) where state = 'open'`,
  `create index policy_proposal_hash on policy_proposal (policy_hash)`,
  `create table policy_activation (
    activation_id uuid primary key,
    policy_hash text not null,
    source_hash text references policy_source,
    mode text not null check (mode in ('bootstrap','onePerson','twoPeople')),
    activated_at timestamptz not null,
    proposed_by text not null,
    approved_by text,
    key_id text not null,
    signature text not null)`,
  `create index policy_activation_time on policy_activation (activated_at desc)`,
];

/** History is insert and read only, for the server too; of a proposal only its end may be written. */
const grants = [
  `grant select, insert on policy_source, policy_proposal, policy_activation to usher_server`,
  `grant update (state, closed_at) on policy_proposal to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...statements, ...grants]) await sql.raw(statement).execute(db);
}

export async function down(): Promise<void> {
  throw new Error('The history of policies cannot be taken back: restore a backup instead.');
}
