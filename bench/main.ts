/**
 * `npm run bench`: how fast a leaver is cut off while the company is busy, and what a joiner costs compared with a bare
 * workflow. All figures are ratios or times of one run on one machine; `-- --json FILE` writes them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startEngine, stopEngine } from '../test/support/engine.ts';
import { createWorld, eventually, type World } from '../test/support/world.ts';

const LEAVERS = 200;
const BLOCKS = 4;
const LOAD_IN_FLIGHT = 24;
const ROUNDS = 3;
const PER_ROUND = 60;
const PAYLOAD_BYTES = 1_200;

const now = (): number => performance.now();

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

async function startWorkerProcess(world: World): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'bench/worker.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BENCH_KEYS_DIR: world.keysDir,
      BENCH_NAMESPACE: world.client.options.namespace,
      BENCH_DATABASE_URL: world.database.workerUrl,
      BENCH_SERVER_URL: world.url,
      BENCH_SECRETS: JSON.stringify(world.secrets),
    },
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the worker of the benchmark ended')));
  });
  return child;
}

let hired = 0;

/** An engineer: policy approves everything, five items at two systems. */
function hire(world: World): string {
  hired += 1;
  return world.company.bamboohr.hr.hire({
    firstName: `Bench${hired}`,
    lastName: 'Mark',
    jobTitle: 'Software Engineer',
    department: 'Engineering',
    location: 'Berlin',
    supervisorEId: '103',
  }).id;
}

async function doneCount(world: World, keys?: readonly string[]): Promise<number> {
  let query = world.ownerDb
    .selectFrom('usher_case as c')
    .innerJoin('identity_link as l', 'l.person_id', 'c.person_id')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('c.kind', '=', 'joiner')
    .where('c.state', '=', 'done');
  if (keys) query = query.where('l.source_key', 'in', keys);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

async function joinersPerSecond(world: World, count: number): Promise<number> {
  const startedAt = now();
  const keys = Array.from({ length: count }, () => hire(world));
  await eventually(async () => (await doneCount(world, keys)) === count, `${count} joiners are done`, 120_000);
  return count / ((now() - startedAt) / 1000);
}

async function barePerSecond(world: World, count: number, activities: number): Promise<number> {
  const startedAt = now();
  const payload = 'x'.repeat(PAYLOAD_BYTES);
  await Promise.all(
    Array.from({ length: count }, () =>
      world.client.workflow.execute('bare', {
        workflowId: `bare-${crypto.randomUUID()}`,
        taskQueue: 'bench-bare',
        args: [activities, payload],
      }),
    ),
  );
  return count / ((now() - startedAt) / 1000);
}

/** Events and activities of one joiner over all its workflows. */
async function costOfJoiner(world: World, key: string): Promise<{ events: number; activities: number }> {
  const personId = await world.personId(key);
  let events = 0;
  let activities = 0;
  for (const workflowId of [`case_${personId}_1`, `provisioning_${personId}_1_1`]) {
    const history = await world.client.workflow.getHandle(workflowId).fetchHistory();
    events += history.events?.length ?? 0;
    activities += history.events?.filter((event) => event.activityTaskScheduledEventAttributes).length ?? 0;
  }
  return { events, activities };
}

/** Keeps so many joiners under way until stopped; answers how many were finished in which time. */
function keepBusy(world: World): { stop(): Promise<{ joiners: number; seconds: number }> } {
  let isOn = true;
  let started = 0;
  const startedAt = now();
  const base = doneCount(world);
  const loop = (async () => {
    const before = await base;
    while (isOn) {
      const done = (await doneCount(world)) - before;
      for (; started - done < LOAD_IN_FLIGHT; started += 1) hire(world);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    async stop() {
      isOn = false;
      await loop;
      return { joiners: (await doneCount(world)) - (await base), seconds: (now() - startedAt) / 1000 };
    },
  };
}

/** Webhook accepted (HR's click) to suspended at the identity provider, per leaver, in milliseconds. */
async function cutOffBlock(world: World, keys: readonly string[]): Promise<number[]> {
  const { okta, bamboohr } = world.company;
  const userOf = new Map(
    Object.values(okta.state.users).map((user) => [String(user.profile['employeeNumber']), user.id]),
  );
  const times: number[] = [];
  const waiting = new Map<string, number>();
  const poll = setInterval(() => {
    for (const [userId, since] of waiting) {
      if (okta.canLogIn(userId)) continue;
      times.push(now() - since);
      waiting.delete(userId);
    }
  }, 5);
  for (const key of keys) {
    const userId = userOf.get(await world.personId(key)) ?? '';
    waiting.set(userId, now());
    bamboohr.hr.terminate(key);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await eventually(() => waiting.size === 0, 'everybody is cut off', 120_000);
  clearInterval(poll);
  return times;
}

async function measure(world: World): Promise<Record<string, number>> {
  const first = hire(world);
  await eventually(async () => (await doneCount(world, [first])) === 1, 'the first joiner is done', 60_000);
  const { events, activities } = await costOfJoiner(world, first);
  console.log(`one joiner: ${events} events, ${activities} activities`);
  await joinersPerSecond(world, 20);
  await barePerSecond(world, 20, activities);
  const ratios: number[] = [];
  const bareRates: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const bare = await barePerSecond(world, PER_ROUND, activities);
    const joiners = await joinersPerSecond(world, PER_ROUND);
    console.log(`round ${round}: ${joiners.toFixed(1)} joiners/s, ${bare.toFixed(1)} bare workflows/s`);
    ratios.push(joiners / bare);
    bareRates.push(bare * activities);
  }
  const leavers: string[] = [];
  while (leavers.length < LEAVERS) leavers.push(...Array.from({ length: 50 }, () => hire(world)));
  await eventually(
    async () => (await doneCount(world, leavers)) === LEAVERS,
    'those who will leave are there',
    180_000,
  );
  const times: number[] = [];
  const loads: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const busy = keepBusy(world);
    const size = LEAVERS / BLOCKS;
    const mine = await cutOffBlock(world, leavers.slice(block * size, (block + 1) * size));
    const { joiners, seconds } = await busy.stop();
    times.push(...mine);
    loads.push((joiners * activities) / seconds);
    console.log(
      `block ${block + 1}: p50 ${quantile(mine, 0.5).toFixed(0)} ms, max ${Math.max(...mine).toFixed(0)} ms at ${(joiners / seconds).toFixed(1)} joiners/s`,
    );
  }
  const median = (values: readonly number[]): number => quantile(values, 0.5);
  return {
    cutoff_p50_ms: Math.round(quantile(times, 0.5)),
    cutoff_p99_ms: Math.round(quantile(times, 0.99)),
    cutoff_max_ms: Math.round(Math.max(...times)),
    cutoff_load_ratio: Number((median(loads) / median(bareRates)).toFixed(2)),
    joiner_to_bare_ratio: Number(median(ratios).toFixed(2)),
    joiner_history_events: events,
  };
}

const { values } = parseArgs({ options: { json: { type: 'string' } } });
await startEngine({ isOnDisk: true });
try {
  const cap = {
    file: 'rules.yaml',
    find: 'maxPerHour: 10, maxPerDay: 20',
    replace: 'maxPerHour: 100000, maxPerDay: 100000',
  };
  const world = await createWorld({ policyEdits: [cap], isWorkerLess: true, searchLagMs: 0 });
  const worker = await startWorkerProcess(world);
  try {
    const figures = await measure(world);
    console.log(JSON.stringify(figures, null, 2));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    worker.kill('SIGTERM');
    await new Promise((resolve) => worker.once('exit', resolve));
    await world.close();
  }
} finally {
  await stopEngine();
}
process.exit(0);
