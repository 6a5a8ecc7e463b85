/**
 * The whole company on this machine: PostgreSQL, the Temporal dev server, the sandbox, `server` and `worker`, each its
 * own process with its own log. Used by `npm start` and, on a throw-away folder, by `npm run demo`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { queues } from '../../src/workflows/wire.ts';
import { bootstrapNamespace } from '../../temporal/bootstrap.ts';
import { ensureTemporalCli } from '../../temporal/cli.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import { namespace, policyDirOf, sandboxEnv, serverEnv, serverUrl, workerEnv, type Surroundings } from './child-env.ts';
import { openCodecDoor } from './codec-door.ts';
import { pickPorts, type CompanyPorts } from './company-ports.ts';
import {
  checkout,
  databasePasswords,
  prepareDataFolder,
  readObject,
  splitSecrets,
  writePrivate,
} from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { databaseUrls, ensureDatabase, ensureRoles, withClient, type DatabaseUrls } from './database-roles.ts';
import { hrisSystemIdsOf } from './hris-systems.ts';
import { preparePostgresHome } from './postgres-home.ts';
import { startPostgres } from './postgres.ts';
import type { ProcessSpec } from './managed-process.ts';
import { earlierRunIsOver, rememberWatchdog, takeDataDir } from './run-file.ts';
import { readSandboxAddresses, registerWebhook, smtpUrl, type SandboxAddresses } from './sandbox-addresses.ts';
import { step, type Say } from './step.ts';
import { Supervisor } from './supervisor.ts';

export interface CompanyOptions {
  dataDir: string;
  say: Say;
  env: NodeJS.ProcessEnv;
  /** Entry files of the three processes; tests give stand-ins. */
  entries?: Entries;
  /** Any free ports, instead of the usual ones or their neighbours. */
  hasRandomPorts?: boolean;
}

export interface Entries {
  sandbox: string;
  server: string;
  worker: string;
}

export interface Company {
  folder: DataFolder;
  serverUrl: string;
  temporalUiUrl: string;
  temporalAddress: string;
  database: DatabaseUrls;
  sandbox: SandboxAddresses;
  /** Ends everything that was started. Repeatable. */
  stop: () => Promise<void>;
}

interface Stage {
  folder: DataFolder;
  ports: CompanyPorts;
  supervisor: Supervisor;
  options: CompanyOptions;
}

const entryFiles: Entries = {
  sandbox: join(checkout, 'sandbox', 'main.ts'),
  server: join(checkout, 'src', 'server.ts'),
  worker: join(checkout, 'src', 'worker.ts'),
};
const databaseName = 'usher';
const readyTimeoutMs = 60_000;

async function startDatabase({ folder, ports, supervisor, options }: Stage): Promise<DatabaseUrls> {
  const passwords = databasePasswords(folder);
  const given = options.env['DATABASE_URL'];
  const adminUrl = given ?? (await startEmbedded());
  await withClient(adminUrl, async (client) => {
    await ensureRoles(client, passwords);
    await ensureDatabase(client, databaseName);
  });
  return databaseUrls(adminUrl, databaseName, passwords);

  function startEmbedded(): Promise<string> {
    const home = preparePostgresHome(folder.dir, options.say);
    // `npm run reset` finds the database by this file where it had to lie elsewhere.
    writePrivate(join(folder.dir, 'database-location.json'), { homeDir: home.homeDir });
    const logFile = join(folder.logs, 'postgres.log');
    const postgres = { home, port: ports.postgres, password: passwords.superuser, logFile, isDurable: true };
    return startPostgres(postgres, supervisor.start);
  }
}

async function startTemporal({
  folder,
  ports,
  supervisor,
  options,
}: Stage): Promise<{ address: string; uiUrl: string }> {
  const server = await startDevServer(
    {
      cliFile: await ensureTemporalCli(options.say),
      logFile: join(folder.logs, 'temporal.log'),
      ports: {
        grpc: ports.temporal,
        http: ports.temporalHttp,
        metrics: ports.temporalMetrics,
        ui: ports.temporalUi,
      },
      dbFile: join(folder.temporal, 'temporal.db'),
      codecUrl: `http://127.0.0.1:${ports.codec}`,
      isHeadless: false,
      canSkipTime: false,
    },
    supervisor.start,
  );
  const connection = await Connection.connect({ address: server.address });
  try {
    await bootstrapNamespace(connection, namespace);
  } finally {
    await connection.close();
  }
  return server;
}

function nodeProcess(
  { folder }: Stage,
  name: string,
  file: string,
  env: NodeJS.ProcessEnv,
  isReady: ProcessSpec['isReady'],
): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', file],
    env,
    cwd: checkout,
    logFile: join(folder.logs, `${name}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 15_000,
    isReady,
    readyTimeoutMs,
  };
}

async function startSandbox(stage: Stage, entry: string): Promise<SandboxAddresses> {
  const { folder, ports, supervisor, options } = stage;
  const env = sandboxEnv(options.env, { folder, portBase: ports.sandbox });
  const isReady = (log: string): Promise<boolean> => Promise.resolve(/^ready$/m.test(log));
  await supervisor.start(nodeProcess(stage, 'sandbox', entry, env, isReady));
  // Secrets of systems that do not belong to the sandbox: whoever tries Usher on one of their own writes this file.
  const own = readObject(join(folder.secrets, 'own.json'));
  const ownHris = await hrisSystemIdsOf(policyDirOf(options.env));
  const { server, worker } = splitSecrets({ ...own, ...readObject(join(folder.sandbox, 'secrets.json')) }, ownHris);
  writePrivate(join(folder.secrets, 'server.json'), server);
  writePrivate(join(folder.secrets, 'worker.json'), worker);
  const addresses = readSandboxAddresses(folder.sandbox);
  await registerWebhook(addresses, serverUrl(ports.http));
  return addresses;
}

const isServerReady = async (httpPort: number): Promise<boolean> =>
  (await fetch(`${serverUrl(httpPort)}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;

/** A worker is ready when Temporal sees it ask for work. */
async function isWorkerReady(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    const taskQueue = { name: queues.cases };
    const taskQueueType = proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW;
    const described = await connection.workflowService.describeTaskQueue({ namespace, taskQueue, taskQueueType });
    return (described.pollers ?? []).length > 0;
  } finally {
    await connection.close();
  }
}

async function startAll(stage: Stage): Promise<Omit<Company, 'stop'>> {
  const { folder, ports, supervisor, options } = stage;
  const { say } = options;
  const entries = options.entries ?? entryFiles;
  const database = await step(say, 'PostgreSQL', async () => {
    const value = await startDatabase(stage);
    return { value, text: options.env['DATABASE_URL'] ? 'the server of DATABASE_URL' : `on port ${ports.postgres}` };
  });
  const temporal = await step(say, 'Temporal', async () => {
    const value = await startTemporal(stage);
    return { value, text: `on port ${ports.temporal}, UI on port ${ports.temporalUi}` };
  });
  const sandbox = await step(say, 'sandbox company', async () => {
    const value = await startSandbox(stage, entries.sandbox);
    return { value, text: `from port ${ports.sandbox} on` };
  });
  const around: Surroundings = {
    folder,
    database,
    temporalAddress: temporal.address,
    temporalUiUrl: temporal.uiUrl,
    httpPort: ports.http,
    smtpUrl: smtpUrl(sandbox),
    mailboxUrl: sandbox.mailbox.url,
  };
  await step(say, 'server', async () => {
    const env = serverEnv(options.env, around);
    await supervisor.start(nodeProcess(stage, 'server', entries.server, env, () => isServerReady(ports.http)));
    return { value: null, text: `on port ${ports.http}` };
  });
  await step(say, 'worker', async () => {
    const env = workerEnv(options.env, around);
    await supervisor.start(nodeProcess(stage, 'worker', entries.worker, env, () => isWorkerReady(temporal.address)));
    return { value: null, text: 'asks for work' };
  });
  const urls = { serverUrl: serverUrl(ports.http), temporalUiUrl: temporal.uiUrl, temporalAddress: temporal.address };
  return { folder, database, ...urls, sandbox };
}

/**
 * Starts everything. Rejects, with nothing left running, when a part does not come up, when another company runs on the
 * folder, or when `signal` aborts meanwhile.
 */
export async function startCompany(options: CompanyOptions, signal?: AbortSignal): Promise<Company> {
  for (const file of Object.values(options.entries ?? entryFiles))
    if (!existsSync(file)) throw new Error(`${file} is missing from the checkout`);
  const folder = prepareDataFolder(options.dataDir);
  const { release } = await takeDataDir(folder.dir);
  await earlierRunIsOver(folder.dir).catch((error: unknown) => {
    release();
    throw error;
  });
  const supervisor = new Supervisor(options.say);
  if (supervisor.watchdogPid !== undefined) rememberWatchdog(folder.dir, supervisor.watchdogPid);
  let closeCodecDoor = (): Promise<void> => Promise.resolve();
  const stop = async (): Promise<void> => {
    await closeCodecDoor();
    await supervisor.stop();
    release();
  };
  const stopEarly = (): void => void supervisor.stop();
  signal?.addEventListener('abort', stopEarly);
  try {
    const ports = await pickPorts(folder, options.say, options.hasRandomPorts);
    closeCodecDoor = await openCodecDoor({
      dataDir: folder.dir,
      port: ports.codec,
      uiOrigin: `http://127.0.0.1:${ports.temporalUi}`,
      serverUrl: serverUrl(ports.http),
    });
    const started = await startAll({ folder, ports, supervisor, options });
    return { ...started, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stopEarly);
  }
}
