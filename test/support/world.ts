/**
 * The whole of Usher in one test process, on real servers: PostgreSQL, Temporal, the sandbox company over HTTP and SMTP, our
 * server over HTTP, our worker. Every world has its own database, namespace, keys and company.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve, type ServerType } from '@hono/node-server';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { createCompany, type Company } from '../../sandbox/company-servers.ts';
import type { WorkerDeps } from '../../src/activities/worker-deps.ts';
import { createServerClient } from '../../src/authorisation/server-client.ts';
import { ensureWorkerToken } from '../../src/auth/service-token.ts';
import { createToken } from '../../src/auth/tokens.ts';
import type { Scope } from '../../src/auth/scopes.ts';
import type { ConnectorDefinition } from '../../src/connectors/kit/contract.ts';
import { connectorById } from '../../src/connectors/registry.ts';
import { createDataConverter, decodePayloads } from '../../src/data-converter.ts';
import { startDeliveryLoop, type DeliveryLoop } from '../../src/delivery/loop.ts';
import { createCheckpointer } from '../../src/evidence/checkpoint.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpDeps } from '../../src/http/app-types.ts';
import { createSmtpNotifier } from '../../src/notify/smtp.ts';
import { createConnectorPool, type ConnectorPool } from '../../src/policy/connector-pool.ts';
import { policyHash } from '../../src/policy/hash.ts';
import { startServerLoops, type ServerLoops } from '../../src/server-loops.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { findPersonByKey } from '../../src/store/people.ts';
import { openPersonVault } from '../../src/store/person-vault.ts';
import { PolicyReader } from '../../src/store/policies.ts';
import { takeSlice } from '../../src/store/rate-budget.ts';
import { openSigner, openVerifier } from '../../src/store/signing-key.ts';
import { createLogger } from '../../src/telemetry.ts';
import { createTemporalPort } from '../../src/temporal-port.ts';
import { activatePolicy } from '../../src/use-cases/activate-policy.ts';
import { derivationsSettled } from '../../src/use-cases/derive-queue.ts';
import { pollChanges } from '../../src/use-cases/poll-changes.ts';
import { createWorkers } from '../../src/worker-options.ts';
import { copyPolicies, type PolicyEdit } from './policy-folder.ts';
import { createTestNamespace, quietWorkers } from './temporal-env.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';
import { sharedBundle } from './workflow-bundle.ts';

export interface WorldOptions {
  policyEdits?: readonly PolicyEdit[];
  /** Default: one person activates a policy. */
  policyApprovals?: 1 | 2;
  /** Default: verification concludes at once, since the sandbox is consistent at once. */
  consistencyWindowMsMax?: number;
  definitionById?: (id: string) => ConnectorDefinition | null;
  /** Of further systems, which the policy edits name. */
  secrets?: Record<string, Record<string, string>>;
  /** Start without a worker. */
  isWorkerLess?: boolean;
  searchLagMs?: number;
  logLevel?: string;
  /** Takes the lines of the log instead of standard output. */
  logTo?: (line: string) => void;
}

export interface World {
  company: Company;
  serverDeps: HttpDeps;
  workerDeps: WorkerDeps;
  client: Client;
  database: TestDatabase;
  /** The owner's view, past all privileges. */
  ownerDb: Db;
  url: string;
  keysDir: string;
  /** What the processes hold to call the company's systems. */
  secrets: Record<string, Record<string, string>>;
  clock: TestClock;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  /** The person behind an HRIS key. */
  personId(sourceKey: string): Promise<string>;
  /** A bearer token of that person. */
  tokenOf(personId: string | null, scopes: Scope[]): Promise<string>;
  api(
    path: string,
    init?: { method?: string; body?: unknown; token?: string },
  ): Promise<{ status: number; json: unknown }>;
  close(): Promise<void>;
}

/** The real time plus what a test advanced it by. Shared by server, worker and sandbox. */
export class TestClock {
  #aheadMs = 0;
  readonly now = (): Date => new Date(Date.now() + this.#aheadMs);
  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}

/** What the systems of a world accept; their addresses are added when they listen. */
export const secretsOf = (): Record<string, Record<string, string>> => ({
  bamboohr: { apiKey: 'test-api-key', webhookKey: 'test-webhook-key' },
  okta: { token: 'test-okta-token' },
  crm: { token: 'test-crm-token' },
  wiki: { token: 'test-wiki-token' },
  warehouse: { token: 'test-warehouse-token' },
  servicenow: { username: 'usher', password: 'test-servicenow' },
});

/** Waits until `read` gives something truthy. The limit is a failure, never a pace. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  what: string,
  limitMs = 30_000,
): Promise<NonNullable<T>> {
  const endMs = Date.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await read();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > endMs)
      throw new Error(`never happened: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  quietWorkers();
  const clock = new TestClock();
  const secrets = { ...secretsOf(), ...options.secrets };
  const database = await createTestDatabase();
  const { address, namespace } = await createTestNamespace();
  const dir = mkdtempSync(join(tmpdir(), 'usher-world-'));
  const keysDir = join(dir, 'keys');
  const policyDir = copyPolicies(options.policyEdits);
  const { logTo } = options;
  const log = createLogger('server', options.logLevel ?? 'silent', ...(logTo ? [{ write: logTo }] : []));
  const { company, smtpUrl } = await openCompany(secrets, clock, options);

  const signer = openSigner(keysDir);
  const verifier = openVerifier(keysDir);
  const dataConverter = createDataConverter(keysDir);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace, dataConverter });
  const serverDb = openDb(database.serverUrl, 20);
  const ownerDb = openDb(database.ownerUrl, 4);
  const openPool = (db: Db): { policies: PolicyReader; pool: ConnectorPool } => {
    const policies = new PolicyReader(db, verifier, policyHash);
    const pool = createConnectorPool({
      policies,
      secrets: () => secrets,
      definitionById: options.definitionById ?? connectorById,
      now: Date.now,
      callsPerMinute: () => 600_000,
      leaseCalls: (slice) => takeSlice(db, slice),
      consistencyWindowMsMax: options.consistencyWindowMsMax ?? 0,
      timeoutMs: 3_000,
    });
    return { policies, pool };
  };
  const atServer = openPool(serverDb);
  const serverDeps: HttpDeps = {
    db: serverDb,
    vault: openPersonVault(keysDir),
    signer,
    verifier,
    policies: atServer.policies,
    now: clock.now,
    hris: async () => new Map([['bamboohr', (await atServer.pool.open('hris', 'bamboohr')).connector]]),
    policyDir,
    policyApprovals: options.policyApprovals ?? 1,
    archiveDir: join(dir, 'archive'),
    publicUrl: 'http://127.0.0.1:0',
    mailboxUrl: null,
    temporal: createTemporalPort(client, null),
    notifier: createSmtpNotifier(smtpUrl, 'usher@usher.invalid'),
    log,
    crashPoint: () => undefined,
    keysDir,
    checkpointer: createCheckpointer({ db: serverDb, signer, keysDir, now: clock.now }),
    profileOf: () => null,
    openPayloads: (payloads) => decodePayloads(dataConverter, payloads),
  };
  await activatePolicy(serverDeps, { by: 'bootstrap' });
  await pollChanges(serverDeps);
  await derivationsSettled(serverDeps);
  await ensureWorkerToken(serverDb, keysDir, clock.now());
  const { server, url } = await listen(serverDeps);
  serverDeps.publicUrl = url;
  company.bamboohr.registerWebhook(`${url}/webhooks/bamboohr`, secrets['bamboohr']?.['webhookKey'] ?? '');
  const loops: ServerLoops = startServerLoops(serverDeps, 3600);

  const native = await NativeConnection.connect({ address });
  const workerDb = openDb(database.workerUrl, 48);
  const atWorker = openPool(workerDb);
  const workerDeps: WorkerDeps = {
    db: workerDb,
    vault: openPersonVault(keysDir),
    verifier,
    policies: atWorker.policies,
    pool: atWorker.pool,
    server: createServerClient(url, () => readFileSync(join(keysDir, 'worker.token'), 'utf8').trim()),
    temporal: new Client({ connection: native, namespace, dataConverter }),
    now: clock.now,
    log,
    crashPoint: () => undefined,
  };
  let running: { workers: Worker[]; done: Promise<unknown>; loop: DeliveryLoop } | null = null;
  const startWorker = async (): Promise<void> => {
    const workers = await createWorkers(workerDeps, {
      connection: native,
      namespace,
      dataConverter,
      workflowBundle: sharedBundle(),
      maxCachedWorkflows: 500,
    });
    running = {
      workers,
      done: Promise.all(workers.map((worker) => worker.run())),
      loop: startDeliveryLoop(workerDeps, database.workerUrl),
    };
  };
  const stopWorker = async (): Promise<void> => {
    if (!running) return;
    const { workers, done, loop } = running;
    running = null;
    await loop.stop();
    for (const worker of workers) worker.shutdown();
    await done;
  };
  if (!options.isWorkerLess) await startWorker();

  const tokenOf = async (personId: string | null, scopes: Scope[]): Promise<string> => {
    const expiresAt = new Date(clock.now().getTime() + 365 * 86_400_000);
    return (await createToken(serverDb, { personId, label: 'test', scopes, expiresAt, now: clock.now() })).token;
  };
  return {
    company,
    serverDeps,
    workerDeps,
    client,
    database,
    ownerDb,
    url,
    keysDir,
    secrets,
    clock,
    startWorker,
    stopWorker,
    tokenOf,
    async personId(sourceKey) {
      const person = await eventually(
        () => findPersonByKey(serverDb, 'bamboohr', sourceKey),
        `person ${sourceKey} is known`,
      );
      return person.person_id;
    },
    async api(path, { method = 'GET', body, token } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, json: await response.json().catch(() => null) };
    },
    async close() {
      await stopWorker();
      await loops.stop();
      server.close();
      await derivationsSettled(serverDeps);
      await native.close();
      await connection.close();
      for (const db of [serverDb, workerDb, ownerDb]) await db.destroy();
      for (const part of Object.values(company)) await (part as { close(): Promise<void> }).close();
      await database.drop();
      rmSync(dir, { recursive: true, force: true });
      rmSync(policyDir, { recursive: true, force: true });
    },
  };
}

async function openCompany(
  secrets: Record<string, Record<string, string>>,
  clock: TestClock,
  options: WorldOptions,
): Promise<{ company: Company; smtpUrl: string }> {
  const company = createCompany({
    secrets: secrets as never,
    now: clock.now,
    ...(options.searchLagMs === undefined ? {} : { searchLagMs: options.searchLagMs }),
  });
  for (const system of ['bamboohr', 'okta', 'crm', 'wiki', 'warehouse', 'servicenow'] as const) {
    const { url } = await company[system].listen(0);
    (secrets[system] ??= {})['url'] = url;
  }
  const smtp = await company.mailbox.listenSmtp();
  await company.mailbox.listen(0);
  return { company, smtpUrl: `smtp://127.0.0.1:${smtp}` };
}

function listen(deps: HttpDeps): Promise<{ server: ServerType; url: string }> {
  return new Promise((resolve) => {
    const server = serve({ fetch: createApp(deps).fetch, hostname: '127.0.0.1', port: 0 }, (info) =>
      resolve({ server, url: `http://127.0.0.1:${info.port}` }),
    );
  });
}
