/** Kysely's view of the tables about policy versions; the others are in `tables.ts`. */
import type { ColumnType, JSONColumnType } from 'kysely';
import type { Policy } from '../schemas/policy.ts';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;
type Json<T> = JSONColumnType<T & object, string, string>;

/** `bootstrap`: the first version of an installation. The others: how many people stood behind it. */
export type PolicyActivationMode = 'bootstrap' | 'onePerson' | 'twoPeople';

export interface PolicyVersionTable {
  policy_hash: string;
  content: Json<Policy>;
  activated_at: Timestamp;
  activated_by: string;
  is_active: boolean;
  key_id: string;
  signature: string;
}

/** One YAML file of a policy, as it was read. */
export interface PolicySourceFile {
  name: string;
  text: string;
}

export interface PolicySourceTable {
  source_hash: string;
  files: Json<PolicySourceFile[]>;
}

export interface PolicyProposalTable {
  proposal_id: string;
  policy_hash: string;
  source_hash: string;
  content: Json<Policy>;
  base_hash: string | null;
  diff_hash: string;
  proposed_at: Timestamp;
  proposed_by: string;
  key_id: string;
  signature: string;
  state: 'open' | 'activated' | 'replaced';
  closed_at: NullableTimestamp;
}

export interface PolicyActivationTable {
  activation_id: string;
  policy_hash: string;
  source_hash: string | null;
  mode: PolicyActivationMode;
  activated_at: Timestamp;
  proposed_by: string;
  approved_by: string | null;
  key_id: string;
  signature: string;
}
