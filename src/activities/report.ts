/**
 * The end of a case. What is reported as verified is what the store proves to have been read back; what the workflow
 * claims beyond that was made up by somebody who can complete activities, and security hears of it.
 */
import { appendEvidence } from '../evidence/log.ts';
import type { CaseState } from '../schemas/case.ts';
import { raiseAlert } from '../store/alerts.ts';
import { getCase } from '../store/cases.ts';
import { tellStory } from '../store/story.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface WriteReportInput {
  personId: string;
  n: number;
  claimedVerified: string[];
  /** A leaver whose removal is done waits for its next sweep until then; null otherwise. */
  nextSweepAt: string | null;
}

export interface WriteReportResult {
  verified: string[];
  /** Claimed by the workflow, unknown to the store. */
  unproven: string[];
}

/** Compares the claims with the `verified` operations of the case. Idempotent; one alert per case. */
export async function writeReport(deps: WorkerDeps, input: WriteReportInput): Promise<WriteReportResult> {
  const rows = await deps.db
    .selectFrom('operation')
    .select('item_digest')
    .where('person_id', '=', input.personId)
    .where('n', '=', input.n)
    .where('state', '=', 'verified')
    .execute();
  const proven = new Set(rows.map((row) => row.item_digest));
  const verified = input.claimedVerified.filter((digest) => proven.has(digest));
  const unproven = input.claimedVerified.filter((digest) => !proven.has(digest));
  if (unproven.length > 0) {
    const caseId = `case_${input.personId}_${input.n}`;
    const text = `${unproven.length} changes of ${caseId} were claimed as verified and never read back. They are not reported as done.`;
    await raiseAlert(
      deps.db,
      { alertKey: `unproven/${caseId}`, kind: 'unprovenClaim', personId: input.personId, text },
      deps.now(),
    );
  }
  if (input.nextSweepAt !== null) {
    await deps.db
      .updateTable('usher_case')
      .set({ state: 'waiting', due_at: new Date(input.nextSweepAt) })
      .where('person_id', '=', input.personId)
      .where('n', '=', input.n)
      .where('closed_at', 'is', null)
      .execute();
    const data = { until: input.nextSweepAt, verifiedCount: verified.length };
    await tellStory(deps.db, { at: deps.now(), personId: input.personId, n: input.n, kind: 'caseWaiting', data });
  }
  return { verified, unproven };
}

export interface CloseCaseInput {
  personId: string;
  n: number;
  state: Extract<CaseState, 'done' | 'cancelled' | 'superseded' | 'failed'>;
  verifiedCount: number;
  failedCount: number;
}

/** Closes the row of the case; a closed case stays as it is. */
export async function closeCase(deps: WorkerDeps, input: CloseCaseInput): Promise<void> {
  const now = deps.now();
  const usherCase = await getCase(deps.db, input.personId, input.n);
  if (!usherCase || usherCase.closed_at) return;
  await deps.db.transaction().execute(async (tx) => {
    const closed = await tx
      .updateTable('usher_case')
      .set({ state: input.state, closed_at: now, due_at: null })
      .where('person_id', '=', input.personId)
      .where('n', '=', input.n)
      .where('closed_at', 'is', null)
      .returning('case_id')
      .executeTakeFirst();
    if (!closed) return;
    const { state, verifiedCount, failedCount } = input;
    const data = { state, verifiedCount, failedCount, kind: usherCase.kind };
    await tellStory(tx, { at: now, personId: input.personId, n: input.n, kind: 'caseClosed', data });
    const record = {
      operationKey: closed.case_id,
      kind: 'caseClosed' as const,
      personId: input.personId,
      caseId: closed.case_id,
      body: { state, verifiedCount, failedCount },
      values: null,
    };
    await appendEvidence(tx, deps.vault, [record], now);
  });
}
