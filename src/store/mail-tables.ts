/** Kysely's view of the tables about what leaves Usher as mail, or goes back to HR; the others are in `tables.ts`. */
import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;

export type OutgoingMailKind = 'approvalOpened' | 'approvalReminder' | 'alert';

export interface OutgoingMailTable {
  mail_id: string;
  kind: OutgoingMailKind;
  /** A person id, or `security` for the security group of the active policy. */
  recipient: string;
  approval_id: string | null;
  alert_key: string | null;
  state: Generated<'waiting' | 'sent' | 'dropped'>;
  created_at: Timestamp;
  /** Not tried before. */
  due_at: Timestamp;
  attempts: Generated<number>;
  failing_since: NullableTimestamp;
  /** A code of the mail library, never its message: that quotes addresses. */
  last_error: ColumnType<string | null, string | null | undefined, string | null>;
  closed_at: NullableTimestamp;
  /** What went out together has the same one. */
  message_id: ColumnType<string | null, string | null | undefined, string | null>;
}

/** A work address on its way to HR. */
export interface WorkEmailTable {
  source: string;
  source_key: string;
  person_id: string;
  case_n: number;
  address_sealed: Buffer;
  state: 'pending' | 'done' | 'failed';
  outcome: string | null;
  attempts: number;
  created_at: Timestamp;
  next_at: Timestamp;
  done_at: NullableTimestamp;
}
