/**
 * A token bucket for one rate scope. It never sleeps: whoever finds it empty is told how long to wait, and the engine
 * does the waiting.
 */
export type TakeResult = { ok: true } | { ok: false; retryAfterMs: number };

export interface RateLimiter {
  /** Takes one call from the bucket, or says in how many milliseconds the next one is there. */
  take(): TakeResult | Promise<TakeResult>;
}

/** One that keeps its bucket in this process. */
export interface LocalRateLimiter extends RateLimiter {
  take(): TakeResult;
}

export interface RateLimiterOptions {
  callsPerMinute: number;
  /** Milliseconds of any clock; a clock that steps back adds no calls. */
  now: () => number;
}

/**
 * The bucket starts full and holds the calls of ten seconds (at least one), so that a burst cannot use up the minute.
 * Throws a RangeError where `callsPerMinute` is not a positive number.
 */
export function createRateLimiter({ callsPerMinute, now }: RateLimiterOptions): LocalRateLimiter {
  if (!(callsPerMinute > 0) || !Number.isFinite(callsPerMinute)) {
    throw new RangeError('callsPerMinute must be a positive number');
  }
  const callsPerMs = callsPerMinute / 60_000;
  const capacity = Math.max(1, callsPerMinute / 6);
  let tokens = capacity;
  let refilledAt = now();

  return {
    take() {
      const at = now();
      tokens = Math.min(capacity, tokens + Math.max(0, at - refilledAt) * callsPerMs);
      refilledAt = at;
      // A whole call that rounding left a hair short counts as whole, otherwise the promised wait is too short by 1 ms.
      if (tokens >= 1 - 1e-9) {
        tokens = Math.max(0, tokens - 1);
        return { ok: true };
      }
      return { ok: false, retryAfterMs: Math.max(1, Math.ceil((1 - tokens) / callsPerMs)) };
    },
  };
}
