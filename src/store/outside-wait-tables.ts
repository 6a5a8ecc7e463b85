/** Kysely's view of the table of changes that wait for a person outside Usher, and what kinds of incidents there are. */
import type { ColumnType } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;

export type IncidentKind =
  'systemDown' | 'itemFailed' | 'personGone' | 'evidence' | 'delivery' | 'caseLost' | 'taskOverdue';

/**
 * `open`: the person was asked. `claimed`: the ticket says that it is done, and the owner of the system is asked.
 * `over`: another attempt took its place.
 */
export type OutsideWaitState = 'open' | 'claimed' | 'confirmed' | 'denied' | 'over';

export interface OutsideWaitTable {
  wait_id: string;
  operation_key: string;
  system_id: string;
  person_id: string;
  n: number;
  action: string;
  vendor_entitlement_id: string | null;
  ticket_number: string | null;
  state: OutsideWaitState;
  opened_at: Timestamp;
  claimed_at: NullableTimestamp;
  /** When the owner of the system was last told by mail. */
  told_at: NullableTimestamp;
  answered_at: NullableTimestamp;
  answered_by: string | null;
  reason: string | null;
}
