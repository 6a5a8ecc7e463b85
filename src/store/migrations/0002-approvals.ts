/**
 * Approvals as they are lived: who may act for whom (signed mandates), questions that stop the clock, and what an approval
 * knows about itself. Only the server writes any of it; the worker reads the clock and the mandates that it verifies.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table approval_mandate (
    mandate_id uuid primary key,
    kind text not null check (kind in ('handedOver','deputy','escalated')),
    approval_id text,
    person_id uuid,
    from_id uuid not null,
    to_id uuid not null check (to_id <> from_id),
    valid_from timestamptz not null,
    valid_until timestamptz,
    created_at timestamptz not null,
    key_id text not null,
    signature text not null,
    check ((kind = 'deputy') = (approval_id is null)))`,
  `create index approval_mandate_approval on approval_mandate (approval_id)`,
  `create index approval_mandate_deputy on approval_mandate (valid_until) where approval_id is null`,
  `create table approval_question (
    question_id uuid primary key,
    approval_id text not null references approval (approval_id),
    person_id uuid not null,
    asked_by uuid not null,
    asked_of uuid not null,
    asked_at timestamptz not null,
    question_sealed bytea,
    state text not null default 'open' check (state in ('open','answered','withdrawn')),
    answered_by uuid,
    answered_at timestamptz,
    answer_sealed bytea)`,
  `create index approval_question_approval on approval_question (approval_id)`,
  `create index approval_question_open on approval_question (asked_of) where state = 'open'`,
  `alter table approval
    add column actors jsonb not null default '[]',
    add column involved uuid[] not null default '{}',
    add column told uuid[] not null default '{}',
    add column escalate_at jsonb not null default '[]',
    add column escalated_level integer not null default 0,
    add column pause_at_most_ms double precision not null default 0,
    add column paused_at timestamptz,
    add column paused_ms double precision not null default 0,
    add column refreshed_at timestamptz`,
  `create index approval_open on approval (refreshed_at) where state = 'open'`,
  `alter table decision
    add column for_approver_id uuid,
    add column mandate_ids jsonb,
    add column seats jsonb`,
];

const grants = [
  `grant select on approval_mandate, approval_question to usher_server, usher_worker`,
  `grant insert, update on approval_mandate, approval_question to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...statements, ...grants]) await sql.raw(statement).execute(db);
}

export async function down(): Promise<void> {
  throw new Error('A schema cannot be taken back: restore a backup instead.');
}
