/**
 * One child process of the local stack: started with its own log file, waited for until it is ready, and stopped within
 * a bound. Every child leads a process group of its own, so that a Ctrl-C in the terminal reaches the starter alone and
 * a stop reaches the child's own children too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlainError } from './step.ts';

export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** SIGTERM, or SIGINT where that is the faster orderly stop (PostgreSQL). */
  stopSignal: 'SIGTERM' | 'SIGINT';
  /** After this long a stop turns into SIGKILL. */
  stopTimeoutMs: number;
  /** Asked again and again until it answers true; gets what the process has logged since its start. */
  isReady: (log: string) => Promise<boolean>;
  readyTimeoutMs: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  /** Ends the whole group: the stop signal first, SIGKILL after the bound. Repeatable. */
  stop(): Promise<void>;
}

/** Starts a process of a set that somebody stops as a whole. */
export type Start = (spec: ProcessSpec) => Promise<RunningProcess>;

const readyPollMs = 50;
const tailLines = 15;

/** What a starter tells its watchdog (see watchdog.ts). */
export class Watchdog {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = spawn(process.execPath, [join(import.meta.dirname, 'watchdog.ts')], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A watchdog that is gone cannot be told anything; the starter still stops what it started.
    this.#process.stdin?.on('error', () => undefined);
    this.#process.on('error', () => undefined);
    this.#process.unref();
    const pipe: unknown = this.#process.stdin;
    if (pipe !== null && typeof pipe === 'object' && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  watch(pid: number, signal: 'SIGTERM' | 'SIGINT'): void {
    this.#process.stdin?.write(`+${pid} ${signal}\n`);
  }

  forget(pid: number): void {
    this.#process.stdin?.write(`-${pid}\n`);
  }

  /** Lets the watchdog go; it ends what was not forgotten. */
  close(): void {
    this.#process.stdin?.end();
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone, and that is what was wanted.
  }
}

function launch(spec: ProcessSpec): ChildProcess {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openSync(spec.logFile, 'a', 0o600);
  try {
    return spawn(spec.command, spec.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: spec.env,
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
  } finally {
    closeSync(log);
  }
}

const logSize = (file: string): number => {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
};

async function waitUntilReady(spec: ProcessSpec, running: RunningProcess, logFrom: number): Promise<void> {
  const logged = (): string => readFileSync(spec.logFile).subarray(logFrom).toString('utf8');
  const tail = (): string => logged().trimEnd().split('\n').slice(-tailLines).join('\n');
  const deadline = performance.now() + spec.readyTimeoutMs;
  while (!running.hasExited() && performance.now() < deadline) {
    if (await spec.isReady(logged()).catch(() => false)) {
      if (!running.hasExited()) return;
      break;
    }
    await delay(readyPollMs);
  }
  const why = running.hasExited() ? 'ended' : `was not ready within ${spec.readyTimeoutMs / 1000} s`;
  throw new PlainError(`${spec.name} ${why}. Its log is ${spec.logFile}; the last lines:\n${tail()}`);
}

/** Starts the process and resolves when it is ready. Rejects, with nothing left running, when it ends or takes too long. */
export async function startProcess(spec: ProcessSpec, watchdog: Watchdog): Promise<RunningProcess> {
  const logFrom = logSize(spec.logFile);
  const child = launch(spec);
  const { pid } = child;
  if (pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw new PlainError(`${spec.name} could not be started: ${error.message}`);
  }
  watchdog.watch(pid, spec.stopSignal);
  let isOver = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      isOver = true;
      // What the process itself started must not outlive it.
      signalGroup(pid, 'SIGKILL');
      watchdog.forget(pid);
      resolve({ code, signal });
    });
  });
  const stop = async (): Promise<void> => {
    if (isOver) return;
    signalGroup(pid, spec.stopSignal);
    const kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), spec.stopTimeoutMs);
    await exited;
    clearTimeout(kill);
  };
  const running: RunningProcess = { name: spec.name, pid, exited, hasExited: () => isOver, stop };
  try {
    await waitUntilReady(spec, running, logFrom);
    return running;
  } catch (error) {
    await stop();
    throw error;
  }
}
