/**
 * Takes everything away. The logins are cut off by then; here the person's other cases end, the cut-off is asserted again,
 * accounts are found in the systems themselves and stripped, and sweeps look for what grew back.
 */
import { CancellationScope, condition, ParentClosePolicy } from '@temporalio/workflow';
import type { PlanCaseResult } from '../activities/plan-case.ts';
import { allOf } from './all-of.ts';
import type { CaseDesk } from './case-desk.ts';
import { findAccount } from './find-account.ts';
import { beginHandWork, type HandWork } from './hand-work.ts';
import { bookkeeping, cutoffAgain, slowCalls } from './options.ts';
import { provisionInChild } from './provisioning-child.ts';
import * as wire from './wire.ts';
import { withOutage } from './with-outage.ts';

/** How often what a system would not let go of is tried again without anybody asking, and for how long. */
const RETRY_EVERY_SECONDS = 86_400;
const RETRIES_MAX = 30;

type LeavePlan = Extract<PlanCaseResult, { phase: 'leave' }>;

/** `isStanding` is false when the departure counts no more: it was taken back, or something newer came. */
export async function leaver(desk: CaseDesk, plan: LeavePlan): Promise<{ failedCount: number; isStanding: boolean }> {
  const { personId, n } = desk;
  desk.enter('provisioning', [
    { key: wire.searchAttributes.UsherKind, value: 'leaver' },
    { key: wire.searchAttributes.UsherPolicy, value: plan.policyHash },
    { key: wire.searchAttributes.UsherSystems, value: plan.targetSystemIds },
  ] as never);
  const { cancelled } = await slowCalls.cancelOpenCases.executeWithOptions({ summary: 'end the other cases' }, [
    { personId, n },
  ]);
  if (cancelled.length > 0) desk.note(`cancelled the cases ${cancelled.join(', ')}`);
  const byHand = plan.byHandSystemIds ?? [];
  const left: LeftOver = new Set(byHand);
  const handWork = beginHandWork(byHand, async (systemId) => {
    if (plan.cutoffSystemIds.includes(systemId)) await assertCutOff(desk, systemId);
    if (await stripSystem(desk, systemId)) left.delete(systemId);
  });
  const leave: Leave = { desk, plan, left, handWork };
  try {
    return await takeAll(leave);
  } finally {
    await CancellationScope.nonCancellable(() => handWork.stop());
  }
}

async function takeAll(leave: Leave): Promise<{ failedCount: number; isStanding: boolean }> {
  const { desk, plan, left, handWork } = leave;
  const cutoffIds = plan.cutoffSystemIds.filter((systemId) => !handWork.systemIds.has(systemId));
  await allOf(cutoffIds.map((systemId) => assertCutOff(desk, systemId)));
  await strip(leave, 'due');
  for (const afterSeconds of plan.sweepAfterSeconds) {
    if (!(await sweep(leave, afterSeconds))) return { failedCount: 0, isStanding: false };
  }
  // What a system would not let go of stays open under its incident, and is tried again each day or when somebody asks.
  for (let days = 0; days < RETRIES_MAX && (left.size > 0 || handWork.hasNews);) {
    const why = await waitForLook(leave, Date.now() + RETRY_EVERY_SECONDS * 1000);
    if (why === 'due') days += 1;
    if (!(await stripAgain(leave, why))) return { failedCount: 0, isStanding: false };
  }
  return { failedCount: left.size, isStanding: true };
}

/** Systems where something of the person is left. */
type LeftOver = Set<string>;

interface Leave {
  desk: CaseDesk;
  plan: LeavePlan;
  left: LeftOver;
  handWork: HandWork;
}

/** False when the departure counts no more. A retry that somebody asks for looks at once and does not replace the sweep. */
async function sweep(leave: Leave, afterSeconds: number): Promise<boolean> {
  const { desk } = leave;
  const dueMs = Date.now() + afterSeconds * 1000;
  desk.note(`next sweep in ${afterSeconds} s`);
  for (;;) {
    const why = await waitForLook(leave, dueMs);
    if (!(await stripAgain(leave, why))) return false;
    if (why === 'due' || Date.now() >= dueMs) return true;
  }
}

/** Why the systems are looked at: it is time, somebody asked for it (or took the departure back), or work by hand ended. */
type Why = 'due' | 'asked' | 'handWork';

async function waitForLook({ desk, left, handWork }: Leave, dueMs: number): Promise<Why> {
  await report(desk, new Date(dueMs).toISOString(), left);
  const isAsked = (): boolean => desk.isRescinded || desk.retrySystemIds.size > 0;
  const isWoken = await condition(() => isAsked() || handWork.hasNews, Math.max(1, dueMs - Date.now()), {
    summary: 'sweep',
  });
  const why = isAsked() ? 'asked' : 'handWork';
  desk.retrySystemIds.clear();
  return isWoken ? why : 'due';
}

async function stripAgain(leave: Leave, why: Why): Promise<boolean> {
  const { desk } = leave;
  if (desk.isRescinded) return false;
  const { phase } = await desk.plan();
  if (phase === 'rescinded') desk.isRescinded = true;
  if (phase === 'superseded' || phase === 'rescinded') return false;
  await strip(leave, why);
  return true;
}

async function report(desk: CaseDesk, nextSweepAt: string, left: LeftOver): Promise<void> {
  const { personId, n } = desk;
  await bookkeeping.writeReport.executeWithOptions({ summary: 'report' }, [
    { personId, n, claimedVerified: [...desk.verified], nextSweepAt, leftSystemIds: [...left].toSorted() },
  ]);
}

/** Writes of cases that were cancelled may have landed after the cut-off. */
async function assertCutOff(desk: CaseDesk, systemId: string): Promise<void> {
  const { personId, n } = desk;
  const subject = { personId, n, systemId, itemKeys: ['cutoff'] };
  await withOutage(subject, 'cut off', async (isIncidentOpen) => {
    const answer = await cutoffAgain.disableLogin.executeWithOptions({ summary: `${systemId}: still cut off` }, [
      { personId, n, systemId, isIncidentOpen },
    ]);
    return answer.outcome === 'systemDown'
      ? { kind: 'systemDown' as const, errorCode: answer.errorCode ?? 'transient' }
      : { kind: 'done' as const };
  });
}

/** All systems side by side: one that is down delays only itself, and where people are at work they are left alone. */
async function strip({ desk, plan, left, handWork }: Leave, why: Why): Promise<void> {
  await allOf(
    handWork.take(plan.targetSystemIds).map(async (systemId) => {
      const isByHand = handWork.systemIds.has(systemId);
      const isClean = isByHand ? (await toRemove(desk, systemId)) === 'nothing' : await stripSystem(desk, systemId);
      if (isClean) left.delete(systemId);
      else left.add(systemId);
      // What somebody just said that they could not do is asked for again later.
      if (!isClean && isByHand && why !== 'handWork') handWork.start(systemId);
    }),
  );
}

/** True when the system holds nothing of the person any more. */
async function stripSystem(desk: CaseDesk, systemId: string): Promise<boolean> {
  const account = await toRemove(desk, systemId);
  if (account === 'nothing') return true;
  if (account === 'unknown') return false;
  const plan = await desk.plan([account]);
  if (plan.phase !== 'items' || plan.items.length === 0) return true;
  return removeItems(desk, systemId, plan);
}

/** The account where there is something to take from it; `unknown` where the look failed for good. */
async function toRemove(desk: CaseDesk, systemId: string) {
  const found = await findAccount(desk, systemId);
  if (found === null) return 'unknown';
  const { account } = found;
  return !account || (!account.canLogIn && account.vendorEntitlementIds.length === 0) ? 'nothing' : account;
}

async function removeItems(
  desk: CaseDesk,
  systemId: string,
  plan: Extract<PlanCaseResult, { phase: 'items' }>,
): Promise<boolean> {
  const { personId, n } = desk;
  const k = desk.nextK();
  const items = plan.items.map(({ itemDigest, action }) => ({
    itemDigest,
    systemId,
    action: action === 'disable' ? ('disable' as const) : ('revoke' as const),
    isFirst: false,
  }));
  const result = await provisionInChild(
    { personId, n, k, items },
    {
      staticSummary: `Removal ${k}: ${items.length} items at ${systemId}`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
    },
  );
  for (const { itemDigest, outcome } of result.outcomes) if (outcome === 'verified') desk.verified.add(itemDigest);
  // Only what was read back is gone, whatever the reason why the rest was not written.
  const removed = result.outcomes.filter(({ outcome }) => outcome === 'verified');
  desk.note(`${systemId}: ${removed.length} of ${items.length} removed`);
  return removed.length === items.length;
}
