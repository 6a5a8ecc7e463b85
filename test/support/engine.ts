/** The PostgreSQL and the Temporal server that the tests share, and the environment names through which they find them. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparePostgresHome } from '../../scripts/stack/postgres-home.ts';
import { startPostgres } from '../../scripts/stack/postgres.ts';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { Supervisor } from '../../scripts/stack/supervisor.ts';
import { bundleWorkflows } from '../../src/worker-options.ts';
import { ensureTemporalCli } from '../../temporal/cli.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import { prepareTemplate } from './test-database.ts';

interface Engine {
  supervisor: Supervisor;
  dir: string;
  homeDir: string;
}

/** jest loads set-up and tear-down apart from each other; the process is what they share. */
const shared = globalThis as { usherTestEngine?: Engine };
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** With `isOnDisk` both keep what they were told, as in production; tests need no more than memory. Starts both and sets `TEST_DATABASE_ADMIN_URL` and `TEST_TEMPORAL_ADDRESS`. Leaves nothing running when it fails. */
export async function startEngine({ isOnDisk = false } = {}): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'usher-test-'));
  // The database runs as another user when this is root, and has to pass through.
  chmodSync(dir, 0o711);
  const home = preparePostgresHome(dir, say);
  const supervisor = new Supervisor(say);
  shared.usherTestEngine = { supervisor, dir, homeDir: home.homeDir };
  try {
    const ports = new PortPicker();
    const adminUrl = await startPostgres(
      {
        home,
        port: await ports.any(),
        password: randomBytes(18).toString('base64url'),
        logFile: join(dir, 'postgres.log'),
        isDurable: isOnDisk,
      },
      supervisor.start,
    );
    const temporal = await startDevServer(
      {
        cliFile: await ensureTemporalCli(say),
        logFile: join(dir, 'temporal.log'),
        ports: { grpc: await ports.any(), http: await ports.any(), metrics: await ports.any(), ui: await ports.any() },
        dbFile: isOnDisk ? join(dir, 'temporal.db') : null,
        isHeadless: true,
        canSkipTime: true,
      },
      supervisor.start,
    );
    await prepareTemplate(adminUrl);
    process.env['TEST_DATABASE_ADMIN_URL'] = adminUrl;
    process.env['TEST_TEMPORAL_ADDRESS'] = temporal.address;
    process.env['TEST_WORKFLOW_BUNDLE'] = await writeBundle(dir);
  } catch (error) {
    await stopEngine();
    throw error;
  }
}

/** Bundling takes seconds: once for all test files. */
async function writeBundle(dir: string): Promise<string> {
  const file = join(dir, 'workflows.js');
  writeFileSync(file, (await bundleWorkflows()).code);
  return file;
}

/** Stops both and removes their data. Does nothing when nothing was started. */
export async function stopEngine(): Promise<void> {
  const engine = shared.usherTestEngine;
  delete shared.usherTestEngine;
  if (!engine) return;
  await engine.supervisor.stop();
  for (const path of [engine.homeDir, engine.dir]) rmSync(path, { recursive: true, force: true });
}
