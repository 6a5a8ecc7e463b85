/** A real process of a test, to be killed at any moment and started again. A watchdog ends it even when jest is killed. */
import {
  startProcess,
  type Exit,
  type RunningProcess,
  type Start,
  type Watchdog,
} from '../../scripts/stack/managed-process.ts';

const CRASH_LIMIT_MS = 30_000;

export class RestartableProcess {
  readonly #launch: (extraEnv: NodeJS.ProcessEnv) => Promise<RunningProcess>;
  #running: RunningProcess | null = null;
  #exit: Exit | null = null;

  /** `launch` starts the process by the `start` that it is given, and resolves when it is ready. */
  constructor(watchdog: Watchdog, launch: (start: Start, extraEnv: NodeJS.ProcessEnv) => Promise<unknown>) {
    this.#launch = async (extraEnv) => {
      let running: RunningProcess | null = null;
      await launch(async (spec) => (running = await startProcess(spec, watchdog)), extraEnv);
      if (!running) throw new Error('nothing was started');
      return running;
    };
  }

  get isRunning(): boolean {
    return this.#running !== null && !this.#running.hasExited();
  }

  /** How it ended the last time; null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  /** Resolves when it is ready. Rejects when one runs already: two of them would hide what a crash left behind. */
  async start(extraEnv: NodeJS.ProcessEnv = {}): Promise<void> {
    if (this.isRunning) throw new Error('it runs already');
    this.#exit = null;
    this.#running = await this.#launch(extraEnv);
    void this.#running.exited.then((exit) => {
      this.#exit = exit;
    });
  }

  /** SIGKILL, without a chance to finish anything. */
  async kill(): Promise<void> {
    if (!this.#running || this.#running.hasExited()) return;
    process.kill(this.#running.pid, 'SIGKILL');
    await this.#running.exited;
  }

  /** Waits until it killed itself at its crash point; rejects when it ends in any other way, or not at all. */
  async crashed(limitMs = CRASH_LIMIT_MS): Promise<void> {
    if (!this.#running) throw new Error('it does not run');
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), limitMs);
    });
    const exit = await Promise.race([this.#running.exited, tooLong]);
    clearTimeout(timer);
    if (exit?.signal !== 'SIGKILL') throw new Error(`it did not crash: ${JSON.stringify(exit)}`);
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
  }
}
