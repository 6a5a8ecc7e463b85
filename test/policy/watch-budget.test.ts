import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { watchBudget } from '../../src/observe/watch-budget.ts';
import type { Logger } from '../../src/telemetry.ts';

test('a budget that cannot be read is told once, counted each time, and told again when it is back', async () => {
  const told: string[] = [];
  const log = {
    warn: (_: object, text: string) => told.push(`warn: ${text}`),
    info: (text: string) => told.push(`info: ${text}`),
  } as unknown as Logger;
  const registry = new Registry();
  let isDown = false;
  const lease = watchBudget(log, registry, () =>
    isDown ? Promise.reject(new Error('down')) : Promise.resolve({ isGranted: true, remainingMs: 1 }),
  );
  const slice = { scope: 'crm', lane: 'normal' as const, windowMs: 1, callsMax: 1, normalMax: 1, wanted: 1 };
  await lease(slice);
  isDown = true;
  for (let n = 0; n < 3; n += 1) await expect(lease(slice)).rejects.toThrow('down');
  isDown = false;
  await lease(slice);
  await lease(slice);
  expect(told).toEqual([
    'warn: the shared budget of calls cannot be read: counting for this process',
    'info: the shared budget of calls can be read again',
  ]);
  expect(await registry.metrics()).toContain('usher_rate_budget_misses_total 3');
});
