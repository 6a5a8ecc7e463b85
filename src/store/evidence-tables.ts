/** Kysely's view of the evidence log; the other tables are in `tables.ts`. */
import type { ColumnType, JSONColumnType } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;
type Json<T> = JSONColumnType<T & object, string, string>;

export interface EvidenceTable {
  seq: ColumnType<string, string | number | bigint, never>;
  evidence_id: string;
  operation_key: string;
  kind: string;
  person_id: string | null;
  case_id: string | null;
  at: Timestamp;
  body: Json<Record<string, unknown>>;
  commitment: string | null;
  content_digest: string;
  leaf_hash: string;
}
export interface EvidenceValueTable {
  evidence_id: string;
  person_id: string;
  sealed: Buffer;
}
export interface CheckpointTable {
  tree_size: ColumnType<string, string | number | bigint, never>;
  root_hash: string;
  at: Timestamp;
  key_id: string;
  signature: string;
}
