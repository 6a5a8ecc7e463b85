/** Kysely's view of the tables about who decides an approval and what they asked; the others are in `tables.ts`. */
import type { ColumnType, Generated } from 'kysely';
import type { MandateKind } from '../domain/mandates.ts';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;

export interface ApprovalMandateTable {
  mandate_id: string;
  kind: MandateKind;
  approval_id: string | null;
  /** The beneficiary; null for a deputy. */
  person_id: string | null;
  from_id: string;
  to_id: string;
  valid_from: Timestamp;
  valid_until: NullableTimestamp;
  created_at: Timestamp;
  key_id: string;
  signature: string;
}
export interface ApprovalQuestionTable {
  question_id: string;
  approval_id: string;
  person_id: string;
  asked_by: string;
  asked_of: string;
  asked_at: Timestamp;
  question_sealed: Buffer | null;
  state: Generated<'open' | 'answered' | 'withdrawn'>;
  answered_by: string | null;
  answered_at: NullableTimestamp;
  answer_sealed: Buffer | null;
}
