/** Cancels the other open cases of a leaver and waits until they closed, so that no write of theirs lands later. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/activity';
import { openCases } from '../store/cases.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface CancelOpenCasesInput {
  personId: string;
  /** The leaver's own number; only older cases are cancelled. */
  n: number;
}

/** Longest write of an activity: after that a cancelled case has closed, or something is wrong. */
const WAIT_MAX_MS = 45_000;

/**
 * Cancelled, never terminated: writes on their way end first. Answers the numbers of the cancelled cases. Throws a
 * retryable failure when one did not close in time.
 */
export async function cancelOpenCases(deps: WorkerDeps, input: CancelOpenCasesInput): Promise<{ cancelled: number[] }> {
  const others = (await openCases(deps.db, input.personId)).filter((row) => row.n < input.n);
  await Promise.all(others.map((row) => cancelAndWait(deps, row.case_id)));
  for (const row of others) {
    await deps.db
      .updateTable('usher_case')
      .set({ state: 'cancelled', closed_at: deps.now() })
      .where('person_id', '=', row.person_id)
      .where('n', '=', row.n)
      .where('closed_at', 'is', null)
      .execute();
  }
  return { cancelled: others.map((row) => row.n) };
}

async function cancelAndWait(deps: WorkerDeps, caseId: string): Promise<void> {
  const handle = deps.temporal.workflow.getHandle(caseId);
  try {
    await handle.cancel();
  } catch (error) {
    // Never started or closed already: nothing of it can write.
    if (error instanceof WorkflowNotFoundError) return;
    throw error;
  }
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<'tooLong'>((resolve) => {
    timer = setTimeout(() => resolve('tooLong'), WAIT_MAX_MS);
  });
  const ended = handle.result().then(
    () => 'ended' as const,
    () => 'ended' as const,
  );
  const outcome = await Promise.race([ended, tooLong]);
  clearTimeout(timer);
  if (outcome === 'tooLong') {
    throw ApplicationFailure.create({ type: 'transient', message: 'a cancelled case has not closed yet' });
  }
}
