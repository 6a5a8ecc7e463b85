/** The worker of the benchmark, in a process of its own like in production: Usher's worker with targets in memory, and a bare one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createServerClient } from '../src/authorisation/server-client.ts';
import type { WorkerDeps } from '../src/activities/worker-deps.ts';
import { connectorById } from '../src/connectors/registry.ts';
import { createDataConverter } from '../src/data-converter.ts';
import { startDeliveryLoop } from '../src/delivery/loop.ts';
import { createConnectorPool } from '../src/policy/connector-pool.ts';
import { policyHash } from '../src/policy/hash.ts';
import { openDb } from '../src/store/db.ts';
import { openPersonVault } from '../src/store/person-vault.ts';
import { PolicyReader } from '../src/store/policies.ts';
import { openVerifier } from '../src/store/signing-key.ts';
import { createLogger } from '../src/telemetry.ts';
import { bundleWorkflows, createWorkers } from '../src/worker-options.ts';
import { answer } from './child.ts';
import { memoryConnector } from './memory-connector.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { metrics: { prometheus: { bindAddress: `127.0.0.1:${env('BENCH_METRICS_PORT')}` } } },
});
const keysDir = env('BENCH_KEYS_DIR');
const namespace = env('BENCH_NAMESPACE');
const databaseUrl = env('BENCH_DATABASE_URL');
const connection = await NativeConnection.connect({ address: env('TEST_TEMPORAL_ADDRESS') });
const dataConverter = createDataConverter(keysDir);
const db = openDb(databaseUrl, 48);
const verifier = openVerifier(keysDir);
const policies = new PolicyReader(db, verifier, policyHash);

/** When each login was disabled in the system, in milliseconds since the epoch, by personId. */
const disabledAtMs = new Map<string, number>();
const noteDisabled = (personId: string): void => {
  if (!disabledAtMs.has(personId)) disabledAtMs.set(personId, Date.now());
};
const inMemory = new Map([
  ['okta', memoryConnector('okta', noteDisabled)],
  ['scim', memoryConnector('scim')],
]);
/** The systems in memory ask for none, but policy names them. */
const unused = { url: 'http://127.0.0.1:1', token: 'unused' };
const deps: WorkerDeps = {
  db,
  vault: openPersonVault(keysDir),
  verifier,
  policies,
  pool: createConnectorPool({
    policies,
    secrets: () => Object.fromEntries(['okta', 'crm', 'wiki', 'warehouse'].map((id) => [id, unused])),
    definitionById: (id) => inMemory.get(id) ?? connectorById(id),
    now: Date.now,
    callsPerMinute: () => 10_000_000,
    consistencyWindowMsMax: 0,
  }),
  server: createServerClient(env('BENCH_SERVER_URL'), () => readFileSync(join(keysDir, 'worker.token'), 'utf8').trim()),
  temporal: new Client({ connection, namespace, dataConverter }),
  now: () => new Date(),
  log: createLogger('worker', 'error'),
  crashPoint: () => undefined,
};
const workers = await createWorkers(deps, {
  connection,
  namespace,
  dataConverter,
  workflowBundle: await bundleWorkflows(),
  // A waiting case is two workflows: itself and its approval.
  maxCachedWorkflows: 2_500,
});
const bareWorker = await Worker.create({
  connection,
  namespace,
  taskQueue: env('BENCH_BARE_QUEUE'),
  workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
  activities: { nothing: (payload: string) => Promise.resolve(payload) },
  maxConcurrentWorkflowTaskExecutions: 40,
  maxConcurrentActivityTaskExecutions: 40,
});
const running = Promise.all([...workers, bareWorker].map((worker) => worker.run()));
let loop: ReturnType<typeof startDeliveryLoop> | null = null;

answer(
  {
    start: () => null,
    /** While it is off, cases gather and none is started. */
    deliver: async (isOn: boolean) => {
      if (isOn) loop ??= startDeliveryLoop(deps, databaseUrl);
      else {
        await loop?.stop();
        loop = null;
      }
    },
    memory: () => {
      collectGarbage();
      return { mib: process.memoryUsage.rss() / 1_048_576 };
    },
    disabledAtMs: () => Object.fromEntries(disabledAtMs),
  },
  async () => {
    await loop?.stop();
    for (const worker of [...workers, bareWorker]) worker.shutdown();
    await running;
    await connection.close();
    await db.destroy();
  },
);
