/**
 * The end of a case. What is reported as verified is what the store proves to have been read back; what the workflow
 * claims beyond that was made up by somebody who can complete activities, and security hears of it.
 */
import { appendEvidence } from '../evidence/log.ts';
import type { CaseState } from '../schemas/case.ts';
import { raiseAlert } from '../store/alerts.ts';
import { getCase, type CaseRow } from '../store/cases.ts';
import type { Db, Tx } from '../store/db.ts';
import { latestSnapshotRow } from '../store/people.ts';
import { tellStory } from '../store/story.ts';
import { releaseCase } from './incidents.ts';
import { systemsNotSeenLast } from './last-looks.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface WriteReportInput {
  personId: string;
  n: number;
  claimedVerified: string[];
  /** A leaver whose removal is done waits for its next sweep until then; null otherwise. */
  nextSweepAt: string | null;
  /** Where the removal did not succeed yet. */
  leftSystemIds: string[];
}

export interface WriteReportResult {
  verified: string[];
  /** Claimed by the workflow, unknown to the store. */
  unproven: string[];
}

/** Compares the claims with the `verified` operations of the case. Idempotent; one alert per case. */
export async function writeReport(deps: WorkerDeps, input: WriteReportInput): Promise<WriteReportResult> {
  const { verified, unproven } = await prove(deps, input);
  if (input.nextSweepAt !== null) {
    await deps.db
      .updateTable('usher_case')
      .set({ state: 'waiting', due_at: new Date(input.nextSweepAt) })
      .where('person_id', '=', input.personId)
      .where('n', '=', input.n)
      .where('closed_at', 'is', null)
      .execute();
    const { nextSweepAt: until, leftSystemIds } = input;
    const data = { until, verifiedCount: verified.length, leftSystemIds };
    await tellStory(deps.db, { at: deps.now(), personId: input.personId, n: input.n, kind: 'caseWaiting', data });
  }
  return { verified, unproven };
}

interface Claims {
  personId: string;
  n: number;
  claimedVerified: string[];
}

async function prove(deps: WorkerDeps, { personId, n, claimedVerified }: Claims): Promise<WriteReportResult> {
  const rows = await deps.db
    .selectFrom('operation')
    .select('item_digest')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('state', '=', 'verified')
    .execute();
  const proven = new Set(rows.map((row) => row.item_digest));
  const verified = claimedVerified.filter((digest) => proven.has(digest));
  const unproven = claimedVerified.filter((digest) => !proven.has(digest));
  if (unproven.length > 0) {
    const caseId = `case_${personId}_${n}`;
    const text = `${unproven.length} changes of ${caseId} were claimed as verified and never read back. They are not reported as done.`;
    await raiseAlert(deps.db, { alertKey: `unproven/${caseId}`, kind: 'unprovenClaim', personId, text }, deps.now());
  }
  return { verified, unproven };
}

/** A leaver is done when every system was looked at once more; answers where that is not on record. */
async function proveLooks(deps: WorkerDeps, usherCase: CaseRow): Promise<string[]> {
  if (usherCase.kind !== 'leaver') return [];
  const unseen = await systemsNotSeenLast(deps, usherCase);
  if (unseen.length > 0) {
    const { case_id: caseId, person_id: personId } = usherCase;
    const text = `${caseId} claims that nothing is left at ${unseen.join(', ')}, where nobody looked. It is not reported as done.`;
    await raiseAlert(deps.db, { alertKey: `unproven/${caseId}`, kind: 'unprovenClaim', personId, text }, deps.now());
  }
  return unseen;
}

export interface CloseCaseInput {
  personId: string;
  n: number;
  state: Extract<CaseState, 'done' | 'cancelled' | 'superseded' | 'failed'>;
  claimedVerified: string[];
  failedCount: number;
  /** The facts that the case last planned on; null where it planned none. */
  snapshotId: string | null;
}

export interface CloseCaseResult {
  state: CaseState;
  /** Newer facts came in: the case stays open and has to plan again. */
  isStale: boolean;
}

/**
 * Closes the row of the case and answers its state; a closed case stays as it is. The claims are proved once more: whoever
 * can complete `writeReport` by hand must not have a case recorded as done.
 */
export async function closeCase(deps: WorkerDeps, input: CloseCaseInput): Promise<CloseCaseResult> {
  const now = deps.now();
  const usherCase = await getCase(deps.db, input.personId, input.n);
  if (!usherCase || usherCase.closed_at) return { state: usherCase?.state ?? input.state, isStale: false };
  // Before anything of it is let go: a case that goes on keeps its incidents.
  if (await hasNewerFacts(deps.db, input)) return { state: usherCase.state, isStale: true };
  const { verified, unproven } = await prove(deps, input);
  const unseen = input.state === 'done' ? await proveLooks(deps, usherCase) : [];
  const failedCount = input.failedCount + unproven.length + unseen.length;
  const state = input.state === 'done' && unproven.length + unseen.length > 0 ? 'failed' : input.state;
  const verifiedCount = verified.length;
  // A failed case leaves its incident to a person; of every other nothing waits any more.
  if (state !== 'failed') await releaseCase(deps, input);
  const isStale = await deps.db.transaction().execute(async (tx) => {
    await lockCase(tx, input);
    if (await hasNewerFacts(tx, input)) return true;
    const closed = await tx
      .updateTable('usher_case')
      .set({ state, closed_at: now, due_at: null })
      .where('person_id', '=', input.personId)
      .where('n', '=', input.n)
      .where('closed_at', 'is', null)
      .returning('case_id')
      .executeTakeFirst();
    if (!closed) return false;
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
    return false;
  });
  return { state: isStale ? usherCase.state : state, isStale };
}

/**
 * Facts that are derived at this very moment find the case open and tell it, or find it closed and open another: the lock on
 * its row puts the two in an order, so that neither falls between them.
 */
async function lockCase(tx: Tx, { personId, n }: CloseCaseInput): Promise<void> {
  await tx
    .selectFrom('usher_case')
    .select('n')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .forUpdate()
    .execute();
}

async function hasNewerFacts(db: Db | Tx, { personId, state, snapshotId }: CloseCaseInput): Promise<boolean> {
  if (snapshotId === null || state === 'cancelled' || state === 'superseded') return false;
  const latest = await latestSnapshotRow(db, personId);
  return latest !== null && latest.snapshot_id !== snapshotId;
}
