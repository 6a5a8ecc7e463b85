/**
 * The processes of one local company as a set: started one after the other, started again when one ends by itself, and
 * stopped in the reverse order.
 */
import { startProcess, Watchdog, type Exit, type ProcessSpec, type RunningProcess } from './managed-process.ts';
import type { Say } from './step.ts';

const firstDelayMs = 1000;
const longestDelayMs = 30_000;
/** A process that ran this long is started again without a growing delay. */
const stableAfterMs = 60_000;

const how = ({ code, signal }: Exit): string => (signal === null ? `with code ${code ?? 'unknown'}` : `by ${signal}`);

export class Supervisor {
  readonly #say: Say;
  readonly #watchdog = new Watchdog();
  readonly #running: RunningProcess[] = [];
  readonly #stopped = new AbortController();
  #stopping: Promise<void> | null = null;

  constructor(say: Say) {
    this.#say = say;
  }

  get watchdogPid(): number | undefined {
    return this.#watchdog.pid;
  }

  /** Starts a process, waits until it is ready, and keeps it running from then on. Rejects when it does not come up. */
  readonly start = async (spec: ProcessSpec): Promise<RunningProcess> => {
    this.#stopped.signal.throwIfAborted();
    const running = await this.#launch(spec);
    void this.#keepUp(spec, running);
    return running;
  };

  /** Ends every process, the last started first. Repeatable: a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #launch(spec: ProcessSpec): Promise<RunningProcess> {
    const running = await startProcess(spec, this.#watchdog);
    if (this.#stopped.signal.aborted) {
      await running.stop();
      throw new Error('stopped while starting');
    }
    this.#running.push(running);
    return running;
  }

  async #keepUp(spec: ProcessSpec, first: RunningProcess): Promise<void> {
    let running: RunningProcess | null = first;
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
      if (running) {
        const since = performance.now();
        const exit = await running.exited;
        if (this.#stopped.signal.aborted) return;
        this.#running.splice(this.#running.indexOf(running), 1);
        if (performance.now() - since > stableAfterMs) delayMs = firstDelayMs;
        this.#say(`${spec.name} ended ${how(exit)}; starting it again. Its log: ${spec.logFile}`);
      }
      await this.#pause(delayMs);
      if (this.#stopped.signal.aborted) return;
      running = await this.#launch(spec).catch((error: unknown) => {
        if (!this.#stopped.signal.aborted) this.#say(error instanceof Error ? error.message : String(error));
        return null;
      });
      if (running) this.#say(`${spec.name} is back`);
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }

  async #stopAll(): Promise<void> {
    this.#stopped.abort();
    for (const running of [...this.#running].reverse()) await running.stop();
    this.#watchdog.close();
  }
}
