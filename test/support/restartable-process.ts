/** A real process of a test, to be killed at any moment and started again. A watchdog ends it even when jest is killed. */
import { startProcess, type ProcessSpec, type RunningProcess, type Watchdog } from '../../scripts/stack/managed-process.ts';

const CRASH_LIMIT_MS = 30_000;

export class RestartableProcess {
  readonly #watchdog: Watchdog;
  readonly #specOf: (extraEnv: NodeJS.ProcessEnv) => ProcessSpec;
  #running: RunningProcess | null = null;

  constructor(watchdog: Watchdog, specOf: (extraEnv: NodeJS.ProcessEnv) => ProcessSpec) {
    this.#watchdog = watchdog;
    this.#specOf = specOf;
  }

  get isRunning(): boolean {
    return this.#running !== null && !this.#running.hasExited();
  }

  /** Resolves when it is ready. Rejects when one runs already: two of them would hide what a crash left behind. */
  async start(extraEnv: NodeJS.ProcessEnv = {}): Promise<void> {
    if (this.isRunning) throw new Error('it runs already');
    this.#running = await startProcess(this.#specOf(extraEnv), this.#watchdog);
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
