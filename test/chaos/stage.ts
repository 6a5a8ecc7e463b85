/** Everything that a chaos run starts: PostgreSQL and Temporal on files, server and worker, each a process that may be killed. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparePostgresHome } from '../../scripts/stack/postgres-home.ts';
import { startPostgres } from '../../scripts/stack/postgres.ts';
import { Watchdog } from '../../scripts/stack/managed-process.ts';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { bundleWorkflows } from '../../src/worker-options.ts';
import { ensureTemporalCli } from '../../temporal/cli.ts';
import { startDevServer } from '../../temporal/dev-server.ts';
import { startCompanyProcesses, type CompanyProcesses } from '../support/company-processes.ts';
import { crashPolicy } from '../support/crash-cast.ts';
import { RestartableProcess } from '../support/restartable-process.ts';
import { prepareTemplate } from '../support/test-database.ts';

export interface ChaosStage {
  usher: CompanyProcesses;
  postgres: RestartableProcess;
  temporal: RestartableProcess;
  temporalAddress: string;
  stop(): Promise<void>;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Server and worker run when it resolves. Leaves nothing behind when it fails. */
export async function setChaosStage(faultSeed: number): Promise<ChaosStage> {
  const dir = mkdtempSync(join(tmpdir(), 'usher-chaos-'));
  // The database runs as another user when this is root, and has to pass through.
  chmodSync(dir, 0o711);
  const home = preparePostgresHome(dir, say);
  const watchdog = new Watchdog();
  const ports = new PortPicker();
  const postgresOptions = {
    home,
    port: await ports.any(),
    password: randomBytes(18).toString('base64url'),
    logFile: join(dir, 'postgres.log'),
    isDurable: true,
  };
  const temporalOptions = {
    cliFile: await ensureTemporalCli(say),
    logFile: join(dir, 'temporal.log'),
    ports: { grpc: await ports.any(), http: await ports.any(), metrics: await ports.any(), ui: await ports.any() },
    dbFile: join(dir, 'temporal.db'),
    isHeadless: true,
    canSkipTime: false,
  };
  let adminUrl = '';
  const postgres = new RestartableProcess(watchdog, async (start) => {
    adminUrl = await startPostgres(postgresOptions, start);
  });
  const temporal = new RestartableProcess(watchdog, (start) => startDevServer(temporalOptions, start));
  const temporalAddress = `127.0.0.1:${temporalOptions.ports.grpc}`;
  let usher: CompanyProcesses | null = null;
  const stop = async (): Promise<void> => {
    await usher?.close().catch((error: unknown) => say(String(error)));
    await temporal.stop();
    await postgres.stop();
    watchdog.close();
    for (const path of [home.homeDir, dir]) rmSync(path, { recursive: true, force: true });
  };
  try {
    await postgres.start();
    await temporal.start();
    await prepareTemplate(adminUrl);
    process.env['TEST_DATABASE_ADMIN_URL'] = adminUrl;
    process.env['TEST_WORKFLOW_BUNDLE'] = join(dir, 'workflows.js');
    writeFileSync(join(dir, 'workflows.js'), (await bundleWorkflows()).code);
    usher = await startCompanyProcesses({
      policyEdits: crashPolicy,
      temporalAddress,
      watchdog,
      faultSeed,
      // As in production the poll finds what no webhook told.
      env: { USHER_POLL_SECONDS: '5' },
    });
    usher.company.bamboohr.faults.clear();
    await usher.worker.start();
    return { usher, postgres, temporal, temporalAddress, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
