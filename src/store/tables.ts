/** Kysely's view of the tables in `migrations/`. Rows are shaped here, rules about them live in the repositories. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Actor } from '../domain/mandates.ts';
import type { WorkflowBundleTable, ArchivedHistoryTable, CaseArchiveTable } from './archive-tables.ts';
import type { ImportSourceTable, IntakeRefusalTable, SystemModeTable, WatermarkTable } from './intake-tables.ts';
import type { RateBudgetTable } from './budget-tables.ts';
import type { CheckpointTable, EvidenceTable, EvidenceValueTable } from './evidence-tables.ts';
import type { InventoryTables } from './inventory-tables.ts';
import type { IncidentKind, OutsideWaitTable } from './outside-wait-tables.ts';
import type { StoryTable } from './story-tables.ts';
import type { PersonReviewTable } from './review-tables.ts';
import type { OutgoingMailTable, WorkEmailTable } from './mail-tables.ts';
import type {
  PolicyVersionTable,
  PolicySourceTable,
  PolicyProposalTable,
  PolicyActivationTable,
} from './policy-tables.ts';
import type { ApprovalMandateTable, ApprovalQuestionTable } from './approval-tables.ts';
import type { DepartureAuthorisation } from '../schemas/authorisation.ts';
import type { ItemVerdict } from '../schemas/decision.ts';
import type { Item, Seat } from '../schemas/item.ts';
import type { CaseKind, CaseNews, CaseState } from '../schemas/case.ts';

/** Read as Date, written as Date. */
type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;
type Json<T> = JSONColumnType<T & object, string, string>;
type DefaultedJson<T> = ColumnType<T, string | undefined, string>;
type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;

export type * from './mail-tables.ts';
export type * from './policy-tables.ts';
export type { IncidentKind };

export type SpellState = 'none' | 'pending' | 'open' | 'ended';
export type CutoffState = 'scheduled' | 'held' | 'started' | 'rescinded';
export type OperationState = 'intended' | 'applied' | 'verified' | 'contradicted' | 'failed' | 'superseded';

export interface PersonTable {
  person_id: string;
  last_n: Generated<number>;
  fence: Generated<number>;
  spell_n: number | null;
  spell_state: Generated<SpellState>;
  created_at: Timestamp;
  erased_at: NullableTimestamp;
}
export interface IdentityLinkTable {
  source: string;
  source_key: string;
  person_id: string;
  valid_from: Timestamp;
  valid_to: NullableTimestamp;
}
export interface SnapshotTable {
  snapshot_id: string;
  person_id: string;
  source: string;
  source_key: string;
  observed_at: Timestamp;
  facts_digest: string;
  access_from: Timestamp;
  starts_at: Timestamp;
  access_until: NullableTimestamp;
  zone: string;
  facts_sealed: Buffer;
  key_id: string;
  signature: string;
}
export interface LedgerTable {
  event_id: string;
  source: string;
  source_key: string;
  delivery_key: string;
  digest: string;
  origin: 'webhook' | 'poll' | 'manual' | 'release';
  state: 'received' | 'derived' | 'gone';
  verdict: string | null;
  body_sealed: Buffer | null;
  received_at: Timestamp;
  derived_at: NullableTimestamp;
  attempts: Generated<number>;
  /** Of the trace in which it was received. */
  traceparent: ColumnType<string | null, string | null | undefined, string | null>;
}
export interface CaseTable {
  person_id: string;
  n: number;
  case_id: string;
  kind: CaseKind;
  effective_at: Timestamp;
  is_effective: Generated<boolean>;
  state: Generated<CaseState>;
  spell_n: number;
  event_id: string | null;
  route: string | null;
  opened_at: Timestamp;
  due_at: NullableTimestamp;
  accepted_at: NullableTimestamp;
  closed_at: NullableTimestamp;
  policy_hash: string | null;
  /** Of a mover: until then nothing is taken away. */
  handover_until: NullableTimestamp;
  /** Of a mover: who managed the person before. */
  previous_manager_id: string | null;
}
export interface CutoffTable {
  person_id: string;
  n: number;
  effective_at: Timestamp;
  state: CutoffState;
  passes_cap: Generated<boolean>;
  reason: string | null;
  departure: Json<DepartureAuthorisation>;
  key_id: string;
  signature: string;
  received_at: Timestamp;
  started_at: NullableTimestamp;
  held_at: NullableTimestamp;
  released_by: string | null;
}
export type DeliveryPayload =
  | { news: CaseNews }
  | { approvalId: string; approvalNews: 'changed' }
  | { decisionId: string; approvalId: string }
  | { systemIds: string[]; isResume?: true }
  | { isResume: true }
  | Record<string, never>;
export interface DeliveryTable {
  delivery_id: string;
  /** Order of writing: rows of one person are delivered in it. */
  seq: Generated<string>;
  created_at: Timestamp;
  kind: 'startCase' | 'startCutoff' | 'tell' | 'submitDecision';
  person_id: string;
  n: number;
  payload: Json<DeliveryPayload>;
  due_at: Timestamp;
  delivered_at: NullableTimestamp;
  attempts: Generated<number>;
  last_error: string | null;
  /** Of the trace in which it was written. */
  traceparent: ColumnType<string | null, string | null | undefined, string | null>;
}
export interface ProposalTable {
  proposal_id: string;
  person_id: string;
  n: number;
  spell_n: number;
  snapshot_id: string;
  policy_hash: string;
  planned_at: Timestamp;
  input_hash: string;
  items: Json<Item[]>;
}
export interface ApprovalTable {
  approval_id: string;
  person_id: string;
  n: number;
  k: number;
  proposal_id: string;
  seats: Json<Seat[]>;
  items: Json<Item[]>;
  state: Generated<'open' | 'decided' | 'expired' | 'cancelled'>;
  opened_at: Timestamp;
  remind_at: Timestamp;
  expires_at: Timestamp;
  closed_at: NullableTimestamp;
  /** Who may decide now, for the surfaces; the server works it out anew before each decision. */
  actors: DefaultedJson<Actor[]>;
  /** Everybody whose departure or change matters. */
  involved: ColumnType<string[], string[] | undefined, string[]>;
  /** Who was mailed. */
  told: ColumnType<string[], string[] | undefined, string[]>;
  /** Instants, one for each level. */
  escalate_at: DefaultedJson<string[]>;
  escalated_level: Generated<number>;
  pause_at_most_ms: Generated<number>;
  paused_at: NullableTimestamp;
  /** Length of the stops that ended; the times hold them. */
  paused_ms: Generated<number>;
  refreshed_at: NullableTimestamp;
}
export interface ApprovalSecretTable {
  secret_hash: string;
  approval_id: string;
  approver_id: string;
  kind: 'link' | 'approve' | 'deny';
  expires_at: Timestamp;
  used_at: NullableTimestamp;
}
export interface DecisionTable {
  decision_id: string;
  approval_id: string;
  person_id: string;
  spell_n: number;
  approver_id: string;
  surface: string;
  verdicts: Json<ItemVerdict[]>;
  reason_sealed: Buffer | null;
  reason_digest: string;
  decided_at: Timestamp;
  key_id: string;
  signature: string;
  /** In whose place; null: in their own. */
  for_approver_id: string | null;
  /** The signed way from the seat to the approver. */
  mandate_ids: NullableJson<string[]>;
  /** Who might have filled which seat at that moment. */
  seats: NullableJson<Seat[]>;
}
export interface OperationTable {
  operation_key: string;
  person_id: string;
  n: number;
  k: number;
  item_digest: string;
  system_id: string;
  round: number;
  state: OperationState;
  outcome: string | null;
  account_id: string | null;
  vendor_request_id: string | null;
  error_code: string | null;
  updated_at: Timestamp;
}
export interface AccountTable {
  person_id: string;
  system_id: string;
  account_id: string;
  origin: 'created' | 'adopted' | 'found';
  login: 'enabled' | 'disabled' | 'unknown';
  observed_at: Timestamp;
  verified_at: NullableTimestamp;
}
export interface PersonGrantTable {
  person_id: string;
  system_id: string;
  vendor_entitlement_id: string;
  entitlement_id: string | null;
  basis: 'policy' | 'decision' | 'found';
  item_digest: string | null;
  case_n: number | null;
  /** The spell in which Usher granted it; null for what was found. */
  spell_n: number | null;
  state: 'held' | 'revoked';
  /** The first grant of the spell. */
  since: Timestamp;
  /** Later moments of the spell at which it was given anew: after it had been taken, or on another decision. */
  given_again: Generated<Date[]>;
  expires_at: NullableTimestamp;
  verified_at: NullableTimestamp;
  revoked_at: NullableTimestamp;
  expiry_attempts: Generated<number>;
  expiry_started_at: NullableTimestamp;
}
export interface ChosenProfileTable {
  person_id: string;
  spell_n: number;
  profile_id: string;
  decision_id: string;
}
export interface SystemHealthTable {
  system_id: string;
  failing_since: NullableTimestamp;
  last_error_code: string | null;
  last_failure_at: NullableTimestamp;
  last_success_at: NullableTimestamp;
}
export interface IncidentTable {
  incident_id: string;
  system_id: string;
  kind: IncidentKind;
  state: 'open' | 'closed';
  summary: string;
  ticket_id: string | null;
  ticket_number: string | null;
  ticket_closed_at: NullableTimestamp;
  opened_at: Timestamp;
  closed_at: NullableTimestamp;
}
export interface IncidentItemTable {
  incident_id: string;
  item_key: string;
  person_id: string | null;
  n: number | null;
  attached_at: Timestamp;
  detached_at: NullableTimestamp;
}
export interface AlertTable {
  alert_key: string;
  kind: string;
  person_id: string | null;
  text: string;
  raised_at: Timestamp;
  mailed_at: NullableTimestamp;
}
export interface HoldNoticeTable {
  day: ColumnType<string, string, string>;
  first_held_at: Timestamp;
}
export interface AccessTokenTable {
  token_hash: string;
  person_id: string | null;
  label: string;
  scopes: string[];
  created_at: Timestamp;
  expires_at: Timestamp;
  revoked_at: NullableTimestamp;
}
export interface LoginLinkTable {
  secret_hash: string;
  token_hash: string;
  expires_at: Timestamp;
  used_at: NullableTimestamp;
}

export interface Tables extends InventoryTables {
  work_email: WorkEmailTable;
  person: PersonTable;
  identity_link: IdentityLinkTable;
  snapshot: SnapshotTable;
  ledger: LedgerTable;
  intake_refusal: IntakeRefusalTable;
  watermark: WatermarkTable;
  policy_version: PolicyVersionTable;
  policy_source: PolicySourceTable;
  policy_proposal: PolicyProposalTable;
  policy_activation: PolicyActivationTable;
  usher_case: CaseTable;
  cutoff: CutoffTable;
  delivery: DeliveryTable;
  proposal: ProposalTable;
  approval: ApprovalTable;
  approval_mandate: ApprovalMandateTable;
  approval_question: ApprovalQuestionTable;
  approval_secret: ApprovalSecretTable;
  decision: DecisionTable;
  operation: OperationTable;
  account: AccountTable;
  person_grant: PersonGrantTable;
  rate_budget: RateBudgetTable;
  person_review: PersonReviewTable;
  outside_wait: OutsideWaitTable;
  chosen_profile: ChosenProfileTable;
  system_health: SystemHealthTable;
  incident: IncidentTable;
  incident_item: IncidentItemTable;
  alert: AlertTable;
  outgoing_mail: OutgoingMailTable;
  hold_notice: HoldNoticeTable;
  evidence: EvidenceTable;
  evidence_value: EvidenceValueTable;
  checkpoint: CheckpointTable;
  access_token: AccessTokenTable;
  login_link: LoginLinkTable;
  story: StoryTable;
  import_source: ImportSourceTable;
  system_mode: SystemModeTable;
  workflow_bundle: WorkflowBundleTable;
  archived_history: ArchivedHistoryTable;
  case_archive: CaseArchiveTable;
}
