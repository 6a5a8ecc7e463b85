/** The worker: workflows, activities, delivery loop, cut-offs. Composition root; it holds vendor credentials and no signing key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, DefaultLogger, type LogEntry } from '@temporalio/worker';
import { createServerClient } from './authorisation/server-client.ts';
import type { WorkerDeps } from './activities/worker-deps.ts';
import { readSecrets, readWorkerConfig, ConfigError, type WorkerConfig } from './config.ts';
import { connectorById } from './connectors/registry.ts';
import { createCrashPoint } from './crash-point.ts';
import { createDataConverter } from './data-converter.ts';
import { startDeliveryLoop } from './delivery/loop.ts';
import { createConnectorPool } from './policy/connector-pool.ts';
import { policyHash } from './policy/hash.ts';
import { openDb } from './store/db.ts';
import { openPersonVault } from './store/person-vault.ts';
import { PolicyReader } from './store/policies.ts';
import { openVerifier } from './store/signing-key.ts';
import { createLogger, type Logger } from './telemetry.ts';
import { bundleWorkflows, createWorkers, type WorkflowBundle } from './worker-options.ts';

const DB_CONNECTIONS_MAX = 48;

/** Warnings of the engine go to our log. In Temporal the message of a failure is encoded, so that here it must be readable. */
function logEngineWarnings(log: Logger): void {
  const write = ({ message, meta = {} }: LogEntry): void => {
    const { workflowId, workflowType, activityType, attempt, error } = meta;
    log.warn({ workflowId, workflowType, activityType, attempt, ...(error ? { err: error } : {}) }, message);
  };
  Runtime.install({ logger: new DefaultLogger('WARN', write) });
}

async function bundleOf(file: string | undefined): Promise<WorkflowBundle> {
  return file === undefined ? bundleWorkflows() : { code: readFileSync(file, 'utf8') };
}

function composeDeps(config: WorkerConfig, parts: Pick<WorkerDeps, 'db' | 'temporal' | 'log'>): WorkerDeps {
  const verifier = openVerifier(config.keysDir);
  const policies = new PolicyReader(parts.db, verifier, policyHash);
  return {
    ...parts,
    vault: openPersonVault(config.keysDir),
    verifier,
    policies,
    pool: createConnectorPool({
      policies,
      secrets: () => readSecrets(config.USHER_SECRETS_FILE),
      definitionById: connectorById,
      now: Date.now,
      ...(config.USHER_CONSISTENCY_WINDOW_MS === undefined
        ? {}
        : { consistencyWindowMsMax: config.USHER_CONSISTENCY_WINDOW_MS }),
    }),
    server: createServerClient(config.USHER_SERVER_URL, () =>
      readFileSync(join(config.keysDir, 'worker.token'), 'utf8').trim(),
    ),
    now: () => new Date(),
    crashPoint: createCrashPoint(config.USHER_CRASH_POINT),
  };
}

async function main(config: WorkerConfig): Promise<void> {
  const log = createLogger('worker', config.USHER_LOG_LEVEL);
  logEngineWarnings(log);
  const connection = await NativeConnection.connect({ address: config.USHER_TEMPORAL_ADDRESS });
  const dataConverter = createDataConverter(config.keysDir);
  const temporal = new Client({ connection, namespace: config.USHER_TEMPORAL_NAMESPACE, dataConverter });
  const db = openDb(config.USHER_DATABASE_URL, DB_CONNECTIONS_MAX);
  const deps = composeDeps(config, { db, temporal, log });
  const workers = await createWorkers(deps, {
    connection,
    namespace: config.USHER_TEMPORAL_NAMESPACE,
    dataConverter,
    workflowBundle: await bundleOf(config.USHER_WORKFLOW_BUNDLE),
    maxCachedWorkflows: config.USHER_MAX_CACHED_WORKFLOWS,
  });
  const loop = startDeliveryLoop(deps, config.USHER_DATABASE_URL);
  const running = workers.map((worker) => worker.run());
  const stop = (): void => {
    void loop.stop();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write('ready\n');
  await Promise.all(running);
  await loop.stop();
  await connection.close();
  await db.destroy();
}

try {
  await main(readWorkerConfig(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `worker failed: ${String(error)}`}\n`);
  process.exitCode = 1;
}
