/**
 * `npm run chaos -- --events 200 --seed N`: random events of HR among failing calls, while worker, server, Temporal and
 * PostgreSQL are killed at random moments. Ends with a summary; exit code 0 when everybody holds exactly what is justified.
 */
import { parseArgs } from 'node:util';
import {
  addFaults,
  countFaults,
  decideAll,
  faulty,
  retryFailed,
  runningWorkflows,
  unfinished,
} from '../support/chaos-desk.ts';
import { othersAt } from '../support/company-view.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { ChaosCompany } from './events.ts';
import { tellPerson, tellWhyOpen } from './diagnose.ts';
import { checkEverybody, type Checked } from './findings.ts';
import { Keeper } from './keeper.ts';
import { setChaosStage, type ChaosStage } from './stage.ts';

/** More open matters than that, and HR waits: a heap that only grows tests patience. */
const OPEN_MAX = 40;
const SETTLE_LIMIT_MS = Number(process.env['USHER_CHAOS_SETTLE_MS'] ?? 300_000);
const RETRY_EVERY_MS = 5_000;
const FAULT_SHARE = 0.05;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line: string): void => console.log(line);

function countFrom(text: string, name: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    console.error(`--${name} ${text}: expected a whole number from 1.`);
    process.exit(2);
  }
  return count;
}

/** HR acts and processes die, side by side, until so many events have happened. */
async function rage(
  stage: ChaosStage,
  chaos: ChaosCompany,
  keeper: Keeper,
  events: number,
  random: SeededRandom,
): Promise<void> {
  const state = { isOn: true };
  const killing = (async () => {
    while (state.isOn) {
      await pause(random.between(1_000, 6_000));
      if (state.isOn) await keeper.killSome();
    }
  })();
  chaos.leaversFromBefore();
  for (let count = 1; count <= events; count += 1) {
    chaos.event();
    if (count % 25 === 0) say(`  ${count} events, kills: ${JSON.stringify(keeper.kills)}`);
    await pause(random.between(50, 500));
    while ((await openCount(stage)) > OPEN_MAX) await pause(250);
  }
  state.isOn = false;
  await killing;
}

async function openCount({ usher }: ChaosStage): Promise<number> {
  // While the database is down nothing is known, and HR goes on.
  return unfinished(usher).then(
    (open) => open.filter((what) => !what.endsWith(' waiting')).length,
    () => 0,
  );
}

/** Waits until nothing is open; asks again for what failed, as an administrator would. Answers what never ended. */
async function settle({ usher, temporalAddress }: ChaosStage, keeper: Keeper): Promise<string[]> {
  const endMs = Date.now() + SETTLE_LIMIT_MS;
  let retriedMs = 0;
  for (;;) {
    await keeper.bringBack();
    const open = await unfinished(usher);
    const running = open.length === 0 ? await runningWorkflows(usher, temporalAddress) : [];
    if (open.length + running.length === 0) return [];
    if (Date.now() > endMs) return [...open, ...running.map((id) => `workflow ${id}`)];
    if (Date.now() - retriedMs > RETRY_EVERY_MS) {
      await retryFailed(usher).catch(() => 0);
      retriedMs = Date.now();
    }
    await pause(250);
  }
}

async function countRows({ usher: { ownerDb: db } }: ChaosStage): Promise<Record<string, number>> {
  const tables = [
    'ledger',
    'usher_case',
    'approval',
    'decision',
    'operation',
    'incident',
    'cutoff',
    'evidence',
  ] as const;
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const row = await db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    counts[table] = Number(row.count);
  }
  return counts;
}

async function run(events: number, seed: number): Promise<boolean> {
  const startedMs = Date.now();
  const random = createSeededRandom(seed);
  const stage = await setChaosStage(seed);
  const { usher, postgres, temporal } = stage;
  try {
    const keeper = new Keeper(
      { postgres, temporal, server: usher.server, worker: usher.worker },
      createSeededRandom(seed + 1),
    );
    const chaos = new ChaosCompany(usher, random);
    const othersBefore = othersAt(usher, ['114', '115', '120', '125']);
    addFaults(usher, FAULT_SHARE);
    const decisions = decideAll(usher);
    await rage(stage, chaos, keeper, events, createSeededRandom(seed + 2));
    for (const system of faulty) usher.company[system].faults.clear();
    chaos.settle();
    // The poll reads what no webhook told; it has to have looked once after the last event.
    await pause(6_000);
    const left = await settle(stage, keeper);
    await decisions.stop();
    if (left.length > 0) for (const line of await tellWhyOpen(stage, left)) say(line);
    const checked: Checked = await checkEverybody(usher, chaos, othersBefore);
    for (const personId of checked.personIds.slice(0, 4))
      for (const line of await tellPerson(stage, personId)) say(line);
    const findings = [...left.map((what) => `never ended: ${what}`), ...checked.findings];
    const summary = {
      seed,
      events: Object.fromEntries(chaos.counts),
      eventsInAll: [...chaos.counts.values()].reduce((sum, count) => sum + count, 0),
      kills: keeper.kills,
      endedByThemselves: keeper.ownEnds,
      faults: countFaults(usher),
      rows: await countRows(stage),
      people: checked.people,
      accounts: checked.accounts,
      rights: checked.rights,
      seconds: Math.round((Date.now() - startedMs) / 1000),
      findings,
    };
    say(JSON.stringify(summary, null, 2));
    say(
      findings.length === 0
        ? 'Everybody holds exactly what is justified.'
        : `${findings.length} findings (--seed ${seed})`,
    );
    return findings.length === 0;
  } finally {
    await stage.stop();
  }
}

const { values } = parseArgs({
  options: { events: { type: 'string', default: '200' }, seed: { type: 'string', default: '20261124' } },
});
const seed = countFrom(values.seed, 'seed');
const events = countFrom(values.events, 'events');
say(`chaos: ${events} events, --seed ${seed}`);
process.exitCode = (await run(events, seed)) ? 0 : 1;
