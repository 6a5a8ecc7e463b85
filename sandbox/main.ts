/**
 * Starts the sandbox company. `SANDBOX_DATA_DIR` holds its state (default `data/sandbox`), `SANDBOX_PORT_BASE` is the
 * first port it tries (default 4810). Prints `ready` when everything listens; ends on SIGTERM and SIGINT.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { runCompany } from './run-company.ts';

const Environment = z.object({
  SANDBOX_DATA_DIR: z.string().min(1).default('data/sandbox'),
  SANDBOX_PORT_BASE: z.coerce.number().int().min(1024).max(65_000).default(4810),
});

const stopBoundMs = 10_000;
const sameWishMs = 750;

async function main(): Promise<void> {
  const environment = Environment.parse(process.env);
  const running = await runCompany({
    dataDir: resolve(environment.SANDBOX_DATA_DIR),
    portBase: environment.SANDBOX_PORT_BASE,
  });
  // The first signal saves and closes everything; a second one, or the bound, ends the process at once. One Ctrl-C can arrive
  // twice, from the terminal and from a parent that passes it on.
  let stoppingSinceMs: number | null = null;
  const stop = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stoppingSinceMs !== null) {
      if (performance.now() - stoppingSinceMs > sameWishMs) process.exit(signal === 'SIGINT' ? 130 : 143);
      return;
    }
    stoppingSinceMs = performance.now();
    setTimeout(() => fail(new Error('it did not stop in time')), stopBoundMs).unref();
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  console.log('ready');
}

function fail(error: unknown): never {
  const message = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
  console.error(`The sandbox company cannot run: ${message}`);
  process.exit(1);
}

main().catch(fail);
