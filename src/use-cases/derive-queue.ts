/**
 * Derives received events in the background: a few at a time (each holds a database connection while it reads the HR
 * system), at once after the acknowledgement, and again from the ledger for what a crash left behind.
 */
import { ConnectorError } from '../connectors/kit/errors.ts';
import { withOwnLogContext } from '../observe/log-context.ts';
import { deriveEvent } from './derive-event.ts';
import { noteEventStuck } from './hris-incidents.ts';
import type { ServerDeps } from './server-deps.ts';

const CONCURRENT_DERIVATIONS_MAX = 8;
/** A row this old was not taken up by the process that received it. */
const LEFT_BEHIND_AFTER_MS = 3_000;
const ATTEMPT_PAUSE_MAX_MS = 60_000;

interface QueueState {
  waiting: string[];
  queued: Set<string>;
  running: number;
  notBefore: Map<string, number>;
}

const states = new WeakMap<ServerDeps, QueueState>();

function stateOf(deps: ServerDeps): QueueState {
  const existing = states.get(deps);
  if (existing) return existing;
  const fresh: QueueState = { waiting: [], queued: new Set(), running: 0, notBefore: new Map() };
  states.set(deps, fresh);
  return fresh;
}

/** Queues one event; an event that is queued already is not queued twice. Never throws: failures stay in the ledger. */
export function deriveSoon(deps: ServerDeps, eventId: string): void {
  const state = stateOf(deps);
  if (state.queued.has(eventId)) return;
  state.queued.add(eventId);
  state.waiting.push(eventId);
  pump(deps, state);
}

function pump(deps: ServerDeps, state: QueueState): void {
  while (state.running < CONCURRENT_DERIVATIONS_MAX) {
    const eventId = state.waiting.shift();
    if (eventId === undefined) return;
    state.running += 1;
    // Whatever happens to free the place is not what caused this event.
    void withOwnLogContext({ eventId }, () => runOne(deps, state, eventId));
  }
}

async function runOne(deps: ServerDeps, state: QueueState, eventId: string): Promise<void> {
  try {
    await deriveEvent(deps, eventId);
    state.notBefore.delete(eventId);
  } catch (error) {
    // The row stays `received`; the next look at the ledger takes it up again, ever more slowly.
    const attempts = await noteAttempt(deps, eventId, error);
    const pauseMs = Math.max(retryAfterMs(error) ?? 0, Math.min(ATTEMPT_PAUSE_MAX_MS, 250 * 2 ** attempts));
    state.notBefore.set(eventId, deps.now().getTime() + pauseMs);
    setTimeout(() => deriveSoon(deps, eventId), pauseMs).unref();
    deps.log.warn({ eventId, attempts, err: error }, 'event not derived yet');
  } finally {
    state.running -= 1;
    state.queued.delete(eventId);
    pump(deps, state);
  }
}

/** The vendor's own word on when to come back. */
function retryAfterMs(error: unknown): number | null {
  return error instanceof ConnectorError && error.code === 'throttled' ? (error.detail.retryAfterMs ?? null) : null;
}

/** Counts the attempt, and sees to it that one that goes on failing is noticed. Never throws: the database may be what fails. */
async function noteAttempt(deps: ServerDeps, eventId: string, cause: unknown): Promise<number> {
  try {
    const row = await deps.db
      .updateTable('ledger')
      .set((eb) => ({ attempts: eb('attempts', '+', 1) }))
      .where('event_id', '=', eventId)
      .returning(['event_id', 'source', 'source_key', 'received_at', 'attempts'])
      .executeTakeFirst();
    if (row) await noteEventStuck(deps, row, cause);
    return row?.attempts ?? 1;
  } catch (error) {
    deps.log.warn({ eventId, err: error }, 'attempt not noted');
    return 1;
  }
}

/** Takes up what lies in the ledger underived. Called at start (`olderThanMs` 0) and every few seconds. */
export async function deriveLeftBehind(deps: ServerDeps, olderThanMs = LEFT_BEHIND_AFTER_MS): Promise<number> {
  const state = stateOf(deps);
  const nowMs = deps.now().getTime();
  const rows = await deps.db
    .selectFrom('ledger')
    .select('event_id')
    .where('state', '=', 'received')
    .where('received_at', '<=', new Date(nowMs - olderThanMs))
    .orderBy('received_at')
    .limit(200)
    .execute();
  const due = rows.filter((row) => (state.notBefore.get(row.event_id) ?? 0) <= nowMs);
  for (const row of due) deriveSoon(deps, row.event_id);
  return due.length;
}

/** Events that are acknowledged and not derived yet. */
export async function countUnderived(deps: ServerDeps): Promise<number> {
  const row = await deps.db
    .selectFrom('ledger')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('state', '=', 'received')
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Waits until nothing is queued or running; for tests and for a graceful stop. */
export async function derivationsSettled(deps: ServerDeps): Promise<void> {
  const state = stateOf(deps);
  while (state.running > 0 || state.waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}
