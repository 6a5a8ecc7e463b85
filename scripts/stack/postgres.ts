/**
 * The embedded PostgreSQL: initialised once, then a process of its own on 127.0.0.1 with password authentication.
 * It goes on from its data folder after any kind of stop.
 */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { ProcessSpec, Start } from './managed-process.ts';
import { commandOf } from './process-command.ts';
import type { PostgresHome } from './postgres-home.ts';
import { PlainError } from './step.ts';

export interface PostgresOptions {
  home: PostgresHome;
  port: number;
  password: string;
  logFile: string;
  /** Off only where the data may be lost with the machine: in tests. */
  isDurable: boolean;
}

const superuser = 'postgres';
const orphanPatienceMs = 15_000;
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Only what PostgreSQL needs: a child that runs as another user gets nothing of ours. */
const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' });

function initialise({ home, password }: PostgresOptions): void {
  // A folder without the mark was left half made by an interrupted start.
  const mark = join(home.homeDir, 'initialised');
  if (existsSync(mark)) return;
  rmSync(home.dataDir, { recursive: true, force: true });
  const passwordFile = join(home.homeDir, 'initial-password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  try {
    if (home.user) chownSync(passwordFile, home.user.uid, home.user.gid);
    const result = spawnSync(
      join(home.binDir, 'initdb'),
      [
        `--pgdata=${home.dataDir}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      { encoding: 'utf8', env: environment(), cwd: home.homeDir, ...home.user },
    );
    if (result.status !== 0)
      throw new PlainError(`PostgreSQL could not be initialised: ${result.error?.message ?? result.stderr.trim()}`);
    writeFileSync(mark, '');
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * A postmaster that outlived its starter is stopped; a pid file whose number now belongs to some other program is
 * removed, because PostgreSQL would refuse to start. Everything else PostgreSQL sorts out itself.
 */
async function clearLeftovers({ dataDir }: PostgresHome): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const command = Number.isInteger(pid) && pid > 1 ? commandOf(pid) : null;
  if (command === null) return;
  if (!command.includes(dataDir)) {
    rmSync(pidFile, { force: true });
    return;
  }
  process.kill(pid, 'SIGINT');
  const deadline = performance.now() + orphanPatienceMs;
  while (commandOf(pid)?.includes(dataDir)) {
    if (performance.now() > deadline) process.kill(pid, 'SIGKILL');
    await delay(100);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function postgresProcess(options: PostgresOptions, adminUrl: string): ProcessSpec {
  const { home, port, logFile, isDurable } = options;
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'timezone=UTC',
    'log_timezone=UTC',
    // A statement that fails may hold values that name a person; they stay out of the log.
    'log_min_error_statement=panic',
    'log_error_verbosity=terse',
    ...(isDurable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ];
  return {
    name: 'PostgreSQL',
    command: join(home.binDir, 'postgres'),
    args: ['-D', home.dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    env: environment(),
    cwd: home.homeDir,
    logFile,
    ...home.user,
    // SIGINT is the fast shutdown: it ends sessions instead of waiting for them.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 15_000,
    isReady: () => answers(adminUrl),
    readyTimeoutMs: 60_000,
  };
}

/**
 * Initialises the database when it is new and starts it. Resolves, when it answers, to the URL of the superuser on the
 * database `postgres`.
 */
export async function startPostgres(options: PostgresOptions, start: Start): Promise<string> {
  await clearLeftovers(options.home);
  initialise(options);
  const adminUrl = `postgres://${superuser}:${options.password}@127.0.0.1:${options.port}/postgres`;
  await start(postgresProcess(options, adminUrl));
  return adminUrl;
}
