/**
 * Tells when the budget of calls that processes share cannot be read: each then counts for itself, and two of them may
 * together call a system more often than it allows. One line when it begins and one when it is over; a counter in between.
 */
import { Counter, type Registry } from 'prom-client';
import type { CallSlice, SliceAnswer } from '../store/rate-budget.ts';
import type { Logger } from '../telemetry.ts';

type Lease = (slice: CallSlice) => Promise<SliceAnswer>;

/** The same lease, watched. What it throws goes on to the limiter, which falls back to its own bucket. */
export function watchBudget(log: Logger, registry: Registry, lease: Lease): Lease {
  const misses = new Counter({
    name: 'usher_rate_budget_misses_total',
    help: 'Times that the shared budget of calls could not be read and this process counted for itself.',
    registers: [registry],
  });
  let isMissing = false;
  return async (slice) => {
    try {
      const answer = await lease(slice);
      if (isMissing) log.info('the shared budget of calls can be read again');
      isMissing = false;
      return answer;
    } catch (error) {
      misses.inc();
      if (!isMissing) log.warn({ err: error }, 'the shared budget of calls cannot be read: counting for this process');
      isMissing = true;
      throw error;
    }
  };
}
