/** A webhook of an HR system: signature, time window, replay, ledger, and only then the acknowledgement. */
import { deriveSoon } from './derive-queue.ts';
import { countRefusal, recordEvent } from './receive-event.ts';
import type { ServerDeps } from './server-deps.ts';

export interface WebhookAnswer {
  status: 200 | 202 | 400 | 401 | 404 | 503;
  detail: string;
}

/**
 * Takes one delivery. `headers` have lower-case names; `rawBody` is what the signature is over. 202 means that the
 * event lies in the ledger; a replay is answered 200 and does nothing; a refusal is counted. The payload itself is
 * never believed: it only names whom to read again.
 */
export async function receiveWebhook(
  deps: ServerDeps,
  systemId: string,
  headers: Record<string, string | undefined>,
  rawBody: Uint8Array,
): Promise<WebhookAnswer> {
  const hris = (await deps.hris('urgent')).get(systemId);
  if (!hris) return { status: 404, detail: `no HR system "${systemId}" in the active policy` };
  const now = deps.now();
  const verdict = hris.verifyWebhook(headers, rawBody, now);
  if (verdict.outcome === 'refused') {
    await countRefusal(deps.db, systemId, verdict.reason, now);
    deps.log.warn({ systemId, reason: verdict.reason }, 'webhook refused');
    const status = verdict.reason === 'malformedBody' ? 400 : 401;
    return { status, detail: verdict.detail };
  }
  const { sourceKeys, deliveryKey } = verdict;
  const event = { source: systemId, sourceKeys, deliveryKey, origin: 'webhook' as const, digestOf: rawBody };
  const eventIds = await recordEvent(deps.db, event, now);
  deps.crashPoint('afterLedgerCommit');
  // Two changes within one second are signed alike: what looks like a replay costs one more read and never a change.
  const isReplay = eventIds.length === 0;
  const again = { ...event, deliveryKey: `${deliveryKey}/again/${Math.floor(now.getTime() / 1000)}` };
  for (const eventId of isReplay ? await recordEvent(deps.db, again, now) : eventIds) deriveSoon(deps, eventId);
  if (isReplay) return { status: 200, detail: 'known already' };
  return { status: 202, detail: 'received' };
}
