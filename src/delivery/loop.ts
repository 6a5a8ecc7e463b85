/**
 * The worker's loop from rows to Temporal: woken by NOTIFY, every two seconds, and at start. Cut-offs have a lane of their
 * own, so that no start of a case ever stands before them; each lane runs in one worker at a time, by advisory lock.
 */
import { whileLockedIfFree } from '../store/db.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import { answerRequests } from './answer-requests.ts';
import { alarmUndelivered, deliverRows } from './deliver-rows.ts';
import { expireGrants } from './expire-grants.ts';
import { Listener } from './listener.ts';
import { readInventories } from './read-inventories.ts';
import { readUsage } from './read-usage.ts';
import { decideDueCutoffs } from './start-cutoffs.ts';
import { syncTickets } from './ticket-sync.ts';
import { watchCases } from './watch-cases.ts';

const PAUSE_MS = 2_000;
/** A list of what runs, and a question for each open case that is not on it. */
const WATCH_PAUSE_MS = 30_000;
/** Each system is read once a day; this is how soon one is begun. */
const USAGE_PAUSE_MS = 15_000;
/** A pass carries hundreds of rows; one that takes longer than this hangs. */
const TURN_MAX_MS = 60_000;

export interface DeliveryLoop {
  /** Resolves when the passes under way have ended. */
  stop(): Promise<void>;
  /** False when the lane of cut-offs or that of cases has not begun a pass for a minute. */
  isTurning(): boolean;
}

interface Lane {
  name: string;
  pass: (deps: WorkerDeps) => Promise<number | void>;
  isExclusive: boolean;
  /** The notification that wakes it: '' for rows to deliver. Without one it looks every two seconds only. */
  wokenBy: string | null;
  /** Between two passes that moved nothing; two seconds when left out. */
  pauseMs?: number;
}

const lanes: readonly Lane[] = [
  {
    name: 'cutoffs',
    // Deciding takes its own lock; starting twice is harmless.
    isExclusive: false,
    wokenBy: '',
    pass: async (deps) => {
      await decideDueCutoffs(deps);
      return deliverRows(deps, ['startCutoff']);
    },
  },
  {
    name: 'cases',
    isExclusive: true,
    wokenBy: '',
    pass: (deps) => deliverRows(deps, ['startCase', 'tell', 'submitDecision']),
  },
  { name: 'expiries', isExclusive: true, wokenBy: null, pass: expireGrants },
  { name: 'tickets', isExclusive: true, wokenBy: 'tickets', pass: syncTickets },
  { name: 'questions', isExclusive: true, wokenBy: null, pass: answerRequests },
  { name: 'inventories', isExclusive: true, wokenBy: null, pass: readInventories },
  { name: 'usage', isExclusive: true, wokenBy: null, pass: readUsage, pauseMs: USAGE_PAUSE_MS },
  { name: 'alarms', isExclusive: true, wokenBy: null, pass: alarmUndelivered },
  { name: 'watch', isExclusive: true, wokenBy: null, pass: watchCases, pauseMs: WATCH_PAUSE_MS },
];

/** Starts the loop. `databaseUrl` is for the connection that listens. */
export function startDeliveryLoop(deps: WorkerDeps, databaseUrl: string): DeliveryLoop {
  const woken = lanes.map((lane) => ({ lane, waker: new Waker() }));
  const turnedAtMs = new Map(lanes.map(({ name }) => [name, performance.now()]));
  const noteTurn = (name: string): void => void turnedAtMs.set(name, performance.now());
  const running = woken.map(({ lane, waker }) => runLane(deps, lane, waker, noteTurn));
  const listener = new Listener({
    databaseUrl,
    channel: 'usher_delivery',
    onNotification: (payload) => {
      for (const { lane, waker } of woken) if (lane.wokenBy === payload) waker.wake();
    },
    log: deps.log,
  });
  return {
    isTurning: () =>
      ['cutoffs', 'cases'].every((name) => performance.now() - (turnedAtMs.get(name) ?? 0) < TURN_MAX_MS),
    async stop() {
      for (const { waker } of woken) waker.stop();
      await Promise.all(running);
      await listener.stop();
    },
  };
}

async function runLane(deps: WorkerDeps, lane: Lane, waker: Waker, noteTurn: (name: string) => void): Promise<void> {
  while (!waker.isStopped) {
    noteTurn(lane.name);
    const seen = waker.count;
    let moved = 0;
    try {
      moved = await onePass(deps, lane);
    } catch (error) {
      deps.log.warn({ lane: lane.name, err: error }, 'delivery pass failed');
    }
    // What was moved may have made more due at once.
    if (moved === 0) await waker.wait(seen, lane.pauseMs ?? PAUSE_MS);
  }
}

async function onePass(deps: WorkerDeps, lane: Lane): Promise<number> {
  const pass = async (): Promise<number> => (await lane.pass(deps)) ?? 0;
  return lane.isExclusive ? ((await whileLockedIfFree(deps.db, 'delivery', lane.name, pass)) ?? 0) : pass();
}

/** Wakes a lane. A wake that comes while the lane works is not lost: the lane compares the count. */
class Waker {
  count = 0;
  isStopped = false;
  #sleeper: (() => void) | null = null;

  wake(): void {
    this.count += 1;
    this.#sleeper?.();
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
        this.#sleeper = null;
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#sleeper = done;
    });
  }
}
