/** Kysely's view of the tables about systems: what they are asked, what they hold and how it is used. The others are in `tables.ts`. */
import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;

/** A question of the server to a system; the worker answers into it. */
export interface SystemRequestTable {
  request_id: string;
  kind: 'check' | 'accounts' | 'inventory';
  system_id: string;
  requested_at: Timestamp;
  done_at: NullableTimestamp;
  result: ColumnType<unknown, string | null | undefined, string | null>;
}
/** An account as a system showed it last. Ids, keys and states; never a name. */
export interface FoundAccountTable {
  system_id: string;
  account_id: string;
  /** As it stands in the vendor's slot: a person id, an HRIS key, or nothing. */
  correlation_key: string | null;
  vendor_status: string;
  can_log_in: boolean;
  /** Null until they were read for the first time. */
  vendor_entitlement_ids: ColumnType<string[] | null, string[] | null | undefined, string[] | null>;
  first_found_at: Timestamp;
  /** The newest listing that showed it. */
  found_at: Timestamp;
  /** When what it holds was read. */
  held_at: NullableTimestamp;
  /** A whole reading did not show it any more. */
  gone_at: NullableTimestamp;
}
export interface FoundEntitlementTable {
  system_id: string;
  vendor_entitlement_id: string;
  display_name: string;
  /** Accounts that the vendor names as owners; null where it says nothing. */
  owner_account_ids: string[] | null;
  first_found_at: Timestamp;
  found_at: Timestamp;
  gone_at: NullableTimestamp;
}
/** How far the reading for one question came: what broke goes on from here. */
export interface InventoryReadingTable {
  request_id: string;
  system_id: string;
  began_at: Timestamp;
  part: Generated<'entitlements' | 'accounts' | 'assignments'>;
  /** The vendor's cursor of the next page; of the assignments the last account that was read. Null: the first. */
  cursor: ColumnType<string | null, string | null | undefined, string | null>;
  /** Of the part under way. */
  pages: Generated<number>;
  entitlements: Generated<number>;
  accounts: Generated<number>;
  /** Whose rights were read. */
  accounts_read: Generated<number>;
  /** One after the other, without a page in between. */
  failures: Generated<number>;
  moved_at: Timestamp;
  next_at: Timestamp;
}
/** What a system said about the last use of an account, or of one entitlement of it: a history, one row for each new statement. */
export interface UsageFactTable {
  system_id: string;
  account_id: string;
  /** Null: of the account as a whole. */
  vendor_entitlement_id: string | null;
  /** Null: the system said that it was never used. */
  last_used_at: NullableTimestamp;
  /** When Usher read it for the first time. */
  observed_at: Timestamp;
}
export interface UsageReadingTable {
  system_id: string;
  /** Of the reading under way; null without one. */
  began_at: NullableTimestamp;
  /** From when on the reading under way asks; null: everything. */
  since: NullableTimestamp;
  cursor: ColumnType<string | null, string | null | undefined, string | null>;
  pages: Generated<number>;
  /** Uses before this moment are stored: when the last whole reading began. */
  read_until: NullableTimestamp;
  next_at: Timestamp;
  failures: Generated<number>;
  last_error_code: ColumnType<string | null, string | null | undefined, string | null>;
}

export interface InventoryTables {
  system_request: SystemRequestTable;
  found_account: FoundAccountTable;
  found_entitlement: FoundEntitlementTable;
  inventory_reading: InventoryReadingTable;
  usage_fact: UsageFactTable;
  usage_reading: UsageReadingTable;
}
