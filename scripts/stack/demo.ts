/** `npm run demo`, second half: the company on a throw-away folder, `sandbox/demo.ts` against it, everything stopped. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namespace, plainEnv } from './child-env.ts';
import { startCompany, type Company } from './company.ts';
import { checkout, readObject } from './data-folder.ts';
import { runMain } from './step.ts';
import { stopSignal } from './stop-signal.ts';

const say = (line: string): void => console.log(line);

/** Runs the demonstration and resolves to its exit code; ends it when `signal` aborts. */
function runDemo({ folder, serverUrl, temporalUiUrl, temporalAddress }: Company, signal: AbortSignal): Promise<number> {
  const child = spawn(process.execPath, [join(checkout, 'sandbox', 'demo.ts'), ...process.argv.slice(2)], {
    cwd: checkout,
    stdio: 'inherit',
    env: {
      ...plainEnv(process.env),
      USHER_DATA_DIR: folder.dir,
      USHER_SERVER_URL: serverUrl,
      USHER_TEMPORAL_ADDRESS: temporalAddress,
      USHER_TEMPORAL_NAMESPACE: namespace,
      USHER_TEMPORAL_UI_URL: temporalUiUrl,
    },
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

await runMain(async () => {
  const signal = stopSignal();
  const dataDir = mkdtempSync(join(tmpdir(), 'usher-demo-'));
  // The database runs as another user when this is root, and has to pass through.
  chmodSync(dataDir, 0o711);
  try {
    const company = await startCompany({ dataDir, say, env: process.env, hasRandomPorts: true }, signal);
    try {
      return await runDemo(company, signal);
    } finally {
      await company.stop();
    }
  } catch (error) {
    if (signal.aborted) return 1;
    throw error;
  } finally {
    const { homeDir } = readObject(join(dataDir, 'database-location.json'));
    if (typeof homeDir === 'string') rmSync(homeDir, { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  }
});
