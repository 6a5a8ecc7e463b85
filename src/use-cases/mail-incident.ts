/** Mail that does not get through is an incident: the ticket is then the channel that is left. It closes when mail flows again. */
import { announceIncident } from '../evidence/incident-record.ts';
import { appendEvidence } from '../evidence/log.ts';
import { detachItems, openIncidentRow } from '../store/incidents.ts';
import { mailBacklog } from '../store/outgoing-mail.ts';
import type { ServerDeps } from './server-deps.ts';

export const MAIL_STUCK_AFTER_MS = 900_000;

const where = { systemId: 'mail', kind: 'delivery' } as const;
const ITEM_KEY = 'outbox';

/** Opens the incident when a mail has failed for a quarter of an hour, and closes it when none does any more. */
export async function watchMail(deps: ServerDeps): Promise<void> {
  const now = deps.now();
  const { failingSince, lastErrorCode } = await mailBacklog(deps.db);
  const isOpen = await hasOpenIncident(deps);
  if (failingSince === null) {
    if (isOpen) await close(deps, now);
    return;
  }
  if (!isOpen && now.getTime() - failingSince.getTime() >= MAIL_STUCK_AFTER_MS)
    await open(deps, lastErrorCode ?? 'unknown', now);
}

async function hasOpenIncident(deps: ServerDeps): Promise<boolean> {
  const row = await deps.db
    .selectFrom('incident')
    .select('incident_id')
    .where('system_id', '=', where.systemId)
    .where('kind', '=', where.kind)
    .where('state', '=', 'open')
    .executeTakeFirst();
  return row !== undefined;
}

async function open(deps: ServerDeps, errorCode: string, now: Date): Promise<void> {
  const summary =
    errorCode === 'noAddress'
      ? 'Somebody who has to be told has no mail address in the HR system. The mail is kept and goes out when there is one; approvals can be decided with "usher approvals".'
      : `Mail does not go out (${errorCode}). It is kept and sent when the mail server takes it; until then approvals can be decided with "usher approvals".`;
  await deps.db.transaction().execute(async (tx) => {
    const items = [{ itemKey: ITEM_KEY, personId: null, n: null }];
    const { incident, isNew } = await openIncidentRow(tx, { ...where, summary, items, now });
    if (!isNew) return;
    const news = { kind: 'incidentOpened' as const, errorCode, caseId: null, now };
    await appendEvidence(tx, deps.vault, [await announceIncident(tx, incident, news)], now);
  });
}

async function close(deps: ServerDeps, now: Date): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    const closed = await detachItems(tx, { ...where, itemKeys: [ITEM_KEY], now });
    if (!closed) return;
    const news = { kind: 'incidentClosed' as const, errorCode: 'healed', caseId: null, now };
    await appendEvidence(tx, deps.vault, [await announceIncident(tx, closed, news)], now);
  });
}
