/**
 * A rate limiter whose calls come from a budget that several processes share. Leavers come first: the urgent lane may use
 * the whole rate, everything else three quarters of it. Where the budget cannot be read, this process falls back to a bucket
 * of its own, so that a cut-off never waits for bookkeeping.
 */
import {
  createRateLimiter,
  type LocalRateLimiter,
  type RateLimiter,
  type TakeResult,
} from '../connectors/kit/rate-limit.ts';
import type { CallSlice, SliceAnswer } from '../store/rate-budget.ts';

export type LeaseCalls = (slice: CallSlice) => Promise<SliceAnswer>;

export interface SharedLimiterOptions {
  /** Names the budget: one system. */
  scope: string;
  lane: 'normal' | 'urgent';
  callsPerMinute: number;
  lease: LeaseCalls;
  /** Milliseconds of any clock that does not stand still. */
  now: () => number;
}

/** Short, so that two windows at once are little more than the rate allows; longer where the rate is below one call. */
const WINDOW_MS = 2_000;
const NORMAL_SHARE = 0.75;
/** A process takes one part of so many of a window at a time: few statements, and little is lost with the window. */
const SLICES_PER_WINDOW = 4;
const WAIT_MAX_MS = 60_000;
/**
 * So long a call stands in line. An activity makes several calls: were each refused at once, attempts would use up the rate
 * without ever coming to their end.
 */
const LINE_MAX_MS = 5_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls go out in the order in which they came. Who would stand in line too long is told when to come again. */
export function createSharedLimiter(options: SharedLimiterOptions): RateLimiter {
  const budget = new Budget(options);
  let line: Promise<unknown> = Promise.resolve();
  return {
    take() {
      const untilMs = options.now() + LINE_MAX_MS;
      const turn = line.then(() => budget.take(untilMs));
      line = turn.catch(() => undefined);
      return turn;
    },
  };
}

class Budget {
  readonly #options: SharedLimiterOptions;
  readonly #slice: Omit<CallSlice, 'wanted'>;
  readonly #msPerCall: number;
  readonly #own: LocalRateLimiter;
  /** Left of the slice, until its window ends. */
  #calls = 0;
  #endsAt = 0;
  #nextTurnAt = 0;

  constructor(options: SharedLimiterOptions) {
    const { scope, lane, callsPerMinute, now } = options;
    const share = lane === 'normal' ? NORMAL_SHARE : 1;
    // A window holds at least two calls, or the normal lane would have none beside the reserve.
    const windowMs = Math.max(WINDOW_MS, Math.ceil(120_000 / callsPerMinute));
    const callsMax = Math.floor((callsPerMinute * windowMs) / 60_000);
    const normalMax = Math.max(1, Math.floor(callsMax * NORMAL_SHARE));
    this.#options = options;
    this.#slice = { scope, lane, windowMs, callsMax, normalMax };
    this.#msPerCall = 60_000 / (callsPerMinute * share);
    const ownShare = lane === 'normal' ? NORMAL_SHARE : 1 - NORMAL_SHARE;
    this.#own = createRateLimiter({ callsPerMinute: callsPerMinute * ownShare, now });
  }

  async take(untilMs: number): Promise<TakeResult> {
    const { now } = this.#options;
    for (;;) {
      if (now() >= this.#endsAt) this.#calls = 0;
      if (this.#calls > 0) {
        this.#calls -= 1;
        return { ok: true };
      }
      try {
        if (await this.#ask()) continue;
      } catch {
        return this.#own.take();
      }
      if (this.#endsAt >= untilMs) return this.#refused();
      await sleep(Math.max(1, this.#endsAt - now()));
    }
  }

  /** A slice, or where so much is not left a single call. */
  async #ask(): Promise<boolean> {
    const { lane, normalMax, callsMax } = this.#slice;
    const most = Math.max(1, Math.floor((lane === 'normal' ? normalMax : callsMax) / SLICES_PER_WINDOW));
    for (const wanted of new Set([most, 1])) {
      const askedAt = this.#options.now();
      const { isGranted, remainingMs } = await this.#options.lease({ ...this.#slice, wanted });
      // Counted from before the question: a slice is never used after its window.
      this.#endsAt = askedAt + remainingMs;
      if (!isGranted) continue;
      this.#calls = wanted;
      return true;
    }
    return false;
  }

  /** Each gets a turn of its own, so that not everybody comes back at the next window. */
  #refused(): TakeResult {
    const nowMs = this.#options.now();
    this.#nextTurnAt = Math.min(Math.max(this.#nextTurnAt, this.#endsAt) + this.#msPerCall, nowMs + WAIT_MAX_MS);
    return { ok: false, retryAfterMs: Math.max(1, Math.ceil(this.#nextTurnAt - nowMs)) };
  }
}
