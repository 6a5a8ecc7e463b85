/**
 * Asks systems once a day when accounts were last used, from the last reading on with an overlap, because vendors' logs come
 * late. Each page is stored before the next is asked for: a reading that breaks goes on at its page, and what comes twice
 * is stored once. Reads only.
 */
import type { WorkerDeps } from '../activities/worker-deps.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import { readUsageReading, saveUsage, saveUsageReading, type UsageReading } from '../store/usage.ts';

const DAY_MS = 86_400_000;
/** Vendors tell of a use hours after it. */
const OVERLAP_MS = DAY_MS;
/** One pass; the next goes on. Short enough for a worker that is to stop. */
const PASS_MS = 15_000;
const SYSTEMS_AT_ONCE = 4;
const PAGES_MAX = 100_000;
const THROTTLED_PAUSE_MS = 30_000;
const PAUSE_MS = 60_000;
const PAUSE_MAX_MS = 3_600_000;
/** So many failures in a row at one page, and the reading begins anew: a cursor may have run out. */
const FAILURES_AT_ONE_PAGE = 3;

type Begun = UsageReading & { began_at: Date };

/** Goes on with every system whose day is over or whose reading broke off; answers how many there were. */
export async function readUsage(deps: WorkerDeps): Promise<number> {
  const waiting = await deps.pool.systemsOf('target');
  let moved = 0;
  const work = async (): Promise<void> => {
    for (let system = waiting.shift(); system !== undefined; system = waiting.shift())
      moved += (await readOne(deps, system.id)) ? 1 : 0;
  };
  await Promise.all(Array.from({ length: SYSTEMS_AT_ONCE }, work));
  return moved;
}

async function readOne(deps: WorkerDeps, systemId: string): Promise<boolean> {
  // Without its secrets nothing can be said about a system; `systems check` and its cases tell that.
  const open = await deps.pool.open('target', systemId).catch(() => null);
  if (open === null || open.manifest.capabilities.usage === 'none') return false;
  const reading = await dueReading(deps, systemId);
  if (reading === null) return false;
  await goOn(deps, open, reading);
  return true;
}

/** The reading under way, or a new one where the last began a day ago; null while there is nothing to do. */
async function dueReading(deps: WorkerDeps, systemId: string): Promise<Begun | null> {
  const now = deps.now();
  const known = await readUsageReading(deps.db, systemId);
  if (known !== null && known.next_at > now) return null;
  if (known !== null && known.began_at !== null) return { ...known, began_at: known.began_at };
  const readUntil = known?.read_until ?? null;
  const begun = {
    began_at: now,
    since: readUntil === null ? null : new Date(readUntil.getTime() - OVERLAP_MS),
    cursor: null,
    pages: 0,
    next_at: now,
    failures: 0,
    last_error_code: null,
  };
  await saveUsageReading(deps.db, systemId, begun);
  return { system_id: systemId, read_until: readUntil, ...begun };
}

async function goOn(deps: WorkerDeps, open: OpenSystem<'target'>, begun: Begun): Promise<void> {
  let reading = begun;
  const untilMs = performance.now() + PASS_MS;
  try {
    while (performance.now() < untilMs) {
      const next = await readPage(deps, open, reading);
      if (next === null) return;
      reading = next;
    }
  } catch (error) {
    await broke(deps, reading, error);
  }
}

/** Stores one page and answers from where to go on; null after the last. */
async function readPage(deps: WorkerDeps, open: OpenSystem<'target'>, reading: Begun): Promise<Begun | null> {
  const { system_id: systemId, since, cursor } = reading;
  const call = { operationKey: `usage/${systemId}`, signal: AbortSignal.timeout(PASS_MS) };
  const page = await open.connector.listUsage?.(since?.toISOString() ?? null, cursor, call);
  if (page === undefined) throw circular(systemId, 'the connector has no usage, although its manifest says so');
  const isLast = page.nextCursor === null;
  if (!isLast && (page.nextCursor === cursor || reading.pages >= PAGES_MAX))
    throw circular(systemId, 'the listing does not end');
  const now = deps.now();
  const place = { cursor: page.nextCursor, pages: reading.pages + 1, failures: 0, last_error_code: null, next_at: now };
  const end = { ...place, began_at: null, since: null, read_until: reading.began_at, pages: 0 };
  await deps.db.transaction().execute(async (tx) => {
    await saveUsage(tx, systemId, page.items, now);
    const change = isLast ? { ...end, next_at: new Date(reading.began_at.getTime() + DAY_MS) } : place;
    await saveUsageReading(tx, systemId, change);
  });
  return isLast ? null : { ...reading, ...place };
}

function circular(systemId: string, message: string): ConnectorError {
  return new ConnectorError('transient', message, { systemId, operation: 'listUsage' });
}

async function broke(deps: WorkerDeps, reading: Begun, error: unknown): Promise<void> {
  const { system_id: systemId, pages } = reading;
  const now = deps.now();
  const code = error instanceof ConnectorError ? error.code : 'internal';
  deps.log.warn({ systemId, pages, errorCode: code }, 'a page of usage broke');
  if (code === 'internal') deps.log.error({ systemId, err: error }, 'reading usage failed');
  if (error instanceof ConnectorError && error.code === 'throttled') {
    const pauseMs = error.detail.retryAfterMs ?? THROTTLED_PAUSE_MS;
    return saveUsageReading(deps.db, systemId, { next_at: new Date(now.getTime() + pauseMs) });
  }
  const failures = reading.failures + 1;
  const pauseMs = Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MAX_MS);
  const isAnew = failures % FAILURES_AT_ONE_PAGE === 0;
  await saveUsageReading(deps.db, systemId, {
    next_at: new Date(now.getTime() + pauseMs),
    failures,
    last_error_code: code,
    ...(isAnew ? { cursor: null, pages: 0, began_at: now } : {}),
  });
}
