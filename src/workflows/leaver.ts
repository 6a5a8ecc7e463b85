/**
 * Takes everything away. The logins are cut off by then; here the person's other cases end, the cut-off is asserted again,
 * accounts are found in the systems themselves and stripped, and sweeps look for what grew back.
 */
import { condition, executeChild, ParentClosePolicy, ChildWorkflowCancellationType } from '@temporalio/workflow';
import type { PlanCaseResult } from '../activities/plan-case.ts';
import type { CaseDesk } from './case-desk.ts';
import { bookkeeping, cutoffAgain, slowCalls, systemCalls } from './options.ts';
import { provisioning } from './provisioning.ts';
import * as wire from './wire.ts';
import { withOutage } from './with-outage.ts';

type LeavePlan = Extract<PlanCaseResult, { phase: 'leave' }>;

export async function leaver(desk: CaseDesk, plan: LeavePlan): Promise<{ failedCount: number }> {
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
  await Promise.all(plan.cutoffSystemIds.map((systemId) => assertCutOff(desk, systemId)));
  let failed = await strip(desk, plan.targetSystemIds);
  for (const afterSeconds of plan.sweepAfterSeconds) {
    const nextSweepMs = Date.now() + afterSeconds * 1000;
    await report(desk, new Date(nextSweepMs).toISOString());
    desk.note(`next sweep in ${afterSeconds} s`);
    await condition(() => desk.isRescinded || desk.retrySystemIds.size > 0, afterSeconds * 1000, { summary: 'sweep' });
    desk.retrySystemIds.clear();
    if (desk.isRescinded || (await desk.plan()).phase === 'superseded') return { failedCount: 0 };
    failed = await strip(desk, plan.targetSystemIds);
  }
  return { failedCount: failed.length };
}

async function report(desk: CaseDesk, nextSweepAt: string): Promise<void> {
  const { personId, n } = desk;
  await bookkeeping.writeReport.executeWithOptions({ summary: 'report' }, [
    { personId, n, claimedVerified: [...desk.verified], nextSweepAt },
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

/** All systems side by side: one that is down delays only itself. Answers the systems where something is left. */
async function strip(desk: CaseDesk, systemIds: string[]): Promise<string[]> {
  const results = await Promise.all(systemIds.map((systemId) => stripSystem(desk, systemId)));
  return results.filter((systemId) => systemId !== null);
}

async function stripSystem(desk: CaseDesk, systemId: string): Promise<string | null> {
  const { personId, n } = desk;
  const subject = { personId, n, systemId, itemKeys: ['find'] };
  const found = await withOutage(subject, 'searched', (isIncidentOpen) =>
    systemCalls.findAccounts.executeWithOptions({ summary: `${systemId}: find accounts` }, [
      { personId, n, systemId, isIncidentOpen },
    ]),
  );
  if (found.kind === 'failed') {
    const incident = { ...subject, kind: 'itemFailed' as const, errorCode: found.errorCode };
    await bookkeeping.openIncident.executeWithOptions({ summary: `${systemId}: ${found.errorCode}` }, [incident]);
    return systemId;
  }
  const { account } = found;
  if (!account || (!account.canLogIn && account.vendorEntitlementIds.length === 0)) return null;
  const plan = await desk.plan([account]);
  if (plan.phase !== 'items' || plan.items.length === 0) return null;
  return removeItems(desk, systemId, plan);
}

async function removeItems(
  desk: CaseDesk,
  systemId: string,
  plan: Extract<PlanCaseResult, { phase: 'items' }>,
): Promise<string | null> {
  const { personId, n } = desk;
  const k = desk.nextK();
  const items = plan.items.map(({ itemDigest, action }) => ({
    itemDigest,
    systemId,
    action: action === 'disable' ? ('disable' as const) : ('revoke' as const),
    isFirst: false,
  }));
  const result = await executeChild(provisioning, {
    workflowId: wire.provisioningWorkflowId(personId, n, k),
    taskQueue: wire.queues.cases,
    args: [{ personId, n, k, items }],
    typedSearchAttributes: [
      { key: wire.searchAttributes.UsherPersonId, value: personId },
      { key: wire.searchAttributes.UsherCaseId, value: wire.caseWorkflowId(personId, n) },
    ],
    staticSummary: `Removal ${k}: ${items.length} items at ${systemId}`,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  for (const { itemDigest, outcome } of result.outcomes) if (outcome === 'verified') desk.verified.add(itemDigest);
  const left = result.outcomes.filter(({ outcome }) => outcome === 'failed');
  desk.note(`${systemId}: ${result.outcomes.length - left.length} of ${result.outcomes.length} removed`);
  return left.length > 0 ? systemId : null;
}
