/** What waiting costs: memory of the worker with a thousand cached cases whose approvals nobody has answered yet. */
import type { Stage } from './stage.ts';

const CASES = 1_000;
const AT_ONCE = 100;
const LIMIT_MS = 240_000;
const SETTLE_MS = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The growth of the worker's resident memory in MiB. Throws when its cache did not hold them all. */
export async function measureWaiting({ company, worker, db }: Stage): Promise<number> {
  await pause(SETTLE_MS);
  const before = await worker.ask<{ mib: number }>('memory');
  const endMs = performance.now() + LIMIT_MS;
  for (let hired = 0; hired < CASES; hired += AT_ONCE) {
    await company.ask('hireSellers', [AT_ONCE]);
    while ((await countOpen(db)) < hired + AT_ONCE) {
      if (performance.now() > endMs) throw new Error(`only ${await countOpen(db)} cases wait for approval`);
      await pause(200);
    }
  }
  await pause(SETTLE_MS);
  const after = await worker.ask<{ mib: number }>('memory');
  console.log(`  ${CASES} waiting cases: ${before.mib.toFixed(0)} MiB before, ${after.mib.toFixed(0)} MiB after`);
  return Math.round(after.mib - before.mib);
}

async function countOpen(db: Stage['db']): Promise<number> {
  const row = await db
    .selectFrom('approval')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('state', '=', 'open')
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
