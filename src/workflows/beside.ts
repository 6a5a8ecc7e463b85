/** Work that runs beside the case under a scope of its own, to be withdrawn as a whole. */
import { type CancellationScope, isCancellation } from '@temporalio/workflow';

/**
 * Resolves when the work ended, however it ended; `onFailure` hears of what ended it otherwise than by its withdrawal. A call
 * that fails while it is being withdrawn is part of the withdrawal.
 */
export function runBeside(
  scope: CancellationScope,
  work: () => Promise<void>,
  onFailure: (error: Error) => void,
): Promise<void> {
  return scope.run(work).catch((error: unknown) => {
    if (!isCancellation(error) && !scope.consideredCancelled)
      onFailure(error instanceof Error ? error : new Error(String(error)));
  });
}
