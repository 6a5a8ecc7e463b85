/** Kysely's view of the tables about the archive of closed cases; the others are in `tables.ts`. */
import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;

export interface WorkflowBundleTable {
  bundle_hash: string;
  code_gzip: Buffer;
  stored_at: Timestamp;
}

export interface ArchivedHistoryTable {
  workflow_id: string;
  run_id: string;
  case_id: string;
  file_hash: string;
  event_count: number;
  bundle_hashes: string[];
  archived_at: Timestamp;
}

export interface CaseArchiveTable {
  case_id: string;
  state: 'archived' | 'erased';
  manifest_hash: string | null;
  missing_count: Generated<number>;
  archived_at: Timestamp;
}
