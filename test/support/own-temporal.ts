/** A Temporal server of one test alone, on a file, as people run it: for what must be read from its database. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { Supervisor } from '../../scripts/stack/supervisor.ts';
import { ensureTemporalCli } from '../../temporal/cli.ts';
import { startDevServer } from '../../temporal/dev-server.ts';

export interface OwnTemporal {
  address: string;
  /** All bytes of the database, with what is still in its write-ahead log. */
  readBytes(): Buffer;
  stop(): Promise<void>;
}

/** Worlds that are made while it runs use it instead of the shared one. */
export async function startOwnTemporal(): Promise<OwnTemporal> {
  const dir = mkdtempSync(join(tmpdir(), 'usher-temporal-'));
  const dbFile = join(dir, 'temporal.db');
  const supervisor = new Supervisor(() => undefined);
  const before = process.env['TEST_TEMPORAL_ADDRESS'];
  const ports = new PortPicker();
  const { address } = await startDevServer(
    {
      cliFile: await ensureTemporalCli(() => undefined),
      logFile: join(dir, 'temporal.log'),
      ports: { grpc: await ports.any(), http: await ports.any(), metrics: await ports.any(), ui: await ports.any() },
      dbFile,
      isHeadless: true,
      canSkipTime: false,
    },
    supervisor.start,
  );
  process.env['TEST_TEMPORAL_ADDRESS'] = address;
  return {
    address,
    readBytes: () =>
      Buffer.concat([dbFile, `${dbFile}-wal`].filter((file) => existsSync(file)).map((file) => readFileSync(file))),
    async stop() {
      process.env['TEST_TEMPORAL_ADDRESS'] = before;
      await supervisor.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
