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

async function main(): Promise<void> {
  const environment = Environment.parse(process.env);
  const running = await runCompany({
    dataDir: resolve(environment.SANDBOX_DATA_DIR),
    portBase: environment.SANDBOX_PORT_BASE,
  });
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log('ready');
}

function fail(error: unknown): never {
  const message = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : '';
  console.error(`The sandbox company cannot run: ${message}`);
  process.exit(1);
}

main().catch(fail);
