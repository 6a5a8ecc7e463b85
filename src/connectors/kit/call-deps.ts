/** What every call at a vendor is made with, whatever its transport. */
import type { CallWatcher } from './call-watcher.ts';
import type { RateLimiter } from './rate-limit.ts';

export interface CallDeps {
  systemId: string;
  rateLimiter: RateLimiter;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** For calls whose connector names none. Default 10 s; never more than 25 s. */
  timeoutMs?: number;
  watchCall?: CallWatcher;
}

const defaultTimeoutMs = 10_000;
/** Activities give up after 30 s; a call that outlives its activity would write unseen. */
const maxTimeoutMs = 25_000;

/** How long a call may last: what its connector asks for, else the default, never more than the limit. */
export function timeoutMsOf(deps: CallDeps, askedMs?: number): number {
  return Math.min(askedMs ?? deps.timeoutMs ?? defaultTimeoutMs, maxTimeoutMs);
}
