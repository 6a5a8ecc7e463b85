/** Starts one server for one test file, in a folder of its own, under a watchdog that ends it when the test dies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnv } from '../../../scripts/stack/child-env.ts';
import { type ProcessSpec, startProcess, Watchdog } from '../../../scripts/stack/managed-process.ts';

export interface ServerProcess {
  /** Everything that the server writes belongs here; removed by `stop`. */
  dir: string;
  pid: number;
  stop(): Promise<void>;
}

export type ServerSpec = Pick<ProcessSpec, 'command' | 'args' | 'isReady'> & Partial<Omit<ProcessSpec, 'logFile'>>;

/** A new folder for the data of one server. */
export const newServerFolder = (name: string): string => mkdtempSync(join(tmpdir(), `usher-${name}-`));

/**
 * Starts it and resolves when it is ready; rejects with the last lines of its log, and nothing left running, otherwise.
 * `dir` is where its data lies already, or a new folder.
 */
export async function startServerProcess(
  name: string,
  spec: ServerSpec,
  dir = newServerFolder(name),
): Promise<ServerProcess> {
  const watchdog = new Watchdog();
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  const defaults = { name, cwd: dir, stopSignal: 'SIGTERM' as const, stopTimeoutMs: 15_000, readyTimeoutMs: 60_000 };
  try {
    const whole = { ...defaults, env: plainEnv(process.env), ...spec, logFile: join(dir, `${name}.log`) };
    const running = await startProcess(whole, watchdog);
    return {
      dir,
      pid: running.pid,
      async stop() {
        await running.stop();
        watchdog.close();
        remove();
      },
    };
  } catch (error) {
    watchdog.close();
    remove();
    throw error;
  }
}

/** Whether a GET is answered with 2xx now. For `isReady`. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return response.ok;
}
