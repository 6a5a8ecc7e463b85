/**
 * Carries an employed person to what their facts justify: gives, takes, and begins again whenever the facts change while it
 * is at work. Joiners, movers, rehires and departures taken back are this one loop; they differ in what the plan says.
 */
import { CancellationScope, condition, setCurrentDetails } from '@temporalio/workflow';
import type { PlanCaseResult } from '../activities/plan-case.ts';
import type { CaseDesk } from './case-desk.ts';
import { itemTable } from './details.ts';
import { Giving } from './joiner.ts';
import { Taking } from './mover.ts';

export type ItemsPlan = Extract<PlanCaseResult, { phase: 'items' }>;

/** How often what failed is tried again without anybody asking, and for how long. */
const RETRY_EVERY = '1 day';
const RETRIES_MAX = 30;

/** `isStanding` is false when the matter of the case ended under it. When it is cancelled, it ends after all that it began. */
export async function access(
  desk: CaseDesk,
  firstPlan: ItemsPlan,
): Promise<{ failedCount: number; isStanding: boolean }> {
  const giving = new Giving(desk);
  try {
    return await untilDone(desk, giving, firstPlan);
  } finally {
    await CancellationScope.nonCancellable(() => giving.stop());
  }
}

async function untilDone(
  desk: CaseDesk,
  giving: Giving,
  firstPlan: ItemsPlan,
): Promise<{ failedCount: number; isStanding: boolean }> {
  let days = 0;
  for (let plan: ItemsPlan | null = firstPlan; plan; plan = await replan(desk)) {
    setCurrentDetails(itemTable(plan.items));
    const step: Step = await carryOut(desk, giving, plan, days < RETRIES_MAX);
    if (step === 'done') return { failedCount: giving.failed.size, isStanding: true };
    if (step === 'dayPassed') days += 1;
  }
  return { failedCount: giving.failed.size, isStanding: false };
}

/** `again`: the plan is to be made anew, because facts, decisions or holdings moved on. */
type Step = 'done' | 'again' | 'dayPassed';

async function carryOut(desk: CaseDesk, giving: Giving, plan: ItemsPlan, mayWait: boolean): Promise<Step> {
  await giving.begin(plan);
  const taking = new Taking(desk, plan, giving);
  try {
    // What waited for something else to go first, and went: now it can be given, whatever is still asked about.
    const isUnblocked = (): boolean => plan.hasDeferred && taking.hasRemoved;
    const isOver = (): boolean => taking.isDone && (giving.isIdle || isUnblocked());
    await condition(() => desk.hasNews || giving.mustReplan || isOver());
    if (desk.hasNews || giving.mustReplan || isUnblocked()) return 'again';
  } finally {
    await CancellationScope.nonCancellable(() => taking.stop());
  }
  if (giving.failed.size === 0 || !mayWait) return 'done';
  return retryFailed(desk, giving);
}

/** What failed stays open under its incident and is tried again each day, or when somebody asks for one of its systems. */
async function retryFailed(desk: CaseDesk, giving: Giving): Promise<Step> {
  const isAsked = (): boolean => [...giving.failed.values()].some((item) => desk.retrySystemIds.has(item.systemId));
  const isWoken = await condition(() => desk.hasNews || isAsked(), RETRY_EVERY, {
    summary: 'next attempt of what failed',
  });
  if (desk.hasNews) return 'again';
  await giving.retry(isWoken ? desk.takeRetries() : null);
  return isWoken ? 'again' : 'dayPassed';
}

async function replan(desk: CaseDesk): Promise<ItemsPlan | null> {
  const plan = await desk.planWhenDue();
  return plan?.phase === 'items' ? plan : null;
}
