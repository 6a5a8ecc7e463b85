/** Mail that does not get through is an incident: the ticket is then the channel that is left. It closes when mail flows again. */
import { sql } from 'kysely';
import { appendEvidence } from '../evidence/log.ts';
import type { Tx } from '../store/db.ts';
import { detachItems, openIncidentRow, type IncidentRow } from '../store/incidents.ts';
import { mailBacklog } from '../store/outgoing-mail.ts';
import { tellStory } from '../store/story.ts';
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
    if (isNew) await tell(deps, tx, incident, 'incidentOpened', errorCode, now);
  });
}

async function close(deps: ServerDeps, now: Date): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    const closed = await detachItems(tx, { ...where, itemKeys: [ITEM_KEY], now });
    if (closed) await tell(deps, tx, closed, 'incidentClosed', 'healed', now);
  });
}

async function tell(
  deps: ServerDeps,
  tx: Tx,
  incident: IncidentRow,
  kind: 'incidentOpened' | 'incidentClosed',
  errorCode: string,
  now: Date,
): Promise<void> {
  const data = { incidentId: incident.incident_id, systemId: where.systemId, kind: where.kind, errorCode };
  await tellStory(tx, { at: now, personId: null, n: null, kind, data });
  await sql`select pg_notify('usher_delivery', 'tickets')`.execute(tx);
  const record = { operationKey: incident.incident_id, kind, personId: null, caseId: null, body: data, values: null };
  await appendEvidence(tx, deps.vault, [record], now);
}
