/**
 * What keeps Usher from reading people is never silent: an HR system that does not answer, a record that cannot be read,
 * and a person who is no longer found become incidents, and close by themselves once the reading succeeds.
 */
import { ConnectorError, type ConnectorErrorCode } from '../connectors/kit/errors.ts';
import { announceIncident } from '../evidence/incident-record.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import type { Db, Tx } from '../store/db.ts';
import { detachItems, openIncidentRow } from '../store/incidents.ts';
import { findPersonByKey } from '../store/people.ts';
import { tellStory } from '../store/story.ts';
import { noteFailure, noteSuccess } from '../store/system-health.ts';
import type { IncidentKind } from '../store/tables.ts';
import type { ServerDeps } from './server-deps.ts';

type HrisIncidentKind = Extract<IncidentKind, 'systemDown' | 'itemFailed' | 'personGone'>;

/** The poll of a system hangs on its incident under this word; events hang on it under their ids. */
const POLL_KEY = 'poll';
const INCIDENT_AFTER_DEFAULT_S = 900;

export interface StuckEvent {
  event_id: string;
  source: string;
  source_key: string;
  received_at: Date;
}

interface Trouble {
  systemId: string;
  kind: HrisIncidentKind;
  itemKey: string;
  personId: string | null;
  errorCode: string;
  now: Date;
}

/** Opens the incident or joins the open one. Answers the record of an opening, which the caller appends last. */
export async function openHrisIncident(tx: Tx, trouble: Trouble): Promise<EvidenceInput[]> {
  const { systemId, kind, itemKey, personId, now } = trouble;
  const items = [{ itemKey, personId, n: null }];
  const { incident, isNew } = await openIncidentRow(tx, { systemId, kind, summary: summaryOf(trouble), items, now });
  return isNew
    ? [
        await announceIncident(tx, incident, {
          kind: 'incidentOpened',
          errorCode: trouble.errorCode,
          caseId: null,
          now,
        }),
      ]
    : [];
}

/** Takes the item off what is open. Looks before it locks: nearly always there is nothing to take off. */
export async function closeHrisIncident(
  tx: Tx,
  { systemId, kind, itemKey, now }: Pick<Trouble, 'systemId' | 'kind' | 'itemKey' | 'now'>,
): Promise<EvidenceInput[]> {
  if (!(await isAttached(tx, systemId, kind, itemKey))) return [];
  const closed = await detachItems(tx, { systemId, kind, itemKeys: [itemKey], now });
  return closed
    ? [await announceIncident(tx, closed, { kind: 'incidentClosed', errorCode: 'healed', caseId: null, now })]
    : [];
}

/** An event could not be derived this time. It becomes an incident when that lasts as long as policy says for an outage. */
export async function noteEventStuck(deps: ServerDeps, event: StuckEvent, error: unknown): Promise<void> {
  const code = error instanceof ConnectorError ? error.code : null;
  if (code !== null && isPacing(code)) return;
  const now = deps.now();
  const ageMs = now.getTime() - event.received_at.getTime();
  const isDown = code !== null && isOutage(code);
  const stuckMs = isDown ? Math.max(ageMs, await noteFailing(deps, event.source, code)) : ageMs;
  if (stuckMs < (await incidentAfterMs(deps))) return;
  await deps.db.transaction().execute(async (tx) => {
    const person = await findPersonByKey(tx, event.source, event.source_key);
    const about = { systemId: event.source, itemKey: event.event_id, now };
    const join = () =>
      openHrisIncident(tx, {
        ...about,
        kind: isDown ? 'systemDown' : 'itemFailed',
        personId: person?.person_id ?? null,
        errorCode: code ?? 'internal',
      });
    const leave = () => closeHrisIncident(tx, { ...about, kind: isDown ? 'itemFailed' : 'systemDown' });
    // The outage first, whichever way it goes: everybody takes the two locks in this order.
    const records = isDown ? [...(await join()), ...(await leave())] : [...(await leave()), ...(await join())];
    await appendEvidence(tx, deps.vault, records, now);
  });
}

/** An event that failed before was read now. Answers the records of what it closed. */
export async function noteEventCarried(deps: ServerDeps, tx: Tx, event: StuckEvent): Promise<EvidenceInput[]> {
  await noteAnswering(deps, tx, event.source);
  const about = { systemId: event.source, itemKey: event.event_id, now: deps.now() };
  return [
    ...(await closeHrisIncident(tx, { ...about, kind: 'systemDown' })),
    ...(await closeHrisIncident(tx, { ...about, kind: 'itemFailed' })),
  ];
}

/** The poll failed: without it nobody would notice that changes are missed. */
export async function notePollFailed(deps: ServerDeps, systemId: string, error: unknown): Promise<void> {
  if (!(error instanceof ConnectorError) || isPacing(error.code)) return;
  const failingMs = await noteFailing(deps, systemId, error.code);
  if (failingMs < (await incidentAfterMs(deps))) return;
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    const trouble = { systemId, kind: 'systemDown', itemKey: POLL_KEY, personId: null, errorCode: error.code } as const;
    await appendEvidence(tx, deps.vault, await openHrisIncident(tx, { ...trouble, now }), now);
  });
}

export async function notePollAnswered(deps: ServerDeps, systemId: string): Promise<void> {
  const now = deps.now();
  await noteAnswering(deps, deps.db, systemId);
  await deps.db.transaction().execute(async (tx) => {
    const closed = await closeHrisIncident(tx, { systemId, kind: 'systemDown', itemKey: POLL_KEY, now });
    await appendEvidence(tx, deps.vault, closed, now);
  });
}

/** The system asks for patience: that is no failure. */
function isPacing(code: ConnectorErrorCode): boolean {
  return code === 'throttled' || code === 'propagating';
}

/** What stands between Usher and everybody, unlike a fault in one record. */
function isOutage(code: ConnectorErrorCode): boolean {
  return code === 'transient' || code === 'unknownOutcome' || code === 'auth';
}

async function noteFailing(deps: ServerDeps, systemId: string, errorCode: ConnectorErrorCode): Promise<number> {
  const now = deps.now();
  const failingMs = await noteFailure(deps.db, systemId, errorCode, now);
  const line = { at: now, personId: null, n: null, data: { systemId, errorCode } };
  if (failingMs === 0) await tellStory(deps.db, { ...line, kind: 'systemDown' });
  return failingMs;
}

async function noteAnswering(deps: ServerDeps, db: Db | Tx, systemId: string): Promise<void> {
  const now = deps.now();
  const failedWith = await noteSuccess(db, systemId, now);
  const line = { at: now, personId: null, n: null, data: { systemId } };
  if (failedWith !== null) await tellStory(db, { ...line, kind: 'systemBack' });
}

async function incidentAfterMs(deps: ServerDeps): Promise<number> {
  const version = await deps.policies.active();
  return (version?.policy.lifecycle.outage.incidentAfter ?? INCIDENT_AFTER_DEFAULT_S) * 1000;
}

async function isAttached(tx: Tx, systemId: string, kind: HrisIncidentKind, itemKey: string): Promise<boolean> {
  const row = await tx
    .selectFrom('incident as i')
    .innerJoin('incident_item as t', 't.incident_id', 'i.incident_id')
    .select('t.item_key')
    .where('i.system_id', '=', systemId)
    .where('i.kind', '=', kind)
    .where('i.state', '=', 'open')
    .where('t.item_key', '=', itemKey)
    .where('t.detached_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

function summaryOf({ kind, systemId, errorCode }: Trouble): string {
  switch (kind) {
    case 'systemDown':
      return `${systemId} has been failing (${errorCode}): people cannot be read. What it reported is kept and goes on by itself when it is back.`;
    case 'itemFailed':
      return `A record of ${systemId} cannot be read (${errorCode}), so what changed there has no effect yet. It is kept and read again by itself; the server's log names the cause.`;
    case 'personGone':
      return `A person whom Usher knows is no longer found in ${systemId}. No access was changed.`;
    default:
      return kind satisfies never;
  }
}
