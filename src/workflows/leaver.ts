/**
 * Takes everything away. The logins are cut off by then; here the person's other cases end, the cut-off is asserted again,
 * accounts are found in the systems themselves and stripped, and sweeps look for what grew back.
 */
import { condition, ParentClosePolicy } from '@temporalio/workflow';
import type { PlanCaseResult } from '../activities/plan-case.ts';
import { allOf } from './all-of.ts';
import type { CaseDesk } from './case-desk.ts';
import { findAccount } from './find-account.ts';
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
  await allOf(plan.cutoffSystemIds.map((systemId) => assertCutOff(desk, systemId)));
  const left: LeftOver = new Set();
  await strip(desk, plan.targetSystemIds, left);
  for (const afterSeconds of plan.sweepAfterSeconds) {
    if (!(await sweep(desk, plan, afterSeconds, left))) return { failedCount: 0, isStanding: false };
  }
  // What a system would not let go of stays open under its incident, and is tried again each day or when somebody asks.
  for (let days = 0; days < RETRIES_MAX && left.size > 0;) {
    if (!(await waitForLook(desk, Date.now() + RETRY_EVERY_SECONDS * 1000, left))) days += 1;
    if (!(await stripAgain(desk, plan, left))) return { failedCount: 0, isStanding: false };
  }
  return { failedCount: left.size, isStanding: true };
}

/** Systems where something of the person is left. */
type LeftOver = Set<string>;

/** False when the departure counts no more. A retry that somebody asks for looks at once and does not replace the sweep. */
async function sweep(desk: CaseDesk, plan: LeavePlan, afterSeconds: number, left: LeftOver): Promise<boolean> {
  const dueMs = Date.now() + afterSeconds * 1000;
  desk.note(`next sweep in ${afterSeconds} s`);
  for (;;) {
    const isAsked = await waitForLook(desk, dueMs, left);
    if (!(await stripAgain(desk, plan, left))) return false;
    if (!isAsked || Date.now() >= dueMs) return true;
  }
}

/** True when somebody asked, or took the departure back, before the time came. */
async function waitForLook(desk: CaseDesk, dueMs: number, left: LeftOver): Promise<boolean> {
  await report(desk, new Date(dueMs).toISOString(), left);
  const isAsked = (): boolean => desk.isRescinded || desk.retrySystemIds.size > 0;
  const answer = await condition(isAsked, Math.max(1, dueMs - Date.now()), { summary: 'sweep' });
  desk.retrySystemIds.clear();
  return answer;
}

async function stripAgain(desk: CaseDesk, plan: LeavePlan, left: LeftOver): Promise<boolean> {
  if (desk.isRescinded) return false;
  const { phase } = await desk.plan();
  if (phase === 'rescinded') desk.isRescinded = true;
  if (phase === 'superseded' || phase === 'rescinded') return false;
  await strip(desk, plan.targetSystemIds, left);
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

/** All systems side by side: one that is down delays only itself. */
async function strip(desk: CaseDesk, systemIds: string[], left: LeftOver): Promise<void> {
  await allOf(
    systemIds.map(async (systemId) => {
      if (await stripSystem(desk, systemId)) left.delete(systemId);
      else left.add(systemId);
    }),
  );
}

/** True when the system holds nothing of the person any more. */
async function stripSystem(desk: CaseDesk, systemId: string): Promise<boolean> {
  const found = await findAccount(desk, systemId);
  if (found === null) return false;
  const { account } = found;
  if (!account || (!account.canLogIn && account.vendorEntitlementIds.length === 0)) return true;
  const plan = await desk.plan([account]);
  if (plan.phase !== 'items' || plan.items.length === 0) return true;
  return removeItems(desk, systemId, plan);
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
