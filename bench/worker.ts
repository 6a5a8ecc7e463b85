/** The worker of the benchmark, in a process of its own like in production: Usher's worker with targets in memory, and a bare one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
import { memoryConnector } from './memory-connector.ts';

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};

Runtime.install({ logger: new DefaultLogger('ERROR') });
const keysDir = env('BENCH_KEYS_DIR');
const namespace = env('BENCH_NAMESPACE');
const connection = await NativeConnection.connect({ address: env('TEST_TEMPORAL_ADDRESS') });
const dataConverter = createDataConverter(keysDir);
const db = openDb(env('BENCH_DATABASE_URL'), 48);
const verifier = openVerifier(keysDir);
const policies = new PolicyReader(db, verifier, policyHash);
const memory = memoryConnector('scim');
const deps: WorkerDeps = {
  db,
  vault: openPersonVault(keysDir),
  verifier,
  policies,
  pool: createConnectorPool({
    policies,
    secrets: () => JSON.parse(env('BENCH_SECRETS')) as Record<string, Record<string, string>>,
    definitionById: (id) => (id === 'scim' ? memory : connectorById(id)),
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
const workflowBundle = await bundleWorkflows();
const workers = await createWorkers(deps, {
  connection,
  namespace,
  dataConverter,
  workflowBundle,
  maxCachedWorkflows: 1_000,
});
const bareWorker = await Worker.create({
  connection,
  namespace,
  dataConverter,
  taskQueue: 'bench-bare',
  workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
  activities: { nothing: (payload: string) => Promise.resolve(payload) },
  maxConcurrentWorkflowTaskExecutions: 40,
  maxConcurrentActivityTaskExecutions: 40,
});
const loop = startDeliveryLoop(deps, env('BENCH_DATABASE_URL'));
process.once('SIGTERM', () => {
  void loop.stop();
  for (const worker of [...workers, bareWorker]) worker.shutdown();
});
process.stdout.write('ready\n');
await Promise.all([...workers, bareWorker].map((worker) => worker.run()));
await connection.close();
await db.destroy();
