/**
 * Readings of whole systems and how far they came. A reading goes on where it stopped: after a broken page, and in another
 * process. What it saw lies in `found_account` and `found_entitlement` (`found-rows.ts`).
 */
import type { Selectable } from 'kysely';
import type { InventoryEnd } from '../schemas/system-accounts.ts';
import type { Db, Tx } from './db.ts';
import type { InventoryReadingTable } from './inventory-tables.ts';
import { uuidV7 } from './uuid.ts';

export type InventoryReading = Selectable<InventoryReadingTable>;

/** A reading that broke off longer ago is begun anew: too much may have changed before the page where it stopped. */
const GOES_ON_WITHIN_MS = 3_600_000;

/**
 * Asks for a reading and answers the id of the question. With `joins`, one that is under way is joined and one that broke
 * off within the hour goes on; otherwise a new one begins.
 */
export async function askInventory(
  db: Db,
  { systemId, joins }: { systemId: string; joins: boolean },
  now: Date,
): Promise<string> {
  const known = joins ? await unfinished(db, systemId, now) : null;
  if (known !== null) return known;
  const requestId = uuidV7(now);
  const row = { request_id: requestId, kind: 'inventory' as const, system_id: systemId, requested_at: now };
  await db.insertInto('system_request').values(row).execute();
  return requestId;
}

async function unfinished(db: Db, systemId: string, now: Date): Promise<string | null> {
  const row = await db
    .selectFrom('system_request as q')
    .leftJoin('inventory_reading as r', 'r.request_id', 'q.request_id')
    .select(['q.request_id', 'q.done_at', 'q.result', 'r.moved_at'])
    .where('q.kind', '=', 'inventory')
    .where('q.system_id', '=', systemId)
    .orderBy('q.requested_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  if (row.done_at === null) return row.request_id;
  const hasFailed = (row.result as InventoryEnd | null)?.outcome === 'failed';
  const isFresh = row.moved_at !== null && now.getTime() - row.moved_at.getTime() < GOES_ON_WITHIN_MS;
  if (!hasFailed || !isFresh) return null;
  const reopened = { done_at: null, result: null };
  await db.updateTable('system_request').set(reopened).where('request_id', '=', row.request_id).execute();
  return row.request_id;
}

/** Open questions whose reading may go on now, the oldest of each system. */
export async function dueInventories(
  db: Db,
  now: Date,
  atMost: number,
): Promise<{ requestId: string; systemId: string }[]> {
  const rows = await db
    .selectFrom('system_request as q')
    .leftJoin('inventory_reading as r', 'r.request_id', 'q.request_id')
    .select(['q.request_id', 'q.system_id', 'r.next_at'])
    .where('q.kind', '=', 'inventory')
    .where('q.done_at', 'is', null)
    .orderBy('q.requested_at')
    .execute();
  const firsts = [...Map.groupBy(rows, (row) => row.system_id).values()].flatMap(([first]) => first ?? []);
  return firsts
    .filter(({ next_at }) => next_at === null || next_at <= now)
    .slice(0, atMost)
    .map((row) => ({ requestId: row.request_id, systemId: row.system_id }));
}

/** The reading of a question, begun if it was not. */
export async function beginReading(
  db: Db,
  { requestId, systemId }: { requestId: string; systemId: string },
  now: Date,
): Promise<InventoryReading> {
  await db
    .insertInto('inventory_reading')
    .values({ request_id: requestId, system_id: systemId, began_at: now, moved_at: now, next_at: now })
    .onConflict((conflict) => conflict.column('request_id').doNothing())
    .execute();
  return db.selectFrom('inventory_reading').selectAll().where('request_id', '=', requestId).executeTakeFirstOrThrow();
}

export type ReadingPlace = Pick<
  InventoryReading,
  'part' | 'cursor' | 'pages' | 'entitlements' | 'accounts' | 'accounts_read'
>;

/** A page came in: from here the reading goes on. */
export async function moveReading(tx: Tx, requestId: string, place: ReadingPlace, now: Date): Promise<void> {
  await tx
    .updateTable('inventory_reading')
    .set({ ...place, failures: 0, moved_at: now, next_at: now })
    .where('request_id', '=', requestId)
    .execute();
}

export async function pauseReading(db: Db, requestId: string, failures: number, nextAt: Date): Promise<void> {
  await db
    .updateTable('inventory_reading')
    .set({ failures, next_at: nextAt })
    .where('request_id', '=', requestId)
    .execute();
}

/** The question is answered. A reading that failed keeps its place. */
export async function endReading(db: Db | Tx, requestId: string, end: InventoryEnd, now: Date): Promise<void> {
  await db
    .updateTable('inventory_reading')
    .set({ failures: 0, next_at: now })
    .where('request_id', '=', requestId)
    .execute();
  await db
    .updateTable('system_request')
    .set({ done_at: now, result: JSON.stringify(end) })
    .where('request_id', '=', requestId)
    .execute();
}
