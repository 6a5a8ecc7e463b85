/**
 * Reads whole systems for the server, which has no vendor credentials: every entitlement, every account, and what each
 * account holds. A lane of its own, because a large system takes hours; page by page into rows, so that a page that breaks,
 * or a worker that dies, costs that page and no more. Reads only.
 */
import type { WorkerDeps } from '../activities/worker-deps.ts';
import type { CallContext, TargetConnector } from '../connectors/kit/contract.ts';
import { ConnectorError, isRetryable } from '../connectors/kit/errors.ts';
import { AppError } from '../domain/errors.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Tx } from '../store/db.ts';
import { accountsToRead, markGone, saveAccounts, saveAssignments, saveEntitlements } from '../store/found-rows.ts';
import {
  beginReading,
  dueInventories,
  endReading,
  moveReading,
  pauseReading,
  type InventoryReading,
  type ReadingPlace,
} from '../store/inventory-readings.ts';

/** One pass; the next goes on. Short enough for a worker that is to stop. */
const PASS_MS = 15_000;
const SYSTEMS_AT_ONCE = 4;
const ACCOUNTS_PER_STEP = 24;
const READS_AT_ONCE = 6;
const READING_MAX_MS = 12 * 3_600_000;
const PAGES_MAX = 100_000;
const THROTTLED_PAUSE_MS = 1_000;
/** After a page that broke; one more break in a row ends the reading, which the next question may take up again. */
const PAUSES_MS = [1_000, 3_000, 9_000];

/** Goes on with what is open, systems side by side; answers how many were read. */
export async function readInventories(deps: WorkerDeps): Promise<number> {
  const due = await dueInventories(deps.db, deps.now(), SYSTEMS_AT_ONCE);
  await Promise.all(due.map((request) => goOn(deps, request)));
  return due.length;
}

async function goOn(deps: WorkerDeps, request: { requestId: string; systemId: string }): Promise<void> {
  const { requestId, systemId } = request;
  let reading = await beginReading(deps.db, request, deps.now());
  try {
    const call = { operationKey: `inventory/${systemId}`, signal: AbortSignal.timeout(PASS_MS * 2) };
    const system = await deps.pool.open('target', systemId);
    const untilMs = performance.now() + PASS_MS;
    while (performance.now() < untilMs) {
      const step = await nextStep({ deps, reading, call }, system);
      const at = momentOf(deps, reading);
      if (step === null) return await finish(deps, reading, at);
      await deps.db.transaction().execute(async (tx) => {
        await step.save(tx, at);
        await moveReading(tx, requestId, step.place, at);
      });
      reading = { ...reading, ...step.place, failures: 0 };
      deps.crashPoint(`inventory.${step.place.part}`);
    }
  } catch (error) {
    await broke(deps, reading, error);
  }
}

/** Never before the reading began, whatever the clock of another machine says. */
function momentOf(deps: WorkerDeps, reading: InventoryReading): Date {
  return new Date(Math.max(deps.now().getTime(), reading.began_at.getTime()));
}

async function finish(deps: WorkerDeps, reading: InventoryReading, at: Date): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    await markGone(tx, reading.system_id, reading.began_at, at);
    await endReading(tx, reading.request_id, { outcome: 'read' }, at);
  });
}

async function broke(deps: WorkerDeps, reading: InventoryReading, error: unknown): Promise<void> {
  const { request_id: requestId, failures, system_id: systemId, began_at: beganAt } = reading;
  const now = deps.now();
  const code = error instanceof ConnectorError || error instanceof AppError ? error.code : 'internal';
  deps.log.warn(
    { systemId, part: reading.part, pages: reading.pages, errorCode: code },
    'a page of an inventory broke',
  );
  if (code === 'internal') deps.log.error({ systemId, err: error }, 'inventory failed');
  const isTooOld = now.getTime() - beganAt.getTime() > READING_MAX_MS;
  if (error instanceof ConnectorError && isRetryable(error.code) && !isTooOld) {
    if (error.code === 'throttled') {
      const pauseMs = error.detail.retryAfterMs ?? THROTTLED_PAUSE_MS;
      return pauseReading(deps.db, requestId, failures, new Date(now.getTime() + pauseMs));
    }
    const pauseMs = PAUSES_MS[failures];
    if (pauseMs !== undefined) return pauseReading(deps.db, requestId, failures + 1, new Date(now.getTime() + pauseMs));
  }
  await deps.db.transaction().execute(async (tx) => {
    // A vendor that will not take the cursor any more is asked from its first page, should somebody ask again.
    if (!(error instanceof ConnectorError) || !isRetryable(error.code))
      await moveReading(tx, requestId, beginOf(reading), now);
    await endReading(tx, requestId, { outcome: 'failed', error: code }, now);
  });
}

interface Source {
  deps: WorkerDeps;
  reading: InventoryReading;
  call: CallContext;
}

interface Step {
  place: ReadingPlace;
  save: (tx: Tx, at: Date) => Promise<void>;
}

/** Reads the next page and says what to write; null when everything was read. */
function nextStep(source: Source, { connector, manifest }: OpenSystem<'target'>): Promise<Step | null> {
  const { part } = source.reading;
  switch (part) {
    case 'entitlements':
      return manifest.capabilities.entitlements
        ? entitlementsStep(source, connector)
        : Promise.resolve({ place: nextPart(source.reading, 'accounts'), save: () => Promise.resolve() });
    case 'accounts':
      return accountsStep(source, connector);
    case 'assignments':
      return assignmentsStep(source, connector, manifest.capabilities.entitlements);
    default:
      return part satisfies never;
  }
}

async function entitlementsStep({ reading, call }: Source, connector: TargetConnector): Promise<Step> {
  const { items, nextCursor } = await connector.listEntitlements(reading.cursor, call);
  const entitlements = reading.entitlements + items.length;
  const place = nextCursor === null ? nextPart(reading, 'accounts') : nextPage(reading, nextCursor);
  return {
    place: { ...place, entitlements },
    save: (tx, at) => saveEntitlements(tx, reading.system_id, items, at),
  };
}

async function accountsStep({ reading, call }: Source, connector: TargetConnector): Promise<Step> {
  const { items, nextCursor } = await connector.listAccounts(reading.cursor, call);
  const accounts = reading.accounts + items.length;
  const place = nextCursor === null ? nextPart(reading, 'assignments') : nextPage(reading, nextCursor);
  return { place: { ...place, accounts }, save: (tx, at) => saveAccounts(tx, reading.system_id, items, at) };
}

async function assignmentsStep(
  { deps, reading, call }: Source,
  connector: TargetConnector,
  hasEntitlements: boolean,
): Promise<Step | null> {
  const accountIds = await accountsToRead(deps.db, reading.system_id, {
    after: reading.cursor,
    since: reading.began_at,
    atMost: ACCOUNTS_PER_STEP,
  });
  if (accountIds.length === 0) return null;
  const held = hasEntitlements
    ? await heldByFirst(connector, accountIds, call)
    : new Map<string, string[] | null>(accountIds.map((id) => [id, []]));
  const last = [...held.keys()].at(-1) ?? '';
  return {
    place: { ...nextPage(reading, last), accounts_read: reading.accounts_read + held.size },
    save: (tx, at) => saveAssignments(tx, reading.system_id, held, at),
  };
}

/**
 * What the first of the accounts hold, side by side, up to the first that could not be read: where a vendor allows few calls
 * at a time, what came in counts. Throws when not even one did.
 */
async function heldByFirst(
  connector: TargetConnector,
  accountIds: readonly string[],
  call: CallContext,
): Promise<Map<string, string[] | null>> {
  const read = new Map<string, string[] | null>();
  let failure: { error: unknown } | null = null;
  const waiting = [...accountIds];
  const reader = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined && failure === null; id = waiting.shift())
      try {
        read.set(id, await heldBy(connector, id, call));
      } catch (error) {
        failure = { error };
      }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
  const firstMissing = accountIds.findIndex((id) => !read.has(id));
  const whole = firstMissing === -1 ? accountIds : accountIds.slice(0, firstMissing);
  if (whole.length === 0) throw (failure as { error: unknown } | null)?.error;
  return new Map(whole.map((id) => [id, read.get(id) ?? null]));
}

/** Null for an account that was deleted between the listing and now, which the system itself has to confirm. */
async function heldBy(connector: TargetConnector, accountId: string, call: CallContext): Promise<string[] | null> {
  try {
    return await connector.listAccountEntitlements(accountId, call);
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'notFound') throw error;
    if ((await connector.getAccount(accountId, call)) === null) return null;
    throw error;
  }
}

const placeOf = ({ part, cursor, pages, entitlements, accounts, accounts_read }: InventoryReading): ReadingPlace => ({
  part,
  cursor,
  pages,
  entitlements,
  accounts,
  accounts_read,
});

function nextPart(reading: InventoryReading, part: ReadingPlace['part']): ReadingPlace {
  return { ...placeOf(reading), part, cursor: null, pages: 0 };
}

/** The first page of the part under way. */
function beginOf(reading: InventoryReading): ReadingPlace {
  const counter = { entitlements: 'entitlements', accounts: 'accounts', assignments: 'accounts_read' } as const;
  return { ...nextPart(reading, reading.part), [counter[reading.part]]: 0 };
}

/** Throws `transient` where the same page would come again, or the pages never end. */
function nextPage(reading: InventoryReading, cursor: string): ReadingPlace {
  const pages = reading.pages + 1;
  const message = cursor === reading.cursor ? 'the listing goes round in circles' : 'the listing does not end';
  if (cursor === reading.cursor || pages >= PAGES_MAX)
    throw new ConnectorError('transient', message, { systemId: reading.system_id, operation: reading.part });
  return { ...placeOf(reading), cursor, pages };
}
