/**
 * One company per data folder. The starter listens on a control port and writes port and run id to `run.json`; whoever
 * finds the file asks the port for the id. A process number alone would lie after a reboot.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { commandOf } from './process-command.ts';
import { PlainError } from './step.ts';

interface RunRecord {
  pid: number;
  runId: string;
  controlPort: number;
}

const host = '127.0.0.1';
const answerTimeoutMs = 2000;

const fileIn = (dataDir: string): string => join(dataDir, 'run.json');

function readRecord(dataDir: string): RunRecord | null {
  try {
    const record: Partial<RunRecord> = JSON.parse(readFileSync(fileIn(dataDir), 'utf8'));
    const { pid, runId, controlPort } = record;
    return typeof pid === 'number' && typeof runId === 'string' && typeof controlPort === 'number'
      ? { pid, runId, controlPort }
      : null;
  } catch {
    return null;
  }
}

function isAlive({ runId, controlPort }: RunRecord): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: controlPort, timeout: answerTimeoutMs });
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('utf8')));
    socket.on('close', () => resolve(text === runId));
    socket.on('error', () => undefined);
    socket.on('timeout', () => socket.destroy());
  });
}

function listen(runId: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(runId);
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('no control port'));
      else resolve({ server, port: address.port });
    });
  });
}

const watchdogFile = (dataDir: string): string => join(dataDir, 'watchdog.pid');
const watchdogPatienceMs = 20_000;
const pollMs = 100;

/** Remembers the watchdog of this run. */
export const rememberWatchdog = (dataDir: string, pid: number): void =>
  writeFileSync(watchdogFile(dataDir), String(pid));

/**
 * After a starter was killed, its watchdog may still be ending what that one started: two servers on one database file
 * must never meet. Waits until it is done; throws a `PlainError` when it does not end.
 */
export async function earlierRunIsOver(dataDir: string): Promise<void> {
  const file = watchdogFile(dataDir);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  const isWatching = (): boolean => Number.isInteger(pid) && (commandOf(pid)?.includes('watchdog.ts') ?? false);
  const deadline = performance.now() + watchdogPatienceMs;
  while (isWatching()) {
    if (performance.now() > deadline) throw new PlainError(`Process ${pid} still ends an earlier run on ${dataDir}.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** The process id of the company that runs on this folder, or null. */
export async function runningOn(dataDir: string): Promise<number | null> {
  const record = readRecord(dataDir);
  return record && (await isAlive(record)) ? record.pid : null;
}

/** Takes the folder for this process until `release`. Throws a `PlainError` when another one has it. */
export async function takeDataDir(dataDir: string): Promise<{ release: () => void }> {
  const runId = randomUUID();
  const { server, port } = await listen(runId);
  const record = JSON.stringify({ pid: process.pid, runId, controlPort: port } satisfies RunRecord);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      writeFileSync(fileIn(dataDir), record, { flag: 'wx' });
      return {
        release: () => {
          server.close();
          rmSync(fileIn(dataDir), { force: true });
        },
      };
    } catch (error) {
      const pid = await runningOn(dataDir);
      if (pid !== null) {
        server.close();
        throw new PlainError(
          `Usher already runs on ${dataDir} (process ${pid}). Stop that one first, or set USHER_DATA_DIR to another folder.`,
        );
      }
      if (attempt === 2) throw error;
      rmSync(fileIn(dataDir), { force: true });
    }
  }
  throw new Error('unreachable');
}
