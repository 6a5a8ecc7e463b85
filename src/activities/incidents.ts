/**
 * Opens and closes incidents. The row decides that there is one; its ticket is made and closed by the delivery loop, which
 * tries until the ticketing system answers, so that an outage there never holds a case.
 */
import { sql } from 'kysely';
import { appendEvidence } from '../evidence/log.ts';
import { detachItems, openIncidentRow, type IncidentRow } from '../store/incidents.ts';
import type { Tx } from '../store/db.ts';
import { tellStory, type StoryKind } from '../store/story.ts';
import type { IncidentKind } from '../store/tables.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface IncidentInput {
  personId: string;
  n: number;
  systemId: string;
  kind: Extract<IncidentKind, 'systemDown' | 'itemFailed'>;
  /** Digests of items, or another stable word for what waits. */
  itemKeys: string[];
  errorCode: string;
}

/** Idempotent: at most one open incident per system and kind, each item attached once. */
export async function openIncident(deps: WorkerDeps, input: IncidentInput): Promise<{ incidentId: string }> {
  const now = deps.now();
  return deps.db.transaction().execute(async (tx) => {
    const { incident, isNew } = await openIncidentRow(tx, {
      systemId: input.systemId,
      kind: input.kind,
      summary: summaryOf(input),
      items: input.itemKeys.map((itemKey) => ({
        itemKey: keyOf(input, itemKey),
        personId: input.personId,
        n: input.n,
      })),
      now,
    });
    if (isNew) await tell(deps, tx, incident, 'incidentOpened', input);
    return { incidentId: incident.incident_id };
  });
}

/** Detaches the items; the incident closes with its last one. Closing what is not open changes nothing. */
export async function closeIncident(deps: WorkerDeps, input: IncidentInput): Promise<{ isClosed: boolean }> {
  const now = deps.now();
  return deps.db.transaction().execute(async (tx) => {
    const closed = await detachItems(tx, {
      systemId: input.systemId,
      kind: input.kind,
      itemKeys: input.itemKeys.map((itemKey) => keyOf(input, itemKey)),
      now,
    });
    if (closed) await tell(deps, tx, closed, 'incidentClosed', input);
    return { isClosed: closed !== null };
  });
}

function keyOf(input: IncidentInput, itemKey: string): string {
  return `${input.personId}/${input.n}/${itemKey}`;
}

function summaryOf({ kind, systemId, errorCode }: IncidentInput): string {
  switch (kind) {
    case 'systemDown':
      return `${systemId} has been failing (${errorCode}). Changes to it wait and go on by themselves when it is back.`;
    case 'itemFailed':
      return `${systemId} did not take a change after a retry (${errorCode}). Somebody has to look; "usher retry" tries again.`;
    default:
      return kind satisfies never;
  }
}

async function tell(
  deps: WorkerDeps,
  tx: Tx,
  incident: IncidentRow,
  what: Extract<StoryKind, 'incidentOpened' | 'incidentClosed'>,
  input: IncidentInput,
): Promise<void> {
  const data = {
    incidentId: incident.incident_id,
    systemId: incident.system_id,
    kind: incident.kind,
    errorCode: input.errorCode,
  };
  await tellStory(tx, { at: deps.now(), personId: null, n: null, kind: what, data });
  await sql`select pg_notify('usher_delivery', 'tickets')`.execute(tx);
  const record = {
    operationKey: incident.incident_id,
    kind: what,
    personId: null,
    caseId: `case_${input.personId}_${input.n}`,
    body: data,
    values: null,
  };
  await appendEvidence(tx, deps.vault, [record], deps.now());
}
