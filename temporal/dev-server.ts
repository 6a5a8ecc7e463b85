/**
 * The Temporal dev server as one managed process: on a file for the local company, in memory with time skipping for
 * the tests. Every port is given, because a default that is taken ends the server.
 */
import { Connection } from '@temporalio/client';
import type { ProcessSpec, Start } from '../scripts/stack/managed-process.ts';

export interface DevServerOptions {
  /** Path of the Temporal command line (see cli.ts). */
  cliFile: string;
  logFile: string;
  ports: DevServerPorts;
  /** The database file; null: in memory. */
  dbFile: string | null;
  /** Where the web UI has encrypted payloads opened; none where nobody looks at them. */
  codecUrl?: string;
  /** Without the web UI. */
  isHeadless: boolean;
  /** Lets tests start workflows whose clock jumps. Never for a server that people use. */
  canSkipTime: boolean;
}

export interface DevServerPorts {
  grpc: number;
  http: number;
  metrics: number;
  ui: number;
}

export interface RunningDevServer {
  address: string;
  uiUrl: string;
}

const ip = '127.0.0.1';

/** The arguments of `temporal` for these options. */
export function devServerArgs({ ports, dbFile, isHeadless, canSkipTime, codecUrl }: DevServerOptions): string[] {
  const dynamicConfig = [
    // A workflow id is a column of 255 characters on every SQL database; the dev server would accept more.
    'limit.maxIDLength=255',
    ...(canSkipTime ? ['frontend.WorkflowTimeSkippingEnabled=true'] : []),
  ];
  // Without these a file database manages 8 instead of 21 workflows a second.
  const pragmas = dbFile === null ? [] : ['journal_mode=wal', 'synchronous=normal'];
  const flags = {
    '--log-level': 'warn',
    '--ip': ip,
    '--port': ports.grpc,
    '--http-port': ports.http,
    '--metrics-port': ports.metrics,
    '--ui-port': ports.ui,
  };
  return [
    'server',
    'start-dev',
    ...Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]),
    ...(isHeadless ? ['--headless'] : ['--ui-ip', ip, '--ui-disable-news-fetch']),
    ...(codecUrl === undefined ? [] : ['--ui-codec-endpoint', codecUrl]),
    ...(dbFile === null ? [] : ['--db-filename', dbFile]),
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...dynamicConfig.flatMap((value) => ['--dynamic-config-value', value]),
  ];
}

async function answers(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  await connection.close();
  return true;
}

/** Starts the dev server and resolves when it answers. */
export async function startDevServer(options: DevServerOptions, start: Start): Promise<RunningDevServer> {
  const address = `${ip}:${options.ports.grpc}`;
  const spec: ProcessSpec = {
    name: 'Temporal',
    command: options.cliFile,
    args: devServerArgs(options),
    // The command line reads TEMPORAL_* (addresses, profiles, keys) of whoever calls it; none is meant for this server.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
    logFile: options.logFile,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    isReady: () => answers(address),
    readyTimeoutMs: 60_000,
  };
  await start(spec);
  return { address, uiUrl: `http://${ip}:${options.ports.ui}` };
}
