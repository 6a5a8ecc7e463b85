/** Kysely's view of the tables about intake and about what was there before Usher; the others are in `tables.ts`. */
import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;

export interface ImportSourceTable {
  source: string;
  /** The HR system whose keys the ids of the source are; null for none. */
  keys_of: string | null;
  first_imported_at: Timestamp;
  imported_at: Timestamp;
  report_hash: string;
}

export interface SystemModeTable {
  system_id: string;
  mode: 'baseline' | 'enforced';
  since: Timestamp;
  set_by: string;
  diff_hash: string | null;
}

export interface IntakeRefusalTable {
  source: string;
  reason: string;
  day: ColumnType<string, string, string>;
  count: Generated<number>;
}
export interface WatermarkTable {
  source: string;
  value: string;
  updated_at: Timestamp;
}
