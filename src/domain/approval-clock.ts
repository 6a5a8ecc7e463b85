/**
 * The times of an open approval: reminder, escalations, end. Open questions stop its clock, all together for so long at
 * most; what is still to come moves by the length of the stop.
 */
import type { RoutingPolicy } from '../schemas/policy.ts';

const DAY_SECONDS = 86_400;

/** Times as policy sets them, in seconds from the opening; what would come after the end is left out. */
export interface ApprovalTimes {
  remindAfterSeconds: number;
  /** One for each level, ascending. */
  escalateAfterSeconds: number[];
  expireAfterSeconds: number;
  pauseAtMostSeconds: number;
}

export function approvalTimes(
  routing: Pick<RoutingPolicy, 'remindAfter' | 'expireAfter' | 'escalateAfter' | 'pauseAtMost'>,
): ApprovalTimes {
  const escalate = routing.escalateAfter ?? [7 * DAY_SECONDS, 11 * DAY_SECONDS];
  return {
    remindAfterSeconds: routing.remindAfter,
    escalateAfterSeconds: escalate.filter((seconds) => seconds < routing.expireAfter).toSorted((a, b) => a - b),
    expireAfterSeconds: routing.expireAfter,
    pauseAtMostSeconds: routing.pauseAtMost ?? 7 * DAY_SECONDS,
  };
}

/** What the row of an approval says about its clock; instants in milliseconds since 1970. */
export interface ClockInput {
  remindAtMs: number;
  escalateAtMs: readonly number[];
  expiresAtMs: number;
  /** Since when the clock stands; null: it runs. The times above do not hold this stop yet. */
  pausedAtMs: number | null;
  /** Length of the stops before this one. */
  pausedBeforeMs: number;
  pauseAtMostMs: number;
}

export interface ClockView {
  isPaused: boolean;
  /** Length of all stops so far. */
  pausedMs: number;
  /** When the clock goes on without an answer; null: it runs. */
  resumesAtMs: number | null;
  remindAtMs: number;
  escalateAtMs: number[];
  expiresAtMs: number;
}

/** The clock at `nowMs`. While it stands, the times are those of an answer right now. */
export function clockAt(input: ClockInput, nowMs: number): ClockView {
  const leftMs = Math.max(0, input.pauseAtMostMs - input.pausedBeforeMs);
  const endsMs = input.pausedAtMs === null ? null : input.pausedAtMs + leftMs;
  const isPaused = endsMs !== null && nowMs < endsMs;
  const stopMs = input.pausedAtMs === null ? 0 : Math.min(Math.max(0, nowMs - input.pausedAtMs), leftMs);
  // What had come before the clock stopped does not come again.
  const moved = (atMs: number): number => (input.pausedAtMs !== null && atMs > input.pausedAtMs ? atMs + stopMs : atMs);
  return {
    isPaused,
    pausedMs: input.pausedBeforeMs + stopMs,
    resumesAtMs: isPaused ? endsMs : null,
    remindAtMs: moved(input.remindAtMs),
    escalateAtMs: input.escalateAtMs.map(moved),
    expiresAtMs: moved(input.expiresAtMs),
  };
}
