/** When mails go out alone, when as a digest, and that none is forgotten. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultMailLimits, mailBatches, mailRetryDelayMs } from '../../src/domain/mail-batches.ts';

const limits = { digestAbove: 3, windowMs: 3_600_000, settleMs: 60_000, digestEveryMs: 1_800_000 };
const now = 1_800_000_000_000;
const mail = (ageMs: number, recipient = 'a', expiresAtMs: number | null = null) => ({
  recipient,
  createdAtMs: now - ageMs,
  expiresAtMs,
});
const sizes = (batches: { mails: unknown[] }[]): number[] => batches.map(({ mails }) => mails.length);

describe('mail batches', () => {
  it('few mails go out at once, each on its own', () => {
    expect(sizes(mailBatches([mail(0), mail(0), mail(0)], new Map(), limits, now))).toEqual([1, 1, 1]);
  });

  it('more than the limit wait until the wave has settled, and are one message then', () => {
    const wave = [mail(59_000), mail(2_000), mail(1_000), mail(0)];
    expect(mailBatches(wave, new Map(), limits, now)).toEqual([]);
    expect(sizes(mailBatches(wave, new Map(), limits, now + 1_000))).toEqual([4]);
  });

  it('what went out before in the window counts, what went out earlier does not', () => {
    const before = (atMs: number) => new Map([['a', [1, 2, 3].map(() => ({ atMs, mails: 1 }))]]);
    expect(mailBatches([mail(0)], before(now - 60_000), limits, now)).toEqual([]);
    expect(sizes(mailBatches([mail(0)], before(now - limits.windowMs), limits, now))).toEqual([1]);
  });

  it('the next digest waits its time', () => {
    const waiting = [mail(120_000), mail(120_000), mail(120_000), mail(120_000)];
    const digestAt = (atMs: number) => new Map([['a', [{ atMs, mails: 9 }]]]);
    expect(mailBatches(waiting, digestAt(now - limits.digestEveryMs + 1), limits, now)).toEqual([]);
    expect(sizes(mailBatches(waiting, digestAt(now - limits.digestEveryMs), limits, now))).toEqual([4]);
  });

  it('a deadline that is near waits for nothing', () => {
    const wave = [mail(0), mail(0), mail(0), mail(0, 'a', now + 2 * limits.digestEveryMs)];
    expect(sizes(mailBatches(wave, new Map(), limits, now))).toEqual([4]);
  });

  it('one person’s flood delays nobody else', () => {
    const wave = [mail(0), mail(0), mail(0), mail(0), mail(0, 'b')];
    expect(mailBatches(wave, new Map(), limits, now).map(({ recipient }) => recipient)).toEqual(['b']);
  });

  it('looked at again and again, every mail goes out once and nobody gets more than limit and digests', () => {
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000_000 }), fc.constantFrom('a', 'b')), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(arrivals, (all) => {
        let waiting = all.map(([atMs, recipient]) => ({ recipient, createdAtMs: now + atMs, expiresAtMs: null }));
        const sent = new Map<string, { atMs: number; mails: number }[]>();
        let told = 0;
        for (let at = now; at <= now + 16_000_000; at += 30_000) {
          const here = waiting.filter(({ createdAtMs }) => createdAtMs <= at);
          for (const { recipient, mails } of mailBatches(here, sent, limits, at)) {
            told += mails.length;
            waiting = waiting.filter((each) => !mails.includes(each));
            sent.set(recipient, [...(sent.get(recipient) ?? []), { atMs: at, mails: mails.length }]);
          }
        }
        expect(told).toBe(all.length);
        for (const messages of sent.values())
          for (const { atMs } of messages) {
            const inWindow = messages.filter((each) => each.atMs <= atMs && each.atMs > atMs - limits.windowMs);
            // The limit, and at most one digest each half hour.
            expect(inWindow.length).toBeLessThanOrEqual(limits.digestAbove + 2);
          }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the pause after a failure', () => {
  it('doubles from 5 seconds to 5 minutes and stays there', () => {
    expect([1, 2, 3, 7, 500].map(mailRetryDelayMs)).toEqual([5_000, 10_000, 20_000, 300_000, 300_000]);
  });
  it('is far below the time after which mail counts as stuck', () => {
    expect(mailRetryDelayMs(1_000) * 2).toBeLessThan(900_000);
    expect(defaultMailLimits.settleMs).toBeLessThan(defaultMailLimits.digestEveryMs);
  });
});
