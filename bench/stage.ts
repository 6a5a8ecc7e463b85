/** Everything that runs during the benchmark, and the few things that the measurements do with it. */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { PortPicker } from '../scripts/stack/ports.ts';
import { createDataConverter } from '../src/data-converter.ts';
import { openDb, type Db } from '../src/store/db.ts';
import { startEngine, stopEngine } from '../test/support/engine.ts';
import { Child } from './child.ts';
import type { CompanyStarted } from './company.ts';

export interface Stage {
  db: Db;
  client: Client;
  company: Child;
  worker: Child;
  /** Activities that the worker has carried out so far, local ones not counted. */
  activitiesSoFar(): Promise<number>;
  /** Runs one bare workflow to its end. */
  runBare(shape: BareShape): Promise<void>;
  stop(): Promise<void>;
}

export interface BareShape {
  activities: number;
  /** Of each input and of each result. */
  payloadBytes: number;
}

const bareQueue = 'bench-bare';
const POLL_MS = 50;

/** PostgreSQL and Temporal on files of their own, the server, the worker. Leaves nothing running when it fails. */
export async function setStage(): Promise<Stage> {
  await startEngine({ isOnDisk: true });
  const children: Child[] = [];
  try {
    const { child: company, started } = await Child.start<CompanyStarted>('company.ts');
    children.push(company);
    const metricsPort = await new PortPicker().any();
    const { child: worker } = await Child.start('worker.ts', {
      BENCH_KEYS_DIR: started.keysDir,
      BENCH_NAMESPACE: started.namespace,
      BENCH_DATABASE_URL: started.workerDatabaseUrl,
      BENCH_SERVER_URL: started.serverUrl,
      BENCH_METRICS_PORT: String(metricsPort),
      BENCH_BARE_QUEUE: bareQueue,
    });
    children.push(worker);
    const connection = await Connection.connect({ address: process.env['TEST_TEMPORAL_ADDRESS'] ?? '' });
    const { namespace, keysDir } = started;
    const client = new Client({ connection, namespace, dataConverter: createDataConverter(keysDir) });
    // What is compared with Usher pays for no encryption.
    const plain = new Client({ connection, namespace });
    const db = openDb(started.ownerDatabaseUrl, 4);
    await worker.ask('deliver', [true]);
    return {
      db,
      client,
      company,
      worker,
      activitiesSoFar: () => activitiesOf(metricsPort),
      runBare: async ({ activities, payloadBytes }) => {
        const args = [activities, 'x'.repeat(payloadBytes)];
        await plain.workflow.execute('bare', { workflowId: `bare-${randomUUID()}`, taskQueue: bareQueue, args });
      },
      async stop() {
        await worker.stop();
        await db.destroy();
        await connection.close();
        await company.stop();
        await stopEngine();
      },
    };
  } catch (error) {
    for (const child of children.toReversed()) await child.stop();
    await stopEngine();
    throw error;
  }
}

/** As the SDK itself counts them. */
async function activitiesOf(metricsPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const lines = (await response.text()).split('\n');
  const counters = lines.filter((line) => /^temporal_activity_execution_latency\w*_count\{/.test(line));
  if (counters.length === 0) throw new Error('the worker counts no activities');
  return counters.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Waits until as many of the people have joined as there are. */
export async function untilJoined(db: Db, keys: readonly string[], limitMs: number): Promise<void> {
  const endMs = performance.now() + limitMs;
  while ((await countJoined(db, keys)) < keys.length) {
    if (performance.now() > endMs) throw new Error(`${keys.length} joiners did not end within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function countJoined(db: Db, keys: readonly string[]): Promise<number> {
  return countCases(db, keys, (query) => query.where('c.state', '=', 'done'));
}

/** How many cases of these people are there, started or not. */
export async function countDerived(db: Db, keys: readonly string[]): Promise<number> {
  return countCases(db, keys, (query) => query);
}

type CaseQuery = ReturnType<typeof casesOf>;

function casesOf(db: Db, keys: readonly string[]) {
  return db
    .selectFrom('usher_case as c')
    .innerJoin('identity_link as l', 'l.person_id', 'c.person_id')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('c.kind', '=', 'joiner')
    .where('l.source_key', 'in', keys);
}

async function countCases(db: Db, keys: readonly string[], narrow: (query: CaseQuery) => CaseQuery): Promise<number> {
  if (keys.length === 0) return 0;
  return Number((await narrow(casesOf(db, keys)).executeTakeFirstOrThrow()).count);
}
