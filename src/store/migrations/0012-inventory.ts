/**
 * What systems hold as they showed it last, how far a reading came, and the history of when accounts and entitlements were
 * used. The worker reads systems, so it writes here; the server asks, shows, and takes away what belongs to the erased.
 */
import { sql, type Kysely } from 'kysely';

const statements = [
  `create table found_account (
    system_id text not null,
    account_id text not null,
    correlation_key text,
    vendor_status text not null,
    can_log_in boolean not null,
    vendor_entitlement_ids text[],
    first_found_at timestamptz not null,
    found_at timestamptz not null,
    held_at timestamptz,
    gone_at timestamptz,
    primary key (system_id, account_id))`,
  `create table found_entitlement (
    system_id text not null,
    vendor_entitlement_id text not null,
    display_name text not null,
    owner_account_ids text[],
    first_found_at timestamptz not null,
    found_at timestamptz not null,
    gone_at timestamptz,
    primary key (system_id, vendor_entitlement_id))`,
  `create table inventory_reading (
    request_id uuid primary key references system_request on delete cascade,
    system_id text not null,
    began_at timestamptz not null,
    part text not null default 'entitlements' check (part in ('entitlements','accounts','assignments')),
    cursor text,
    pages integer not null default 0,
    entitlements integer not null default 0,
    accounts integer not null default 0,
    accounts_read integer not null default 0,
    failures integer not null default 0,
    moved_at timestamptz not null,
    next_at timestamptz not null)`,
  `create table usage_fact (
    system_id text not null,
    account_id text not null,
    vendor_entitlement_id text,
    last_used_at timestamptz,
    observed_at timestamptz not null)`,
  // The same statement read again is no news.
  `create unique index usage_fact_once on usage_fact
    (system_id, account_id, coalesce(vendor_entitlement_id, ''), coalesce(last_used_at, '-infinity'))`,
  `create table usage_reading (
    system_id text primary key,
    began_at timestamptz,
    since timestamptz,
    cursor text,
    pages integer not null default 0,
    read_until timestamptz,
    next_at timestamptz not null,
    failures integer not null default 0,
    last_error_code text)`,
  `grant select on found_account, found_entitlement, inventory_reading, usage_fact, usage_reading
    to usher_server, usher_worker`,
  `grant insert, update on found_account, found_entitlement, inventory_reading, usage_reading to usher_worker`,
  `grant insert on usage_fact to usher_worker`,
  `grant delete on usage_fact to usher_server`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

export async function down(): Promise<void> {
  throw new Error('A history of usage cannot be read again: restore a backup instead.');
}
