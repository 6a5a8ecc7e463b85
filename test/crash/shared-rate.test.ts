/** The rate of a system is shared by the processes that call it, and leavers have a reserve in it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RateLimiter } from '../../src/connectors/kit/rate-limit.ts';
import { createSharedLimiter } from '../../src/policy/shared-rate-limiter.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { takeSlice } from '../../src/store/rate-budget.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const CALLS_PER_MINUTE = 1_800;
const RUN_MS = 8_000;

let database: TestDatabase;
/** Two workers and a server, each with connections of its own. */
let processes: Db[];
beforeAll(async () => {
  database = await createTestDatabase();
  processes = [openDb(database.workerUrl, 2), openDb(database.workerUrl, 2), openDb(database.serverUrl, 2)];
});
afterAll(async () => {
  for (const db of processes) await db.destroy();
  await database.drop();
});

const limiterOf = (db: Db, scope: string, lane: 'normal' | 'urgent'): RateLimiter =>
  createSharedLimiter({
    scope,
    lane,
    callsPerMinute: CALLS_PER_MINUTE,
    lease: (slice) => takeSlice(db, slice),
    now: () => performance.now(),
  });

/** Calls as fast as the limiter lets it, by several callers. Answers when each call went out. */
async function callAll(limiter: RateLimiter, untilMs: number, callers = 20): Promise<number[]> {
  const sentAt: number[] = [];
  const one = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const taken = await limiter.take();
      if (taken.ok) sentAt.push(performance.now());
      else
        await new Promise((resolve) =>
          setTimeout(resolve, Math.max(1, Math.min(taken.retryAfterMs, untilMs - performance.now()))),
        );
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  // Who stood in line at the end went out after it.
  return sentAt.filter((at) => at <= untilMs);
}

describe('a rate that processes share', () => {
  test('is used to nine tenths by three of them together, and never exceeded', async () => {
    const untilMs = performance.now() + RUN_MS;
    const sent = await Promise.all(processes.map((db) => callAll(limiterOf(db, 'shared', 'urgent'), untilMs)));
    const allowed = (CALLS_PER_MINUTE * RUN_MS) / 60_000;
    const oneWindow = (CALLS_PER_MINUTE * 2_000) / 60_000;
    const count = sent.flat().length;
    expect(count).toBeGreaterThan(allowed * 0.9 - oneWindow);
    expect(count).toBeLessThanOrEqual(allowed + oneWindow);
    for (const mine of sent) expect(mine.length).toBeGreaterThan(0);
  });

  test('keeps a quarter for leavers, however much else there is to do', async () => {
    const [first, second] = processes as [Db, Db];
    const untilMs = performance.now() + RUN_MS;
    const [normal, urgent] = await Promise.all([
      callAll(limiterOf(first, 'reserved', 'normal'), untilMs),
      callAll(limiterOf(second, 'reserved', 'urgent'), untilMs),
    ]);
    const allowed = (CALLS_PER_MINUTE * RUN_MS) / 60_000;
    expect(normal.length).toBeLessThanOrEqual(allowed * 0.75 + 45);
    expect(urgent.length).toBeGreaterThan(allowed * 0.25 - 15);
  });

  test('is that of the process alone while the budget cannot be read', async () => {
    const limiter = createSharedLimiter({
      scope: 'away',
      lane: 'urgent',
      callsPerMinute: 60,
      lease: () => Promise.reject(new Error('the database is away')),
      now: () => 0,
    });
    expect(await limiter.take()).toEqual({ ok: true });
    expect(await limiter.take()).toEqual({ ok: true });
    expect(await limiter.take()).toMatchObject({ ok: false });
  });
});
