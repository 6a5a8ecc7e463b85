/** A process of the benchmark that answers messages: each part works on its own thread of the machine, like in production. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

interface Question {
  id: number;
  ask: string;
  args: unknown[];
}
interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** The parent's end. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    child.once('exit', (code) => {
      for (const [id, settle] of this.#waiting) settle({ id, error: `the process ended with code ${String(code)}` });
    });
  }

  /** Starts a file of bench/; resolves with its answer to `start`. */
  static async start<T>(file: string, env: NodeJS.ProcessEnv = {}): Promise<{ child: Child; started: T }> {
    const child = new Child(
      fork(join(import.meta.dirname, file), {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        env: { ...process.env, ...env },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    );
    return { child, started: await child.ask<T>('start', [], START_TIMEOUT_MS) };
  }

  ask<T>(ask: string, args: unknown[] = [], timeoutMs = 120_000): Promise<T> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to "${ask}"`)), timeoutMs);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        if (answer.error === undefined) resolve(answer.value as T);
        else reject(new Error(`${ask}: ${answer.error}`));
      });
      this.#process.send({ id, ask, args } satisfies Question);
    });
  }

  /** Lets it end by itself, and ends it after a bound. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.#process.disconnect();
    await ended;
    clearTimeout(kill);
  }
}

/** The child's end: answers by name. When the parent lets go, or dies, `stop` runs and the process ends. */
export function answer(handlers: Record<string, (...args: never[]) => unknown>, stop: () => Promise<void>): void {
  process.on('message', ({ id, ask, args }: Question) => {
    const handler = handlers[ask];
    const reply = (rest: Omit<Answer, 'id'>): void => void process.send?.({ id, ...rest });
    Promise.resolve()
      .then(() => handler?.(...(args as never[])))
      .then((value) => reply({ value }))
      .catch((error: unknown) => reply({ error: String(error) }));
  });
  process.once('disconnect', () => {
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
