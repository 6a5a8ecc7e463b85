/** Writes what reached the door into the ledger: committed before it is acknowledged, so that nothing is lost. */
import { sql } from 'kysely';
import { currentTraceparent } from '../observe/tracing.ts';
import type { Db, Tx } from '../store/db.ts';
import { sha256Hex } from '../store/sha256.ts';
import { uuidV7 } from '../store/uuid.ts';

export interface IncomingEvent {
  source: string;
  sourceKeys: string[];
  /** The vendor's own mark of the delivery: the same mark twice is a replay. */
  deliveryKey: string;
  origin: 'webhook' | 'poll' | 'manual' | 'release';
  digestOf: Uint8Array | string;
}

/** PostgreSQL takes 65,535 parameters in one statement. */
const ROWS_PER_STATEMENT = 1_000;

/** Event ids of the rows that are new; an empty list means that all of it was known already. All rows or none. */
export async function recordEvent(db: Db, event: IncomingEvent, now: Date): Promise<string[]> {
  const { sourceKeys } = event;
  if (sourceKeys.length <= ROWS_PER_STATEMENT) return insertRows(db, event, sourceKeys, now);
  return db.transaction().execute(async (tx) => {
    const eventIds: string[] = [];
    for (let from = 0; from < sourceKeys.length; from += ROWS_PER_STATEMENT)
      eventIds.push(...(await insertRows(tx, event, sourceKeys.slice(from, from + ROWS_PER_STATEMENT), now)));
    return eventIds;
  });
}

async function insertRows(db: Db | Tx, event: IncomingEvent, sourceKeys: string[], now: Date): Promise<string[]> {
  if (sourceKeys.length === 0) return [];
  const rows = await db
    .insertInto('ledger')
    .values(
      sourceKeys.map((sourceKey) => ({
        event_id: uuidV7(now),
        source: event.source,
        source_key: sourceKey,
        delivery_key: event.deliveryKey,
        digest: sha256Hex(event.digestOf),
        origin: event.origin,
        state: 'received' as const,
        verdict: null,
        body_sealed: null,
        received_at: now,
        traceparent: currentTraceparent(),
      })),
    )
    .onConflict((conflict) => conflict.columns(['source', 'delivery_key', 'source_key']).doNothing())
    .returning('event_id')
    .execute();
  return rows.map((row) => row.event_id);
}

/** Counts a refused delivery by day and reason: bodies and addresses of strangers are not kept. */
export async function countRefusal(db: Db, source: string, reason: string, now: Date): Promise<void> {
  await db
    .insertInto('intake_refusal')
    .values({ source, reason, day: now.toISOString().slice(0, 10), count: 1 })
    .onConflict((conflict) =>
      conflict.columns(['source', 'reason', 'day']).doUpdateSet({ count: sql<number>`intake_refusal.count + 1` }),
    )
    .execute();
}
