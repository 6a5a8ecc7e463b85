/**
 * All wire names of Usher: workflow types, ids, signals, updates, queries, queues, search attributes and the shapes
 * that travel with them. They live in histories for ever: nothing here changes without `patched()`.
 * Inputs and results hold references; what names a person or explains an item travels only in fields that the
 * payload codec covers.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CaseNews, CaseState } from '../schemas/case.ts';
import type { Item, Seat } from '../schemas/item.ts';
import type { Verdict } from '../schemas/decision.ts';

export const queues = {
  /** Cut-offs only: nothing else may ever stand before them. */
  urgent: 'usher-urgent',
  /** Workflow tasks of cases, approvals and provisioning, and their bookkeeping activities. */
  cases: 'usher-cases',
  /** Calls to systems. */
  systems: 'usher-systems',
  /** Inventories and other long calls. */
  slow: 'usher-slow',
} as const;

export const workflowTypes = {
  lifecycleCase: 'lifecycleCase',
  cutoff: 'cutoff',
  approval: 'approval',
  provisioning: 'provisioning',
} as const;

export const caseWorkflowId = (personId: string, n: number): string => `case_${personId}_${n}`;
export const cutoffWorkflowId = (personId: string, n: number): string => `cutoff_${personId}_${n}`;
export const approvalWorkflowId = (personId: string, n: number, k: number): string => `approval_${personId}_${n}_${k}`;
export const provisioningWorkflowId = (personId: string, n: number, k: number): string =>
  `provisioning_${personId}_${n}_${k}`;

export const closedCaseStates: readonly CaseState[] = ['done', 'cancelled', 'superseded', 'failed'];

const sa = defineSearchAttributeKey;
export const searchAttributes = {
  UsherPersonId: sa('UsherPersonId', SearchAttributeType.KEYWORD),
  UsherCaseId: sa('UsherCaseId', SearchAttributeType.KEYWORD),
  UsherKind: sa('UsherKind', SearchAttributeType.KEYWORD),
  UsherState: sa('UsherState', SearchAttributeType.KEYWORD),
  UsherPolicy: sa('UsherPolicy', SearchAttributeType.KEYWORD),
  UsherApprovers: sa('UsherApprovers', SearchAttributeType.KEYWORD_LIST),
  UsherSystems: sa('UsherSystems', SearchAttributeType.KEYWORD_LIST),
  UsherDueAt: sa('UsherDueAt', SearchAttributeType.DATETIME),
  UsherRiskPoints: sa('UsherRiskPoints', SearchAttributeType.INT),
} as const;

// ---- lifecycleCase ----------------------------------------------------------------------------------------------

export interface CaseInput {
  personId: string;
  n: number;
  /** Only of a case that was resumed: its route groups are counted on from here, so that no id is used twice. */
  afterK?: number;
}

/** News for an open case. */
export const tell = defineSignal<[CaseNews]>('tell');

export interface CaseResult {
  state: CaseState;
}

// ---- approval ---------------------------------------------------------------------------------------------------

export interface ApprovalInput {
  personId: string;
  n: number;
  k: number;
  proposalId: string;
  /** Every item of the group has these seats. */
  seats: Seat[];
  items: Item[];
  remindAfterSeconds: number;
  /** When the next level is asked as well, ascending; absent in histories of older versions. */
  escalateAfterSeconds?: number[];
  expireAfterSeconds: number;
}

/** Something about the approval changed: read it again. It carries nothing that could be forged. */
export interface ApprovalNews {
  kind: 'changed';
}

/** The same name as the news of a case; the receiver tells them apart. */
export const tellApproval = defineSignal<[ApprovalNews]>('tell');

export interface DecidePayload {
  approvalId: string;
  approverId: string;
  verdicts: { itemDigest: string; verdict: Verdict }[];
  reason?: string;
  code: string;
}

export const decide = defineSignal<[DecidePayload]>('decide');

export interface DecisionReference {
  decisionId: string;
}

export interface DecisionAnswer {
  isCounted: boolean;
  reason: string;
}

export const submitDecision = defineUpdate<DecisionAnswer, [DecisionReference]>('submitDecision');

export interface ApprovalResult {
  approved: string[];
  denied: string[];
  expired: string[];
  /** Nobody was asked: the server plans these items no more. Absent: people were asked. */
  isStale?: boolean;
}

// ---- provisioning and cutoff ------------------------------------------------------------------------------------

export interface ProvisioningItem {
  itemDigest: string;
  systemId: string;
  action: 'grant' | 'revoke' | 'disable' | 'update';
  /** Identity provider: before the others. */
  isFirst: boolean;
}

export interface ProvisioningInput {
  personId: string;
  n: number;
  k: number;
  items: ProvisioningItem[];
}

export type ItemOutcome = 'verified' | 'failed' | 'superseded' | 'refused';

export interface ProvisioningResult {
  outcomes: { itemDigest: string; systemId: string; outcome: ItemOutcome }[];
}

export interface CutoffInput {
  personId: string;
  n: number;
  systemIds: string[];
}

export interface CutoffResult {
  systems: Record<string, 'disabled' | 'noAccount' | 'refused'>;
}

// ---- query ------------------------------------------------------------------------------------------------------

export interface StatusAnswer {
  state: string;
  /** Plain lines, newest last. */
  log: string[];
}

export const status = defineQuery<StatusAnswer>('status');
