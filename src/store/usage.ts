/**
 * When accounts and their entitlements were last used, as systems told it over time. No row means that nobody knows, a row
 * without a time that the system says "never". Rows hold ids and times; those of somebody who is erased are deleted.
 */
import { sql, type Selectable } from 'kysely';
import type { UsageView } from '../connectors/kit/contract.ts';
import type { LastUse as ApiLastUse } from '../schemas/last-use.ts';
import type { Db, Tx } from './db.ts';
import type { UsageReadingTable } from './inventory-tables.ts';

export type UsageReading = Selectable<UsageReadingTable>;

export type LastUse = Pick<ApiLastUse, 'state' | 'at' | 'observedAt'>;

export const unknownUse: LastUse = { state: 'unknown', at: null, observedAt: null };

/** Stores what is new; what was said before changes nothing. Throws a RangeError for a time that is none. */
export async function saveUsage(tx: Tx, systemId: string, views: readonly UsageView[], at: Date): Promise<void> {
  const erased = await erasedAccounts(tx, systemId, [...new Set(views.map(({ accountId }) => accountId))]);
  const rows = views
    .filter(({ accountId }) => !erased.has(accountId))
    .map(({ accountId, vendorEntitlementId, lastUsedAt }) => ({
      system_id: systemId,
      account_id: accountId,
      vendor_entitlement_id: vendorEntitlementId,
      last_used_at: lastUsedAt === null ? null : instantOf(lastUsedAt),
      observed_at: at,
    }));
  if (rows.length === 0) return;
  await tx
    .insertInto('usage_fact')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function instantOf(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new RangeError('a time of usage is no time');
  return at;
}

async function erasedAccounts(tx: Tx, systemId: string, accountIds: string[]): Promise<Set<string>> {
  const rows = await tx
    .selectFrom('account as a')
    .innerJoin('person as p', 'p.person_id', 'a.person_id')
    .select('a.account_id')
    .where('a.system_id', '=', systemId)
    .where(sql<boolean>`a.account_id = any(${accountIds}::text[])`)
    .where('p.erased_at', 'is not', null)
    .execute();
  return new Set(rows.map((row) => row.account_id));
}

/** Of accounts and of what they hold. */
export interface UsageOfAccounts {
  /** Of the account as a whole: a use of one of its entitlements is one of the account. */
  ofAccount(accountId: string): LastUse;
  ofEntitlement(accountId: string, vendorEntitlementId: string): LastUse;
}

/** The newest that is known of these accounts on one system. */
export async function readUsageOf(db: Db, systemId: string, accountIds: readonly string[]): Promise<UsageOfAccounts> {
  const rows = await db
    .selectFrom('usage_fact')
    .select(['account_id', 'vendor_entitlement_id', 'last_used_at', 'observed_at'])
    .distinctOn(['account_id', 'vendor_entitlement_id'])
    .where('system_id', '=', systemId)
    .where(sql<boolean>`account_id = any(${[...accountIds]}::text[])`)
    .orderBy('account_id')
    .orderBy('vendor_entitlement_id')
    .orderBy('last_used_at', (order) => order.desc().nullsLast())
    .execute();
  const uses = new Map<string, LastUse>();
  const keep = (key: string, use: LastUse): void => {
    const known = uses.get(key);
    if (known === undefined || (use.at !== null && (known.at === null || known.at < use.at))) uses.set(key, use);
  };
  for (const row of rows) {
    const at = row.last_used_at?.toISOString() ?? null;
    const use: LastUse = { state: at === null ? 'never' : 'used', at, observedAt: row.observed_at.toISOString() };
    if (row.vendor_entitlement_id !== null) keep(keyOf(row.account_id, row.vendor_entitlement_id), use);
    // That one entitlement was never used does not say that the account was not.
    if (row.vendor_entitlement_id === null || use.state === 'used') keep(keyOf(row.account_id, null), use);
  }
  return {
    ofAccount: (accountId) => uses.get(keyOf(accountId, null)) ?? unknownUse,
    ofEntitlement: (accountId, vendorId) => uses.get(keyOf(accountId, vendorId)) ?? unknownUse,
  };
}

const keyOf = (accountId: string, vendorId: string | null): string => JSON.stringify([accountId, vendorId]);

/** Takes away what is known about the accounts of a person. */
export async function deleteUsageOf(tx: Tx, personId: string): Promise<void> {
  await sql`delete from usage_fact u using account a
    where a.person_id = ${personId} and a.system_id = u.system_id and a.account_id = u.account_id`.execute(tx);
}

/** How far the reading of a system is; null before the first. */
export async function readUsageReading(db: Db, systemId: string): Promise<UsageReading | null> {
  const row = await db.selectFrom('usage_reading').selectAll().where('system_id', '=', systemId).executeTakeFirst();
  return row ?? null;
}

export type UsageReadingChange = Partial<Omit<UsageReading, 'system_id'>>;

/** Notes how far it is; the row is made on first use. */
export async function saveUsageReading(
  db: Db | Tx,
  systemId: string,
  change: UsageReadingChange & Pick<UsageReading, 'next_at'>,
): Promise<void> {
  await db
    .insertInto('usage_reading')
    .values({ system_id: systemId, ...change })
    .onConflict((conflict) => conflict.column('system_id').doUpdateSet(change))
    .execute();
}
