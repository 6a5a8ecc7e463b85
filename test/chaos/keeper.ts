/** Kills the processes of a company and brings them back, those too that ended by themselves meanwhile. */
import type { RestartableProcess } from '../support/restartable-process.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

export type Name = 'postgres' | 'temporal' | 'server' | 'worker';

/** In the order in which they can start. */
const order: readonly Name[] = ['postgres', 'temporal', 'server', 'worker'];
const victims: readonly (readonly Name[])[] = [
  ['worker'],
  ['worker'],
  ['server'],
  ['server'],
  ['temporal'],
  ['postgres'],
  ['server', 'worker'],
  ['temporal', 'worker'],
  ['postgres', 'server'],
  ['postgres', 'temporal', 'server', 'worker'],
];
const START_ATTEMPTS_MAX = 10;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Keeper {
  readonly kills: Record<Name, number> = { postgres: 0, temporal: 0, server: 0, worker: 0 };
  /** Ended by themselves while something they need was away, and were started again as a service manager would. */
  readonly ownEnds: Record<Name, number> = { postgres: 0, temporal: 0, server: 0, worker: 0 };
  readonly #processes: Record<Name, RestartableProcess>;
  readonly #random: SeededRandom;
  #queue: readonly (readonly Name[])[] = [];

  constructor(processes: Record<Name, RestartableProcess>, random: SeededRandom) {
    this.#processes = processes;
    this.#random = random;
  }

  /** SIGKILL for the next victims, a pause, and everything runs again when it resolves. */
  async killSome(): Promise<void> {
    if (this.#queue.length === 0) this.#queue = this.#random.shuffled(victims);
    const [names = [], ...rest] = this.#queue;
    this.#queue = rest;
    for (const name of names) {
      if (!this.#processes[name].isRunning) continue;
      await this.#processes[name].kill();
      this.kills[name] += 1;
    }
    await pause(this.#random.between(0, 1_500));
    await this.bringBack(names);
  }

  /** Starts whatever does not run; `killed` says what is not to be counted as ended by itself. */
  async bringBack(killed: readonly Name[] = []): Promise<void> {
    const counted = new Set<Name>(killed);
    for (;;) {
      const down = order.filter((name) => !this.#processes[name].isRunning);
      if (down.length === 0) return;
      for (const name of down) {
        if (!counted.has(name)) this.ownEnds[name] += 1;
        counted.add(name);
        await this.#start(name);
      }
    }
  }

  /** The crashed database lets nobody in before its old processes are gone: a start may need another attempt. */
  async #start(name: Name): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#processes[name].start();
        return;
      } catch (error) {
        if (attempt >= START_ATTEMPTS_MAX) throw error;
        await pause(500);
        // What it needs may have ended as well.
        const needs = order.slice(0, order.indexOf(name));
        if (needs.some((one) => !this.#processes[one].isRunning)) await this.bringBack(needs);
      }
    }
  }
}
