/** The net below the webhooks: asks each HR system what changed since the watermark, and reads those people again. */
import { deriveSoon } from './derive-queue.ts';
import { notePollAnswered, notePollFailed } from './hris-incidents.ts';
import { recordEvent } from './receive-event.ts';
import type { ServerDeps } from './server-deps.ts';

const SINCE_EVER = '1970-01-01T00:00:00Z';
/** Asked again: changes that became visible late, on the vendor's clock. */
const OVERLAP_MS = 5 * 60_000;
const SETTLED_AFTER_MS = 3_000;

/**
 * Polls every HR system once. The watermark moves only after the events lie in the ledger. The first poll of a source
 * reads everybody: those are the people who were there before Usher.
 * Failures of one source do not keep the others from being polled; they are logged and retried at the next poll.
 */
export async function pollChanges(deps: ServerDeps): Promise<number> {
  let count = 0;
  for (const [systemId, hris] of await deps.hris('normal')) {
    try {
      const since = await readWatermark(deps, systemId);
      const { sourceKeys, latest } = await hris.changes(since, { operationKey: `poll/${systemId}/${since}` });
      for (const sourceKey of sourceKeys) {
        const deliveryKey = since === SINCE_EVER ? 'baseline' : pollKey(latest, deps.now());
        const event = {
          source: systemId,
          sourceKeys: [sourceKey],
          deliveryKey,
          origin: 'poll' as const,
          digestOf: deliveryKey,
        };
        const eventIds = await recordEvent(deps.db, event, deps.now());
        for (const eventId of eventIds) deriveSoon(deps, eventId);
        count += eventIds.length;
      }
      await writeWatermark(deps, systemId, latest, since);
      await notePollAnswered(deps, systemId);
    } catch (error) {
      deps.log.warn({ systemId, err: error }, 'poll failed');
      await notePollFailed(deps, systemId, error);
    }
  }
  return count;
}

/**
 * The vendor's clock ticks in seconds: until the second of the latest change is over, another change may hide behind the
 * same watermark, and the same person is read once more at the next poll.
 */
function pollKey(latest: string, now: Date): string {
  const isSettled = now.getTime() - Date.parse(latest) > SETTLED_AFTER_MS;
  return isSettled ? `poll/${latest}` : `poll/${latest}/${now.getTime()}`;
}

async function readWatermark(deps: ServerDeps, systemId: string): Promise<string> {
  const row = await deps.db.selectFrom('watermark').select('value').where('source', '=', systemId).executeTakeFirst();
  return row?.value ?? SINCE_EVER;
}

async function writeWatermark(deps: ServerDeps, systemId: string, latest: string, since: string): Promise<void> {
  const latestMs = Date.parse(latest);
  const overlapped = Number.isNaN(latestMs) ? since : new Date(latestMs - OVERLAP_MS).toISOString();
  // Never backwards past the first poll: an empty answer would otherwise make everybody a newcomer again.
  const value =
    since === SINCE_EVER && latestMs <= 0 ? new Date(deps.now().getTime() - OVERLAP_MS).toISOString() : overlapped;
  await deps.db
    .insertInto('watermark')
    .values({ source: systemId, value, updated_at: deps.now() })
    .onConflict((conflict) => conflict.column('source').doUpdateSet({ value, updated_at: deps.now() }))
    .execute();
}
