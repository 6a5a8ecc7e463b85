/** The worker's part in approvals: it asks the server to tell approvers and to prove decisions. It sees no code and signs nothing. */
import { ServerRefusal, type ClaimAnswer } from '../authorisation/server-client.ts';
import type { ItemVerdict } from '../schemas/decision.ts';
import type { Seat } from '../schemas/item.ts';
import { actorsInRow, clockOf } from '../store/approval-standing.ts';
import { decisionsOfApproval, getApproval } from '../store/decisions.ts';
import { translated } from './failures.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface NotifyApproverInput {
  personId: string;
  n: number;
  k: number;
  proposalId: string;
  itemDigests: string[];
  what: 'opened' | 'reminder' | 'escalation' | 'decided' | 'expired' | 'cancelled';
  /** Of an escalation, from 1. */
  level?: number;
}

/**
 * Opens the approval at the server and has its approvers told, reminds them, or closes it. Repeating it may mail twice,
 * never decide twice. `isOpen` false: the server holds none of the items any more.
 */
export async function notifyApprover(
  deps: WorkerDeps,
  input: NotifyApproverInput,
): Promise<{ isOpen: boolean; told: number }> {
  const approvalId = `approval_${input.personId}_${input.n}_${input.k}`;
  return translated(async () => {
    switch (input.what) {
      case 'opened': {
        const { personId, n, k, proposalId, itemDigests } = input;
        const answer = await unlessRefused(['stale', 'noApprover'], () =>
          deps.server.openApproval({ personId, n, k, proposalId, itemDigests }),
        );
        // Facts or policy moved on between the plan and the question: whoever planned plans again.
        if (answer === null) return { isOpen: false, told: 0 };
        await deps.db
          .updateTable('usher_case')
          .set({ state: 'awaitingApproval' })
          .where('person_id', '=', personId)
          .where('n', '=', n)
          .where('closed_at', 'is', null)
          .execute();
        return { isOpen: true, told: answer.told };
      }
      case 'reminder':
        return { isOpen: true, told: (await deps.server.remindApprovers({ approvalId })).told };
      case 'escalation':
        return {
          isOpen: true,
          told: (await deps.server.escalateApproval({ approvalId, level: input.level ?? 1 })).told,
        };
      case 'decided':
      case 'expired':
      case 'cancelled': {
        const { what: state } = input;
        // What was withdrawn before the server could open it is not there to be closed.
        await unlessRefused(['notFound'], () => deps.server.closeApproval({ approvalId, state }));
        return { isOpen: false, told: 0 };
      }
      default:
        return input.what satisfies never;
    }
  });
}

/** Null where the server refuses for one of these reasons. */
async function unlessRefused<T>(codes: readonly string[], ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ServerRefusal && codes.includes(error.code)) return null;
    throw error;
  }
}

export interface CountedDecision {
  decisionId: string;
  approverId: string;
  verdicts: ItemVerdict[];
  decidedAt: string;
  /** Absent: in their own place. */
  forApproverId?: string;
  /** Who might have filled which seat at that moment; absent in histories of older versions. */
  seats?: Seat[];
}

export interface RecordDecisionInput {
  approvalId: string;
  /** Minted by the workflow for each signal. */
  claimId: string;
  payload: unknown;
}

export type RecordDecisionResult =
  { outcome: 'accepted'; decision: CountedDecision } | { outcome: 'refused'; reason: string };

/** A signal from the Temporal UI: the server checks the code. What comes back is read from the signed row. */
export async function recordDecision(deps: WorkerDeps, input: RecordDecisionInput): Promise<RecordDecisionResult> {
  const answer: ClaimAnswer = await translated(() => deps.server.claimDecision(input));
  if (answer.outcome === 'refused') return answer;
  const decision = await loadDecision(deps, { approvalId: input.approvalId, decisionId: answer.decisionId });
  return decision
    ? { outcome: 'accepted', decision }
    : { outcome: 'refused', reason: 'the decision is not signed for this approval' };
}

/** The decision row of that id; null unless it exists, belongs to the approval and carries the server's signature. */
export async function loadDecision(
  deps: WorkerDeps,
  input: { approvalId: string; decisionId: string },
): Promise<CountedDecision | null> {
  const rows = await decisionsOfApproval(deps.db, deps.verifier, input.approvalId);
  const row = rows.find((candidate) => candidate.decision_id === input.decisionId);
  if (!row) return null;
  return {
    decisionId: row.decision_id,
    approverId: row.approver_id,
    verdicts: row.verdicts,
    decidedAt: row.decided_at.toISOString(),
    ...(row.for_approver_id === null ? {} : { forApproverId: row.for_approver_id }),
    ...(row.seats === null ? {} : { seats: row.seats }),
  };
}

export interface LoadedApproval {
  seats: Seat[];
  /** Who may decide now. */
  approverIds: string[];
  /** Length of all stops of the clock so far. */
  pausedMs: number;
  /** How long the clock stands still without an answer; null: it runs. */
  pauseLeftMs: number | null;
}

/** Seats and clock of an approval as the server wrote them; null for an unknown one. */
export async function loadApproval(deps: WorkerDeps, input: { approvalId: string }): Promise<LoadedApproval | null> {
  const approval = await getApproval(deps.db, input.approvalId);
  if (!approval) return null;
  const now = deps.now();
  const clock = clockOf(approval, now);
  return {
    seats: approval.seats,
    approverIds: [...new Set(actorsInRow(approval).map(({ personId }) => personId))].toSorted(),
    pausedMs: clock.pausedMs,
    pauseLeftMs: clock.resumesAtMs === null ? null : clock.resumesAtMs - now.getTime(),
  };
}
