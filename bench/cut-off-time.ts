/** How long a leaver can still log in: from the accepted webhook to the disabled login in the system, while the company is busy. */
import { untilJoined, type BareShape, type Stage } from './stage.ts';

const LEAVERS = 200;
const BLOCKS = 4;
const BETWEEN_LEAVERS_MS = 1_200;
/** The share of the engine's own rate that joiners and leavers alone do not reach is filled with bare workflows. */
const LOAD_RATIO_WANTED = 0.85;
const JOINERS_PER_SECOND = 1;
const HIRED_AT_ONCE = 50;
const LIMIT_MS = 180_000;
const BARE_AT_ONCE_MAX = 40;
const TICK_MS = 100;

export interface CutOffTimes {
  timesMs: number[];
  /** Activities per second during the blocks, as a share of what bare workflows reach alone. */
  loadRatios: number[];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** `bareActivityRate` is what the engine does with nothing but bare workflows. */
export async function measureCutOffs(stage: Stage, shape: BareShape, bareActivityRate: number): Promise<CutOffTimes> {
  const leavers: string[] = [];
  while (leavers.length < LEAVERS) {
    const keys = await stage.company.ask<string[]>('hire', [HIRED_AT_ONCE]);
    await untilJoined(stage.db, keys, LIMIT_MS);
    leavers.push(...keys);
  }
  const times: CutOffTimes = { timesMs: [], loadRatios: [] };
  for (let block = 0; block < BLOCKS; block += 1) {
    const keys = leavers.slice((block * LEAVERS) / BLOCKS, ((block + 1) * LEAVERS) / BLOCKS);
    const load = startLoad(stage, shape, bareActivityRate * LOAD_RATIO_WANTED);
    await pause(2_000);
    const before = await stage.activitiesSoFar();
    const startedAt = performance.now();
    const since = new Date();
    for (const key of keys) {
      await stage.company.ask('leave', [key]);
      await pause(BETWEEN_LEAVERS_MS);
    }
    const mine = await untilCutOff(stage, keys, since);
    const rate = (1000 * ((await stage.activitiesSoFar()) - before)) / (performance.now() - startedAt);
    await load.stop();
    times.timesMs.push(...mine);
    times.loadRatios.push(rate / bareActivityRate);
    const worst = Math.max(...mine).toFixed(0);
    console.log(`  block ${block + 1}: slowest ${worst} ms at ${rate.toFixed(0)} activities/s`);
  }
  return times;
}

/** Joiners at a steady pace, and as many bare workflows beside them as bring the activities per second to `wantedRate`. */
function startLoad(
  { company, runBare, activitiesSoFar }: Stage,
  shape: BareShape,
  wantedRate: number,
): { stop(): Promise<void> } {
  let isOn = true;
  const bare = new Set<Promise<void>>();
  const loop = (async () => {
    const startedAt = performance.now();
    const before = await activitiesSoFar();
    let hired = 0;
    while (isOn) {
      const seconds = (performance.now() - startedAt) / 1000;
      if (hired < seconds * JOINERS_PER_SECOND) {
        await company.ask('hire', [1]);
        hired += 1;
      }
      const done = (await activitiesSoFar()) - before;
      const missing = wantedRate * (seconds + TICK_MS / 1000) - done;
      // What is under way already will be done half of it on average.
      const more = Math.ceil(missing / shape.activities - bare.size / 2);
      for (let i = 0; i < Math.min(more, BARE_AT_ONCE_MAX - bare.size); i += 1) {
        const one: Promise<void> = runBare(shape).finally(() => bare.delete(one));
        bare.add(one);
      }
      await pause(TICK_MS);
    }
    await Promise.all(bare);
  })();
  return {
    async stop() {
      isOn = false;
      await loop;
    },
  };
}

/** Milliseconds for each of them, when all are cut off. */
async function untilCutOff({ db, worker }: Stage, keys: readonly string[], since: Date): Promise<number[]> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    const rows = await db
      .selectFrom('ledger as e')
      .innerJoin('identity_link as l', 'l.source_key', 'e.source_key')
      .select(({ fn }) => ['l.person_id', fn.min('e.received_at').as('received_at')])
      .where('e.source_key', 'in', keys)
      .where('e.received_at', '>=', since)
      .groupBy('l.person_id')
      .execute();
    const disabledAtMs = await worker.ask<Record<string, number>>('disabledAtMs');
    const times = rows.flatMap(({ person_id, received_at }) => {
      const at = disabledAtMs[person_id];
      return at === undefined ? [] : [at - received_at.getTime()];
    });
    if (times.length === keys.length) return times;
    if (performance.now() > endMs) throw new Error(`${keys.length - times.length} leavers were not cut off`);
    await pause(TICK_MS);
  }
}
