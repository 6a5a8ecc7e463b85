/**
 * Ten events at once while connectors fail and worker, server and Temporal are killed at random moments. The moments, the
 * order and the faults come from one seed: USHER_CHAOS_SEED repeats a run as far as processes on one machine can.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Watchdog } from '../../scripts/stack/managed-process.ts';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { ensureTemporalCli } from '../../temporal/cli.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import {
  addFaults,
  countFaults,
  decideAll,
  faulty,
  retryFailed,
  runningWorkflows,
  unfinished,
} from '../support/chaos-desk.ts';
import { chaosStories, systemNames, type Story } from '../support/chaos-stories.ts';
import { startCompanyProcesses, type CompanyProcesses } from '../support/company-processes.ts';
import { holdingAt, othersAt } from '../support/company-view.ts';
import { crashPolicy } from '../support/crash-cast.ts';
import { RestartableProcess } from '../support/restartable-process.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { eventually } from '../support/world.ts';

const seed = Number(process.env['USHER_CHAOS_SEED'] ?? 20_261_124);
const random = createSeededRandom(seed);

let usher: CompanyProcesses;
let temporal: RestartableProcess;
let address: string;
const watchdog = new Watchdog();
const dir = mkdtempSync(join(tmpdir(), 'usher-chaos-'));
const keyOf = new Map<Story, string>();
/** What the systems held for people who work there and to whom nothing happens. */
let othersBefore: unknown[];
const leaverKeys = ['115', '120', '125'];

async function prepareTemporal(): Promise<void> {
  const ports = new PortPicker();
  const own = { grpc: await ports.any(), http: await ports.any(), metrics: await ports.any(), ui: await ports.any() };
  const cliFile = await ensureTemporalCli(() => undefined);
  address = `127.0.0.1:${own.grpc}`;
  temporal = new RestartableProcess(watchdog, (start) =>
    startDevServer(
      {
        cliFile,
        logFile: join(dir, 'temporal.log'),
        ports: own,
        dbFile: join(dir, 'temporal.db'),
        isHeadless: true,
        canSkipTime: false,
      },
      start,
    ),
  );
  await temporal.start();
}

beforeAll(async () => {
  process.stderr.write(`chaos: USHER_CHAOS_SEED=${seed}\n`);
  await prepareTemporal();
  usher = await startCompanyProcesses({
    policyEdits: crashPolicy,
    temporalAddress: address,
    watchdog,
    faultSeed: seed,
  });
  othersBefore = othersAt(usher, leaverKeys);
  await usher.worker.start();
}, 120_000);
afterAll(async () => {
  await usher?.close();
  await temporal?.stop();
  watchdog.close();
  rmSync(dir, { recursive: true, force: true });
});

async function play(story: Story, pausesMs: readonly number[]): Promise<void> {
  let key = '';
  for (const [index, step] of story.steps.entries()) {
    await sleep(pausesMs[index] ?? 0);
    key = step(key);
    keyOf.set(story, key);
  }
}

/** Kills one after the other, each for up to a second and a half. Answers when all of them run again. */
async function killAtRandom(): Promise<void> {
  const victims = random.shuffled(['worker', 'worker', 'server', 'server', 'temporal', 'worker+server'] as const);
  for (const victim of victims) {
    await sleep(random.between(300, 2_500));
    const hit = {
      worker: [usher.worker],
      server: [usher.server],
      temporal: [temporal],
      'worker+server': [usher.server, usher.worker],
    }[victim];
    for (const one of hit) await one.kill();
    await sleep(random.between(0, 1_500));
    // A worker that starts while Temporal is away ends at once; here every victim comes back alone.
    for (const one of hit) await one.start();
  }
}

const isInactive = ({ fields }: { fields: Record<string, string> }): boolean => fields['active'] === 'false';

describe(`ten events among faults and kills (seed ${seed})`, () => {
  test('all of them end, although anything may fail and die at any moment', async () => {
    addFaults(usher, 0.05);
    const decisions = decideAll(usher);
    const stories = random.shuffled(chaosStories(usher));
    const plays = stories.map((story, index) =>
      play(story, [index * random.between(300, 1_000), random.between(200, 4_000)]),
    );
    await Promise.all([...plays, killAtRandom()]);
    for (const system of faulty) usher.company[system].faults.clear();
    const hit = Object.values(countFaults(usher)).reduce((sum, count) => sum + count, 0);
    expect(hit).toBeGreaterThan(5);
    await retryFailed(usher);
    await eventually(
      async () => {
        const open = await unfinished(usher);
        if (open.length > 0) throw new Error(open.join('; '));
        return true;
      },
      'everything ends',
      75_000,
    );
    await decisions.stop();
    await eventually(
      async () => (await runningWorkflows(usher, address)).length === 0,
      'no workflow runs any more',
      10_000,
    );
  }, 150_000);

  test('everybody ends with what they should hold, and nobody with two accounts', async () => {
    for (const [story, key] of keyOf) {
      const personId = await usher.personId(key);
      const cases = await usher.ownerDb
        .selectFrom('usher_case')
        .select(['n', 'state'])
        .where('person_id', '=', personId)
        .orderBy('n', 'desc')
        .execute();
      const [last] = cases;
      const end = last ? `${last.n} ${last.state}` : 'none';
      expect({ story: story.name, end }).toEqual({ story: story.name, end: expect.stringMatching(story.ends) });
      for (const system of systemNames) {
        const groups = story.holds[system] ?? [];
        const { accountIds, groupIds, canLogIn, sessions } = holdingAt(usher, system, [personId, key]);
        expect({ story: story.name, system, groupIds, canLogIn }).toEqual({
          story: story.name,
          system,
          groupIds: groups,
          canLogIn: groups.length > 0,
        });
        expect(accountIds.length).toBeLessThanOrEqual(1);
        if (groups.length === 0) expect(sessions).toBe(0);
      }
    }
    expect(keyOf.size).toBe(10);
  });

  test('no account belongs to nobody, and nothing changed for anybody else', async () => {
    const personIds = await Promise.all([...keyOf.values()].map((key) => usher.personId(key)));
    expect(othersBefore.length).toBeGreaterThan(20);
    expect(othersAt(usher, [...keyOf.values(), ...personIds])).toEqual(othersBefore);
  });

  test('each incident had one ticket, and no ticket is open', async () => {
    const incidents = await usher.ownerDb.selectFrom('incident').select('incident_id').execute();
    await eventually(() => usher.company.servicenow.incidents().every(isInactive), 'all tickets are closed');
    const tickets = usher.company.servicenow.incidents().map(({ fields }) => fields['correlation_id']);
    expect(tickets).toEqual([...new Set(tickets)]);
    const known = incidents.map(({ incident_id }) => incident_id);
    expect(tickets.filter((id) => !known.includes(id ?? ''))).toEqual([]);
  });

  test('no decision counts twice, and the evidence log is whole', async () => {
    const decisions = await usher.ownerDb.selectFrom('decision').select(['approval_id', 'approver_id']).execute();
    const given = decisions.map((row) => `${row.approval_id} ${row.approver_id}`);
    expect(given).toEqual([...new Set(given)]);
    expect((await usher.verifyLog()).findings).toEqual([]);
  });
});
