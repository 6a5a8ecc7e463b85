/** Reads how long a vendor asks to wait, from the headers that the vendors in use send. */

/** A vendor that asks for more is asked again after this long: a wrong clock must not park a leaver for days. */
const maxWaitMs = 60 * 60_000;
/** Numbers above this are points in time, not durations. */
const smallestEpochSeconds = 1_000_000_000;

/**
 * Milliseconds to wait, or null where no header says so. Reads `Retry-After` (seconds or HTTP date) and the reset
 * time of `X-Rate-Limit-Reset` and `X-RateLimit-Reset` (epoch seconds, seconds, or ISO 8601).
 */
export function readRetryAfterMs(header: (name: string) => string | null, nowMs: number): number | null {
  for (const name of ['retry-after', 'x-rate-limit-reset', 'x-ratelimit-reset']) {
    const waitMs = parseWaitMs(header(name), nowMs);
    if (waitMs !== null) return waitMs;
  }
  return null;
}

function parseWaitMs(value: string | null, nowMs: number): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) {
    return clamp(seconds >= smallestEpochSeconds ? seconds * 1000 - nowMs : seconds * 1000);
  }
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : clamp(at - nowMs);
}

function clamp(waitMs: number): number {
  return Math.min(maxWaitMs, Math.max(0, Math.ceil(waitMs)));
}
