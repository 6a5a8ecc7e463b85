/** The server: webhooks, poll, API, pages, signatures, evidence. Composition root; it holds no vendor write credentials. */
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { Client, Connection } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import { Registry } from 'prom-client';
import { ensureWorkerToken } from './auth/service-token.ts';
import { writeProfiles, type ProfileNames } from './bootstrap-profiles.ts';
import { ConfigError, otlpUrlOf, readSecrets, readServerConfig, type ServerConfig } from './config.ts';
import type { HrisConnector } from './connectors/kit/contract.ts';
import { connectorById } from './connectors/registry.ts';
import { createCrashPoint } from './crash-point.ts';
import { createDataConverter, decodePayloads } from './data-converter.ts';
import { createCheckpointer } from './evidence/checkpoint.ts';
import { eraseAgainAtStart } from './evidence/erase.ts';
import { stopGracefully } from './graceful-stop.ts';
import { createApp } from './http/app.ts';
import type { HttpDeps } from './http/app-types.ts';
import { createSmtpNotifier } from './notify/smtp.ts';
import { createCallWatcher } from './observe/call-metrics.ts';
import { watchBudget } from './observe/watch-budget.ts';
import { startObserveServer, type ObserveServer } from './observe/observe-server.ts';
import { readinessOf } from './observe/readiness.ts';
import { registerStoreMetrics } from './observe/store-metrics.ts';
import { createWebhookCounter } from './observe/webhook-counter.ts';
import { startTracing } from './observe/tracing.ts';
import { createConnectorPool, type ConnectorPool, type Lane } from './policy/connector-pool.ts';
import { policyHash } from './policy/hash.ts';
import { startServerLoops } from './server-loops.ts';
import { openDb } from './store/db.ts';
import { migrateToLatest } from './store/migrate.ts';
import { openPersonVault } from './store/person-vault.ts';
import { PolicyReader } from './store/policies.ts';
import { openSigner, openVerifier } from './store/signing-key.ts';
import { takeSlice } from './store/rate-budget.ts';
import { readFigures } from './store/read-metrics.ts';
import { createLogger } from './telemetry.ts';
import { createTemporalPort } from './temporal-port.ts';
import { activatePolicy } from './use-cases/activate-policy.ts';
import { countUnderived, derivationsSettled, deriveLeftBehind } from './use-cases/derive-queue.ts';
import { pollChanges } from './use-cases/poll-changes.ts';
import { serverParts } from './use-cases/server-readiness.ts';

const DB_CONNECTIONS_MAX = 32;
const BASELINE_WAIT_MAX_MS = 60_000;

interface Composed {
  deps: HttpDeps;
  registry: Registry;
  /** Names of CLI profiles, filled in by the bootstrap of the sample company. */
  setProfiles: (names: ProfileNames) => void;
  close: () => Promise<void>;
}

function openTemporal(config: ServerConfig, isTraced: boolean) {
  const connection = Connection.lazy({ address: config.USHER_TEMPORAL_ADDRESS });
  const dataConverter = createDataConverter(config.keysDir);
  const interceptors = isTraced ? { workflow: [new OpenTelemetryWorkflowClientInterceptor()] } : {};
  const namespace = config.USHER_TEMPORAL_NAMESPACE;
  return { connection, dataConverter, client: new Client({ connection, namespace, dataConverter, interceptors }) };
}

function publicUrlOf({ USHER_PUBLIC_URL, USHER_HTTP_PORT }: ServerConfig): string {
  return (USHER_PUBLIC_URL ?? `http://127.0.0.1:${USHER_HTTP_PORT}`).replace(/\/+$/, '');
}

async function closeAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}

function openKeys({ keysDir, USHER_SIGNING_DIR }: ServerConfig): Pick<HttpDeps, 'signer' | 'verifier' | 'vault'> {
  return {
    signer: openSigner(keysDir, USHER_SIGNING_DIR),
    verifier: openVerifier(keysDir),
    vault: openPersonVault(keysDir),
  };
}

async function compose(config: ServerConfig): Promise<Composed> {
  const log = createLogger('server', config.USHER_LOG_LEVEL);
  const tracing = startTracing('usher-server', otlpUrlOf(config));
  const registry = new Registry();
  if (config.USHER_DATABASE_OWNER_URL) await migrateToLatest(config.USHER_DATABASE_OWNER_URL);
  const db = openDb(config.USHER_DATABASE_URL, DB_CONNECTIONS_MAX);
  const now = (): Date => new Date();
  const { signer, verifier, vault } = openKeys(config);
  const erasedCount = (await eraseAgainAtStart({ db, vault, now: now() })).length;
  if (erasedCount > 0) log.warn({ count: erasedCount }, 'erased again after a restore');
  const policies = new PolicyReader(db, verifier, policyHash);
  const pool = createConnectorPool({
    leaseCalls: watchBudget(log, registry, (slice) => takeSlice(db, slice)),
    policies,
    secrets: () => readSecrets(config.USHER_SECRETS_FILE),
    definitionById: connectorById,
    now: Date.now,
    watchCall: createCallWatcher(log, registry),
  });
  const { connection, client, dataConverter } = openTemporal(config, tracing.isOn);
  let profiles: ProfileNames = new Map();
  const deps: HttpDeps = {
    db,
    vault,
    signer,
    verifier,
    policies,
    now,
    hris: (lane) => openHris(pool, lane),
    policyDir: config.USHER_POLICY_DIR,
    policyApprovals: config.USHER_POLICY_APPROVALS,
    archiveDir: config.USHER_ARCHIVE_DIR ?? join(config.USHER_DATA_DIR, 'archive'),
    publicUrl: publicUrlOf(config),
    mailboxUrl: config.USHER_MAILBOX_URL ?? null,
    temporal: createTemporalPort(client, config.USHER_TEMPORAL_UI_URL ?? null),
    notifier: createSmtpNotifier(config.USHER_SMTP_URL, config.USHER_MAIL_FROM),
    log,
    crashPoint: createCrashPoint(config.USHER_CRASH_POINT),
    keysDir: config.keysDir,
    checkpointer: createCheckpointer({ db, signer, keysDir: config.keysDir, now }),
    profileOf: (personId) => profiles.get(personId) ?? null,
    openPayloads: (payloads) => decodePayloads(dataConverter, payloads),
    countWebhook: createWebhookCounter(registry),
  };
  const close = (): Promise<void> => closeAll([() => connection.close(), () => tracing.stop(), () => db.destroy()]);
  return { deps, registry, setProfiles: (names) => (profiles = names), close };
}

async function main(config: ServerConfig): Promise<void> {
  const { deps, registry, setProfiles, close } = await compose(config);
  await ensureWorkerToken(deps.db, config.keysDir, deps.now());
  if (config.USHER_BOOTSTRAP === 'sandbox') setProfiles(await bootstrapSandbox(deps, config.USHER_DATA_DIR));
  await deriveLeftBehind(deps, 0);
  const loops = startServerLoops(deps, config.USHER_POLL_SECONDS);
  const server = serve({
    fetch: createApp(deps).fetch,
    hostname: config.USHER_HTTP_HOST,
    port: config.USHER_HTTP_PORT,
  });
  const observing = await observe(config, deps, registry);
  const stop = async (): Promise<void> => {
    // Requests under way are answered, what they left to derive is derived, and then nothing is open any more.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.all([closed, loops.stop()]);
    await derivationsSettled(deps);
    await observing?.stop();
    await close();
  };
  stopGracefully({
    stop,
    boundMs: config.USHER_STOP_SECONDS * 1_000,
    say: (event, error) => deps.log.info({ event, ...(error === undefined ? {} : { err: error }) }, 'stop'),
  });
  process.stdout.write('ready\n');
}

/** Metrics and health without a login, where a port is given. */
async function observe(config: ServerConfig, deps: HttpDeps, registry: Registry): Promise<ObserveServer | null> {
  const { USHER_METRICS_PORT: port, USHER_OBSERVE_HOST: host } = config;
  if (port === undefined) return null;
  registerStoreMetrics(registry, () => readFigures(deps.db, deps.now()));
  return startObserveServer({
    host,
    port,
    registry,
    readiness: () => readinessOf(serverParts(deps)),
    log: deps.log,
  });
}

/** HR systems whose secrets are here; one that does not open is reported by `systems check`, not by a crash. */
async function openHris(pool: ConnectorPool, lane: Lane): Promise<ReadonlyMap<string, HrisConnector>> {
  const systems = await pool.systemsOf('hris');
  const opened = await Promise.all(
    systems.map(async ({ id }) => [id, (await pool.open('hris', id, lane)).connector] as const),
  );
  return new Map(opened);
}

/** The sample company: its policy becomes active, and whoever was there before Usher is taken in, before the door opens. */
async function bootstrapSandbox(deps: HttpDeps, dataDir: string): Promise<ProfileNames> {
  if ((await deps.policies.active()) === null) await activatePolicy(deps, { by: 'bootstrap' });
  await pollChanges(deps);
  await derivationsSettled(deps);
  const endMs = Date.now() + BASELINE_WAIT_MAX_MS;
  // The HR system may throttle the first reading of everybody.
  while ((await countUnderived(deps)) > 0 && Date.now() < endMs) {
    await deriveLeftBehind(deps, 0);
    await derivationsSettled(deps);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return writeProfiles(deps, dataDir);
}

try {
  await main(readServerConfig(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `server failed: ${String(error)}`}\n`);
  process.exitCode = 1;
}
