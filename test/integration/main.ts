/**
 * `npm run test:integration`: makes the servers present where it may (CI=true, `--install`, `--install=NAME,NAME`), runs
 * the jest project `integration` one file after the other, and ends with "N passed, N failed". A server that could not
 * be installed is a failure; one that was not asked for is a skip that names the command.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../scripts/stack/data-folder.ts';
import { PlainError, runMain, step } from '../../scripts/stack/step.ts';
import { installCommandOf, type IntegrationServer, isIntegrationServer } from './support/integration-server.ts';

const say = (line: string): void => console.log(line);

interface Wishes {
  /** Names of servers to install, or all that are missing. */
  install: 'all' | string[];
  /** Paths of tests and options for jest. */
  rest: string[];
}

function readWishes(args: string[], env: NodeJS.ProcessEnv): Wishes {
  const isInstall = (arg: string): boolean => arg === '--install' || arg.startsWith('--install=');
  const named = args.filter(isInstall).flatMap((arg) => arg.split('=')[1]?.split(',') ?? []);
  const isForAll = args.includes('--install') || env['CI'] === 'true';
  return { install: isForAll ? 'all' : named, rest: args.filter((arg) => !isInstall(arg)) };
}

/** Every server that a file in servers/ exports, by name. */
async function allServers(): Promise<IntegrationServer[]> {
  const folder = join(import.meta.dirname, 'servers');
  const found: IntegrationServer[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const module = (await import(join(folder, file))) as Record<string, unknown>;
    found.push(...Object.values(module).filter(isIntegrationServer));
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Installs what is missing and wanted; answers how many could not be installed. */
async function installMissing(servers: IntegrationServer[], { install }: Wishes): Promise<number> {
  const unknown = install === 'all' ? [] : install.filter((name) => !servers.some((each) => each.name === name));
  if (unknown.length > 0) {
    const names = servers.map(({ name }) => name).join(', ');
    throw new PlainError(`--install: no server is called ${unknown.join(', ')}. Known: ${names}.`);
  }
  let failed = 0;
  for (const server of servers) {
    if (server.isInstalled()) {
      say(`${server.title}: here`);
      continue;
    }
    if (install !== 'all' && !install.includes(server.name)) continue;
    try {
      await step(say, server.title, async () => ({ value: null, text: await server.install(say) }));
      if (!server.isInstalled()) throw new PlainError('it is still not found after the installation');
    } catch (error) {
      failed += 1;
      say(`FAILED to install ${server.title}: ${error instanceof PlainError ? error.message : String(error)}`);
    }
  }
  return failed;
}

function runJest(rest: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const args = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(checkout, 'node_modules', 'jest', 'bin', 'jest.js'),
    // The paths come first: after an option of many values they would be taken for more of them.
    ...rest,
    '--selectProjects=integration',
    // One after the other: times are measured here, and two cores carry one such server at a time.
    '--maxWorkers=1',
    '--reporters=default',
    '--reporters=./test/support/closing-line-reporter.js',
  ];
  const child = spawn(process.execPath, args, { cwd: checkout, stdio: 'inherit', env: { ...process.env, ...env } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

await runMain(async () => {
  const wishes = readWishes(process.argv.slice(2), process.env);
  const servers = await allServers();
  const failedInstalls = await installMissing(servers, wishes);
  const missing = servers
    .filter((server) => !server.isInstalled())
    .map((server) => `SKIPPED ${server.title}: not installed. Install it with: ${installCommandOf(server)}`);
  for (const line of missing) say(line);
  const code = await runJest(wishes.rest, {
    USHER_FAILED_CHECKS: String(failedInstalls),
    USHER_TELL_SKIPPED: missing.join('\n') || 'none',
  });
  return code === 0 && failedInstalls === 0 ? 0 : 1;
});
