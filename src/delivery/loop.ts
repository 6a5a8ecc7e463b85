/**
 * The worker's loop from rows to Temporal: woken by NOTIFY, every two seconds, and at start. Cut-offs have a lane of their
 * own, so that no start of a case ever stands before them; each lane runs in one worker at a time, by advisory lock.
 */
import pg from 'pg';
import { whileLockedIfFree } from '../store/db.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import { answerRequests } from './answer-requests.ts';
import { alarmUndelivered, deliverRows } from './deliver-rows.ts';
import { expireGrants } from './expire-grants.ts';
import { decideDueCutoffs } from './start-cutoffs.ts';
import { syncTickets } from './ticket-sync.ts';

const PAUSE_MS = 2_000;

export interface DeliveryLoop {
  /** Resolves when the passes under way have ended. */
  stop(): Promise<void>;
}

interface Lane {
  name: string;
  pass: (deps: WorkerDeps) => Promise<number | void>;
  isExclusive: boolean;
}

const lanes: readonly Lane[] = [
  {
    name: 'cutoffs',
    // Deciding takes its own lock; starting twice is harmless.
    isExclusive: false,
    pass: async (deps) => {
      await decideDueCutoffs(deps);
      return deliverRows(deps, ['startCutoff']);
    },
  },
  { name: 'cases', isExclusive: true, pass: (deps) => deliverRows(deps, ['startCase', 'tell', 'submitDecision']) },
  { name: 'expiries', isExclusive: true, pass: expireGrants },
  { name: 'tickets', isExclusive: true, pass: syncTickets },
  { name: 'questions', isExclusive: true, pass: answerRequests },
  { name: 'alarms', isExclusive: true, pass: alarmUndelivered },
];

/** Starts the loop. `databaseUrl` is for the connection that listens. */
export function startDeliveryLoop(deps: WorkerDeps, databaseUrl: string): DeliveryLoop {
  const waker = new Waker();
  const listening = listen(deps, databaseUrl, waker);
  const running = lanes.map((lane) => runLane(deps, lane, waker));
  return {
    async stop() {
      waker.stop();
      await Promise.all(running);
      await (await listening)?.end().catch(() => undefined);
    },
  };
}

async function runLane(deps: WorkerDeps, lane: Lane, waker: Waker): Promise<void> {
  while (!waker.isStopped) {
    const seen = waker.count;
    let moved = 0;
    try {
      moved = await onePass(deps, lane);
    } catch (error) {
      deps.log.warn({ lane: lane.name, err: error }, 'delivery pass failed');
    }
    // What was moved may have made more due at once.
    if (moved === 0) await waker.wait(seen, PAUSE_MS);
  }
}

async function onePass(deps: WorkerDeps, lane: Lane): Promise<number> {
  const pass = async (): Promise<number> => (await lane.pass(deps)) ?? 0;
  return lane.isExclusive ? ((await whileLockedIfFree(deps.db, 'delivery', lane.name, pass)) ?? 0) : pass();
}

async function listen(deps: WorkerDeps, databaseUrl: string, waker: Waker): Promise<pg.Client | null> {
  const client = new pg.Client({ connectionString: databaseUrl });
  try {
    await client.connect();
    client.on('notification', () => waker.wake());
    client.on('error', () => {
      // The two-second rhythm goes on without it; a new connection is made soon.
      if (!waker.isStopped) setTimeout(() => void listen(deps, databaseUrl, waker), PAUSE_MS).unref();
    });
    await client.query('listen usher_delivery');
    return client;
  } catch (error) {
    deps.log.warn({ err: error }, 'cannot listen for deliveries');
    if (!waker.isStopped) setTimeout(() => void listen(deps, databaseUrl, waker), PAUSE_MS).unref();
    return null;
  }
}

/** Wakes all lanes. A wake that comes while a lane works is not lost: the lane compares the count. */
class Waker {
  count = 0;
  isStopped = false;
  #sleepers = new Set<() => void>();

  wake(): void {
    this.count += 1;
    for (const sleeper of this.#sleepers) sleeper();
  }

  stop(): void {
    this.isStopped = true;
    this.wake();
  }

  wait(seen: number, timeoutMs: number): Promise<void> {
    if (this.count !== seen || this.isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#sleepers.add(done);
    });
  }
}
