/**
 * What systems hold, as their newest reading showed it: accounts, entitlements with their owners, and who holds what.
 * Written page by page; what a whole reading did not show is gone and stays as a row, with the moment.
 */
import { sql } from 'kysely';
import type { AccountView, EntitlementView } from '../connectors/kit/contract.ts';
import type { ListedAccounts } from '../schemas/system-accounts.ts';
import type { Db, Tx } from './db.ts';

const NAME_MAX = 300;

/** Of what a vendor calls its things; ids are kept as they are. */
const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed().slice(0, NAME_MAX);

/** One page of accounts. Names stay out. */
export async function saveAccounts(tx: Tx, systemId: string, views: readonly AccountView[], at: Date): Promise<void> {
  const rows = new Map(
    views.map(({ accountId, correlationKey, vendorStatus, canLogIn }) => {
      const seen = { correlation_key: correlationKey, vendor_status: storable(vendorStatus), can_log_in: canLogIn };
      return [accountId, { system_id: systemId, account_id: accountId, ...seen, first_found_at: at, found_at: at }];
    }),
  );
  if (rows.size === 0) return;
  await tx
    .insertInto('found_account')
    .values([...rows.values()])
    .onConflict((conflict) =>
      conflict.columns(['system_id', 'account_id']).doUpdateSet((eb) => ({
        correlation_key: eb.ref('excluded.correlation_key'),
        vendor_status: eb.ref('excluded.vendor_status'),
        can_log_in: eb.ref('excluded.can_log_in'),
        found_at: eb.ref('excluded.found_at'),
        gone_at: null,
      })),
    )
    .execute();
}

/** One page of entitlements. */
export async function saveEntitlements(
  tx: Tx,
  systemId: string,
  views: readonly EntitlementView[],
  at: Date,
): Promise<void> {
  const rows = new Map(
    views.map(({ vendorEntitlementId: id, displayName, ownerAccountIds = null }) => {
      const seen = { display_name: storable(displayName), owner_account_ids: ownerAccountIds };
      return [id, { system_id: systemId, vendor_entitlement_id: id, ...seen, first_found_at: at, found_at: at }];
    }),
  );
  if (rows.size === 0) return;
  await tx
    .insertInto('found_entitlement')
    .values([...rows.values()])
    .onConflict((conflict) =>
      conflict.columns(['system_id', 'vendor_entitlement_id']).doUpdateSet((eb) => ({
        display_name: eb.ref('excluded.display_name'),
        owner_account_ids: eb.ref('excluded.owner_account_ids'),
        found_at: eb.ref('excluded.found_at'),
        gone_at: null,
      })),
    )
    .execute();
}

/** The next accounts, in the order of their ids, that were listed since `since` and whose rights are to be read. */
export async function accountsToRead(
  db: Db,
  systemId: string,
  { after, since, atMost }: { after: string | null; since: Date; atMost: number },
): Promise<string[]> {
  let query = db
    .selectFrom('found_account')
    .select('account_id')
    .where('system_id', '=', systemId)
    .where('found_at', '>=', since)
    .where('gone_at', 'is', null);
  if (after !== null) query = query.where('account_id', '>', after);
  const rows = await query.orderBy('account_id').limit(atMost).execute();
  return rows.map((row) => row.account_id);
}

/** What accounts hold; null for an account that the system does not have any more. */
export async function saveAssignments(
  tx: Tx,
  systemId: string,
  held: ReadonlyMap<string, readonly string[] | null>,
  at: Date,
): Promise<void> {
  for (const [accountId, ids] of held)
    await tx
      .updateTable('found_account')
      .set(ids === null ? { gone_at: at } : { vendor_entitlement_ids: [...new Set(ids)].toSorted(), held_at: at })
      .where('system_id', '=', systemId)
      .where('account_id', '=', accountId)
      .execute();
}

/** After a whole reading: what it did not show is gone. */
export async function markGone(tx: Tx, systemId: string, since: Date, at: Date): Promise<void> {
  for (const table of ['found_account', 'found_entitlement'] as const)
    await tx
      .updateTable(table)
      .set({ gone_at: at })
      .where('system_id', '=', systemId)
      .where('found_at', '<', since)
      .where('gone_at', 'is', null)
      .execute();
}

/** Every account that is there, with what it holds; in the order of ids. */
export async function foundAccounts(db: Db | Tx, systemId: string): Promise<ListedAccounts> {
  const rows = await db
    .selectFrom('found_account')
    .select(['account_id', 'correlation_key', 'vendor_status', 'can_log_in', 'vendor_entitlement_ids'])
    .where('system_id', '=', systemId)
    .where('gone_at', 'is', null)
    .where('held_at', 'is not', null)
    .orderBy('account_id')
    .execute();
  return rows.map((row) => ({
    accountId: row.account_id,
    correlationKey: row.correlation_key,
    vendorStatus: row.vendor_status,
    canLogIn: row.can_log_in,
    vendorEntitlementIds: row.vendor_entitlement_ids ?? [],
  }));
}

export interface FoundEntitlement {
  vendorEntitlementId: string;
  displayName: string;
  ownerAccountIds: string[];
}

/** Every entitlement that is there, in the order of their names. */
export async function foundEntitlements(db: Db | Tx, systemId: string): Promise<FoundEntitlement[]> {
  const rows = await db
    .selectFrom('found_entitlement')
    .select(['vendor_entitlement_id', 'display_name', 'owner_account_ids'])
    .where('system_id', '=', systemId)
    .where('gone_at', 'is', null)
    .orderBy('display_name')
    .orderBy('vendor_entitlement_id')
    .execute();
  return rows.map((row) => ({
    vendorEntitlementId: row.vendor_entitlement_id,
    displayName: row.display_name,
    ownerAccountIds: row.owner_account_ids ?? [],
  }));
}

/** When the newest page about the system came in; null when it was never read. */
export async function foundLastAt(db: Db, systemId: string): Promise<Date | null> {
  const row = await db
    .selectFrom('found_account')
    .select((eb) => sql<Date | null>`max(${eb.fn.coalesce('held_at', 'found_at')})`.as('at'))
    .where('system_id', '=', systemId)
    .executeTakeFirst();
  return row?.at ?? null;
}
