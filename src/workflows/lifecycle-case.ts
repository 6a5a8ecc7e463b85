/** A case from its first day to its end. It only dispatches; what happens stands in the file of its kind. */
import { CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';
import { access } from './access.ts';
import { CaseDesk, type DuePlan } from './case-desk.ts';
import { leaver } from './leaver.ts';
import { bookkeeping } from './options.ts';
import type { CaseInput, CaseResult } from './wire.ts';

type EndState = 'done' | 'cancelled' | 'superseded' | 'failed';
interface End {
  state: EndState;
  failedCount: number;
}

export async function lifecycleCase(input: CaseInput): Promise<CaseResult> {
  const desk = new CaseDesk(input);
  desk.listen();
  try {
    for (;;) {
      const closed = await close(desk, await run(desk));
      // Facts came in between the last plan and the end: nobody else will look at them.
      if (!closed.isStale) return { state: closed.state };
    }
  } catch (error) {
    // An attempt that fails after the cancel must not end the case as failed.
    if (!isCancellation(error) && !CancellationScope.current().consideredCancelled) throw error;
    await CancellationScope.nonCancellable(() => close(desk, { state: 'cancelled', failedCount: 0 }));
    throw isCancellation(error) ? error : new CancelledFailure('the case was cancelled');
  }
}

async function run(desk: CaseDesk): Promise<End> {
  const plan = await desk.planWhenDue();
  if (plan === null) return { state: desk.isRescinded ? 'cancelled' : 'superseded', failedCount: 0 };
  const { failedCount, isStanding } = await carryOut(desk, plan);
  const { unproven } = await bookkeeping.writeReport.executeWithOptions({ summary: 'report' }, [
    { personId: desk.personId, n: desk.n, claimedVerified: [...desk.verified], nextSweepAt: null, leftSystemIds: [] },
  ]);
  for (const digest of unproven) desk.verified.delete(digest);
  if (!isStanding) return { state: desk.isRescinded ? 'cancelled' : 'superseded', failedCount: unproven.length };
  return {
    state: failedCount > 0 || unproven.length > 0 ? 'failed' : 'done',
    failedCount: failedCount + unproven.length,
  };
}

async function carryOut(desk: CaseDesk, plan: DuePlan): Promise<{ failedCount: number; isStanding: boolean }> {
  return plan.phase === 'leave' ? leaver(desk, plan) : access(desk, plan);
}

/** Answers the state that the store recorded: it proves again what the case claims. */
async function close(desk: CaseDesk, { state, failedCount }: End): ReturnType<typeof bookkeeping.closeCase> {
  const { personId, n, verified, snapshotId } = desk;
  desk.enter(state);
  return bookkeeping.closeCase.executeWithOptions({ summary: `close as ${state}` }, [
    { personId, n, state, claimedVerified: [...verified], failedCount, snapshotId },
  ]);
}
