/**
 * Usher as it runs in production: `src/server.ts` and `src/worker.ts` as processes of their own, which a test may kill and
 * start again. The sandbox company lives in the test itself; database and namespace are the test's own.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { createCompany, type Company } from '../../sandbox/company-servers.ts';
import { plainEnv, serverEnv, serverUrl, workerEnv, type Surroundings } from '../../scripts/stack/child-env.ts';
import { checkout, prepareDataFolder, splitSecrets, writePrivate } from '../../scripts/stack/data-folder.ts';
import type { DataFolder } from '../../scripts/stack/data-folder.ts';
import { Watchdog, type ProcessSpec } from '../../scripts/stack/managed-process.ts';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { createToken } from '../../src/auth/tokens.ts';
import type { Scope } from '../../src/auth/scopes.ts';
import { verifyLog, type LogVerification } from '../../src/evidence/verify.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { findPersonByKey } from '../../src/store/people.ts';
import { openVerifier } from '../../src/store/signing-key.ts';
import { bootstrapNamespace } from '../../temporal/bootstrap.ts';
import { copyPolicies, type PolicyEdit } from './policy-folder.ts';
import { RestartableProcess } from './restartable-process.ts';
import { testTemporalAddress } from './temporal-env.ts';
import { createTestDatabase } from './test-database.ts';
import { eventually, secretsOf } from './world.ts';

export interface CompanyProcessesOptions {
  policyEdits?: readonly PolicyEdit[];
  /** Default: the server that the tests share. */
  temporalAddress?: string;
  watchdog?: Watchdog;
  /** For both processes; wins over everything else. */
  env?: NodeJS.ProcessEnv;
  /** Of the faults' probabilities. */
  faultSeed?: number;
}

export interface CompanyProcesses {
  company: Company;
  /** The owner's view, past all privileges. */
  ownerDb: Db;
  /** Address of the server. */
  url: string;
  /** What a process has logged. */
  logOf(name: 'server' | 'worker'): string;
  temporalNamespace: string;
  /** Of the person keys, and of the public keys that verify what the server signed. */
  keysDir: string;
  server: RestartableProcess;
  worker: RestartableProcess;
  /** The person behind an HRIS key. */
  personId(sourceKey: string): Promise<string>;
  tokenOf(personId: string | null, scopes: Scope[]): Promise<string>;
  /** Rejects when the server does not answer. */
  api(
    path: string,
    init?: { method?: string; body?: unknown; token?: string },
  ): Promise<{ status: number; json: unknown }>;
  /** Events that lie in the ledger and are not derived yet. */
  underived(): Promise<number>;
  verifyLog(): Promise<LogVerification>;
  close(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;

/** Starts the company and, with its policy activated and everybody taken in, the server. The worker is not started yet. */
export async function startCompanyProcesses(options: CompanyProcessesOptions = {}): Promise<CompanyProcesses> {
  const dir = mkdtempSync(join(tmpdir(), 'usher-crash-'));
  const folder = prepareDataFolder(dir);
  const policyDir = copyPolicies(options.policyEdits);
  const { company, smtpPort } = await openCompany(folder, options.faultSeed);
  const database = await createTestDatabase();
  const temporalAddress = options.temporalAddress ?? testTemporalAddress();
  const namespace = await createNamespace(temporalAddress);
  const watchdog = options.watchdog ?? new Watchdog();
  const httpPort = await new PortPicker().any();
  const around: Surroundings = {
    folder,
    database,
    temporalAddress,
    temporalUiUrl: 'http://127.0.0.1:1',
    httpPort,
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    mailboxUrl: 'http://127.0.0.1:1',
  };
  const own = {
    USHER_TEMPORAL_NAMESPACE: namespace,
    USHER_POLICY_DIR: policyDir,
    USHER_LOG_LEVEL: 'warn',
    USHER_POLL_SECONDS: '3600',
    USHER_CONSISTENCY_WINDOW_MS: '0',
    USHER_WORKFLOW_BUNDLE: process.env['TEST_WORKFLOW_BUNDLE'],
    ...options.env,
  };
  const processOf = (name: 'server' | 'worker', env: NodeJS.ProcessEnv): RestartableProcess =>
    new RestartableProcess(watchdog, (start, extra) => start(nodeProcess(folder, name, { ...env, ...own, ...extra })));
  const server = processOf('server', serverEnv(process.env, around));
  const worker = processOf('worker', workerEnv(process.env, around));
  const ownerDb = openDb(database.ownerUrl, 4);
  const url = serverUrl(httpPort);
  await server.start();
  company.bamboohr.registerWebhook(`${url}/webhooks/bamboohr`);
  // From here on the poll finds nothing: what a crash left behind must be found without it.
  company.bamboohr.faults.add({ kind: 'status', status: 503, path: '/employees/changed$', times: null });
  return {
    company,
    ownerDb,
    url,
    logOf: (name) => readFileSync(join(folder.logs, `${name}.log`), 'utf8'),
    temporalNamespace: namespace,
    keysDir: folder.keys,
    server,
    worker,
    personId: (key) => personOf(ownerDb, key),
    tokenOf: async (personId, scopes) => {
      const now = new Date();
      const expiresAt = new Date(now.getTime() + 86_400_000);
      return (await createToken(ownerDb, { personId, label: 'test', scopes, expiresAt, now })).token;
    },
    api: (path, init) => callApi(url, path, init),
    underived: () => countUnderived(ownerDb),
    verifyLog: () =>
      verifyLog({
        db: ownerDb,
        keysDir: folder.keys,
        verifier: openVerifier(folder.keys),
        now: () => new Date(),
      }),
    async close() {
      await worker.stop();
      await server.stop();
      if (options.watchdog === undefined) watchdog.close();
      await ownerDb.destroy();
      for (const part of Object.values(company)) await (part as { close(): Promise<void> }).close();
      await database.drop();
      for (const path of [dir, policyDir]) rmSync(path, { recursive: true, force: true });
    },
  };
}

async function personOf(db: Db, sourceKey: string): Promise<string> {
  const person = await eventually(() => findPersonByKey(db, 'bamboohr', sourceKey), `person ${sourceKey} is known`);
  return person.person_id;
}

async function countUnderived(db: Db): Promise<number> {
  const rows = await db.selectFrom('ledger').select('event_id').where('state', '=', 'received').execute();
  return rows.length;
}

async function callApi(
  url: string,
  path: string,
  { method = 'GET', body, token }: { method?: string; body?: unknown; token?: string } = {},
): Promise<{ status: number; json: unknown }> {
  const headers: Record<string, string> = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    signal: AbortSignal.timeout(15_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json().catch(() => null) };
}

function nodeProcess(folder: DataFolder, name: 'server' | 'worker', env: NodeJS.ProcessEnv): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(checkout, 'src', `${name}.ts`)],
    env: { ...plainEnv(process.env), ...env },
    cwd: checkout,
    logFile: join(folder.logs, `${name}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 30_000,
    isReady: (log) => Promise.resolve(/^ready$/m.test(log)),
    readyTimeoutMs: READY_TIMEOUT_MS,
  };
}

async function createNamespace(address: string): Promise<string> {
  const namespace = `crash-${process.pid}-${Date.now()}`;
  const connection = await Connection.connect({ address });
  try {
    await bootstrapNamespace(connection, namespace);
  } finally {
    await connection.close();
  }
  return namespace;
}

async function openCompany(folder: DataFolder, faultSeed = 1): Promise<{ company: Company; smtpPort: number }> {
  const secrets = secretsOf();
  const company = createCompany({ secrets: secrets as never, faultSeed });
  for (const system of ['bamboohr', 'okta', 'crm', 'wiki', 'warehouse', 'servicenow'] as const) {
    (secrets[system] ??= {})['url'] = (await company[system].listen(0)).url;
  }
  const { server, worker } = splitSecrets(secrets);
  writePrivate(join(folder.secrets, 'server.json'), server);
  writePrivate(join(folder.secrets, 'worker.json'), worker);
  const smtpPort = await company.mailbox.listenSmtp();
  await company.mailbox.listen(0);
  return { company, smtpPort };
}
