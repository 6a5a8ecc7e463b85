/**
 * The part of a departure that people carry out by hand at systems without an interface. It takes days, so that it runs
 * beside the rest: neither another system nor a sweep ever waits for it.
 */
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { asError } from './all-of.ts';

export class HandWork {
  readonly #busy = new Set<string>();
  readonly #unseen = new Set<string>();
  readonly #scope = new CancellationScope();
  readonly #runs: Promise<void>[] = [];
  #error: Error | null = null;

  readonly #systemIds: ReadonlySet<string>;
  readonly #work: (systemId: string) => Promise<void>;

  /** `work` is the whole way at one system. */
  constructor(systemIds: readonly string[], work: (systemId: string) => Promise<void>) {
    this.#systemIds = new Set(systemIds);
    this.#work = work;
  }

  has(systemId: string): boolean {
    return this.#systemIds.has(systemId);
  }

  startAll(): void {
    for (const systemId of this.#systemIds) this.start(systemId);
  }

  start(systemId: string): void {
    this.#busy.add(systemId);
    const run = this.#scope
      .run(() => this.#work(systemId))
      .catch((error: unknown) => {
        if (!isCancellation(error)) this.#error = asError(error);
      })
      .finally(() => {
        this.#busy.delete(systemId);
        this.#unseen.add(systemId);
      });
    this.#runs.push(run);
  }

  /** A system came to its end and was not looked at since. */
  get hasNews(): boolean {
    return this.#unseen.size > 0;
  }

  /** The systems that may be looked at now. Throws what ended the work at one of them. */
  take(systemIds: readonly string[]): string[] {
    if (this.#error !== null) throw this.#error;
    const free = systemIds.filter((systemId) => !this.#busy.has(systemId));
    for (const systemId of free) this.#unseen.delete(systemId);
    return free;
  }

  /** Ends what is under way: tasks that are open are looked at no more. */
  async stop(): Promise<void> {
    this.#scope.cancel();
    for (const run of this.#runs) await run;
  }
}
