import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRateLimiter } from '../../../src/connectors/kit/rate-limit.ts';

test('a full bucket gives ten seconds of calls, then says how long to wait, and that wait is enough', () => {
  let nowMs = 0;
  const limiter = createRateLimiter({ callsPerMinute: 60, now: () => nowMs });
  for (let call = 0; call < 10; call += 1) expect(limiter.take()).toEqual({ ok: true });
  expect(limiter.take()).toEqual({ ok: false, retryAfterMs: 1000 });
  nowMs = 998;
  expect(limiter.take()).toMatchObject({ ok: false });
  nowMs = 1000;
  expect(limiter.take()).toEqual({ ok: true });
  expect(limiter.take()).toEqual({ ok: false, retryAfterMs: 1000 });
});

test('a clock that steps back gives no calls and does not block for longer', () => {
  let nowMs = 1_000_000;
  const limiter = createRateLimiter({ callsPerMinute: 6, now: () => nowMs });
  expect(limiter.take()).toEqual({ ok: true });
  nowMs = 0;
  expect(limiter.take()).toEqual({ ok: false, retryAfterMs: 10_000 });
  nowMs = 10_000;
  expect(limiter.take()).toEqual({ ok: true });
});

test('no run of calls takes more than the rate and one burst allow', () => {
  const steps = fc.array(fc.nat({ max: 5000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), steps, (callsPerMinute, pausesMs) => {
      let nowMs = 0;
      const limiter = createRateLimiter({ callsPerMinute, now: () => nowMs });
      let taken = 0;
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        while (limiter.take().ok) taken += 1;
      }
      const burst = Math.max(1, callsPerMinute / 6);
      expect(taken).toBeLessThanOrEqual(burst + (nowMs * callsPerMinute) / 60_000 + 1e-6);
    }),
    { numRuns: 50 },
  );
});

test('waiting as long as was said always gives a call', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), (callsPerMinute) => {
      let nowMs = 0;
      const limiter = createRateLimiter({ callsPerMinute, now: () => nowMs });
      for (let round = 0; round < 2000; round += 1) {
        const taken = limiter.take();
        if (taken.ok) continue;
        nowMs += taken.retryAfterMs;
        expect(limiter.take()).toEqual({ ok: true });
      }
    }),
    { numRuns: 20 },
  );
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a rate of %p is refused', (callsPerMinute) => {
  expect(() => createRateLimiter({ callsPerMinute, now: () => 0 })).toThrow(RangeError);
});
