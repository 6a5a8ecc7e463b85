/** The worker: workflows, activities, delivery loop, cut-offs. Composition root; it holds vendor credentials and no signing key. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import { NativeConnection, Runtime, DefaultLogger, type LogEntry, type Worker } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { createServerClient } from './authorisation/server-client.ts';
import type { WorkerDeps } from './activities/worker-deps.ts';
import { otlpUrlOf, readSecrets, readWorkerConfig, ConfigError, type WorkerConfig } from './config.ts';
import { connectorById } from './connectors/registry.ts';
import { createCrashPoint } from './crash-point.ts';
import { createDataConverter } from './data-converter.ts';
import { startDeliveryLoop, type DeliveryLoop } from './delivery/loop.ts';
import { workerParts } from './delivery/worker-readiness.ts';
import { stopGracefully } from './graceful-stop.ts';
import { createCallWatcher } from './observe/call-metrics.ts';
import { watchBudget } from './observe/watch-budget.ts';
import { caseIdOfWorkflow } from './observe/log-context.ts';
import { startObserveServer, type ObserveServer } from './observe/observe-server.ts';
import { readinessOf } from './observe/readiness.ts';
import { startTracing } from './observe/tracing.ts';
import { createConnectorPool } from './policy/connector-pool.ts';
import { policyHash } from './policy/hash.ts';
import { openDb } from './store/db.ts';
import { openPersonVault } from './store/person-vault.ts';
import { PolicyReader } from './store/policies.ts';
import { takeSlice } from './store/rate-budget.ts';
import { openVerifier } from './store/signing-key.ts';
import { createLogger, type Logger } from './telemetry.ts';
import { bundleWorkflows, createWorkers, type WorkflowBundle } from './worker-options.ts';

const DB_CONNECTIONS_MAX = 48;

/** Warnings of the engine go to our log. In Temporal the message of a failure is encoded, so that here it must be readable. */
function installRuntime(log: Logger, config: WorkerConfig): void {
  const write = ({ level, message, meta = {} }: LogEntry): void => {
    const { workflowId, workflowType, activityType, attempt, taskQueue, error } = meta;
    const ids = { ...idsOf(workflowId), workflowType, activityType, attempt, taskQueue };
    log[level === 'ERROR' ? 'error' : 'warn']({ ...ids, ...(error ? { err: error } : {}) }, message);
  };
  const { USHER_WORKER_METRICS_PORT: port, USHER_OBSERVE_HOST: host } = config;
  const metrics = port === undefined ? {} : { metrics: { prometheus: { bindAddress: `${host}:${port}` } } };
  Runtime.install({
    logger: new DefaultLogger('WARN', write),
    // What the engine's native part says comes the same way. The signals are ours to handle.
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } }, ...metrics },
    shutdownSignals: [],
  });
}

function idsOf(workflowId: unknown): { workflowId?: string; caseId?: string } {
  if (typeof workflowId !== 'string') return {};
  const caseId = caseIdOfWorkflow(workflowId);
  return { workflowId, ...(caseId === undefined ? {} : { caseId }) };
}

async function bundleOf(file: string | undefined): Promise<WorkflowBundle> {
  return file === undefined ? bundleWorkflows() : { code: readFileSync(file, 'utf8') };
}

function composeDeps(
  config: WorkerConfig,
  registry: Registry,
  parts: Pick<WorkerDeps, 'db' | 'temporal' | 'log'>,
): WorkerDeps {
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
      leaseCalls: watchBudget(parts.log, registry, (slice) => takeSlice(parts.db, slice)),
      watchCall: createCallWatcher(parts.log, registry),
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
  const tracing = startTracing('usher-worker', otlpUrlOf(config));
  installRuntime(log, config);
  const connection = await NativeConnection.connect({ address: config.USHER_TEMPORAL_ADDRESS });
  const dataConverter = createDataConverter(config.keysDir);
  const namespace = config.USHER_TEMPORAL_NAMESPACE;
  const interceptors = tracing.isOn ? { workflow: [new OpenTelemetryWorkflowClientInterceptor()] } : {};
  const temporal = new Client({ connection, namespace, dataConverter, interceptors });
  const db = openDb(config.USHER_DATABASE_URL, DB_CONNECTIONS_MAX);
  const registry = new Registry();
  const deps = composeDeps(config, registry, { db, temporal, log });
  const workers = await createWorkers(deps, {
    connection,
    namespace,
    dataConverter,
    workflowBundle: await bundleOf(config.USHER_WORKFLOW_BUNDLE),
    maxCachedWorkflows: config.USHER_MAX_CACHED_WORKFLOWS,
  });
  const loop = startDeliveryLoop(deps, config.USHER_DATABASE_URL);
  const running = Promise.all(workers.map((worker) => worker.run()));
  const observing = await observe(config, { deps, registry, workers, loop });
  const stop = async (): Promise<void> => {
    // Nothing new is begun: rows stay for the next worker, tasks go back to Temporal, activities under way end.
    const loopStopped = loop.stop();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.all([running, loopStopped]);
    await observing?.stop();
    await connection.close();
    await tracing.stop();
    await db.destroy();
  };
  stopGracefully({
    stop,
    boundMs: config.USHER_STOP_SECONDS * 1_000,
    say: (event, error) => log.info({ event, ...(error === undefined ? {} : { err: error }) }, 'stop'),
  });
  process.stdout.write('ready\n');
  await running;
}

/** Health and metrics, where a port is given. */
async function observe(
  config: WorkerConfig,
  parts: { deps: WorkerDeps; registry: Registry; workers: readonly Worker[]; loop: DeliveryLoop },
): Promise<ObserveServer | null> {
  const { USHER_WORKER_HEALTH_PORT: port, USHER_OBSERVE_HOST: host } = config;
  if (port === undefined) return null;
  const { deps, registry, workers, loop } = parts;
  const look = workerParts(deps, workers, () => loop.isTurning());
  return startObserveServer({ host, port, registry, readiness: () => readinessOf(look), log: deps.log });
}

try {
  await main(readWorkerConfig(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `worker failed: ${String(error)}`}\n`);
  process.exitCode = 1;
}
