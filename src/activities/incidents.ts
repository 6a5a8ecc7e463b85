/**
 * Opens and closes incidents. The row decides that there is one; its ticket is made and closed by the delivery loop, which
 * tries until the ticketing system answers, so that an outage there never holds a case.
 */
import { sql } from 'kysely';
import { appendEvidence } from '../evidence/log.ts';
import { attachedItems, detachItems, openIncidentRow, type IncidentRow } from '../store/incidents.ts';
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

/** What succeeded by whatever way needs nobody any more: its failure of before is detached. Costs one look where none is open. */
export async function noteHealed(
  deps: WorkerDeps,
  subject: Pick<IncidentInput, 'personId' | 'n' | 'systemId' | 'itemKeys'>,
): Promise<void> {
  const { personId, n, systemId } = subject;
  const attached = await attachedItems(deps.db, { personId, n });
  const known = new Set(
    attached.filter((one) => one.kind === 'itemFailed' && one.systemId === systemId).map(bareKeyOf),
  );
  const itemKeys = subject.itemKeys.filter((itemKey) => known.has(itemKey));
  if (itemKeys.length === 0) return;
  await closeIncident(deps, { personId, n, systemId, kind: 'itemFailed', itemKeys, errorCode: 'healed' });
}

/** Detaches everything of a case: nothing of it waits any more. */
export async function releaseCase(deps: WorkerDeps, { personId, n }: { personId: string; n: number }): Promise<void> {
  for (const one of await attachedItems(deps.db, { personId, n })) {
    const { systemId, kind } = one;
    if (kind !== 'systemDown' && kind !== 'itemFailed') continue;
    await closeIncident(deps, { personId, n, systemId, kind, itemKeys: [bareKeyOf(one)], errorCode: 'caseClosed' });
  }
}

function keyOf(input: IncidentInput, itemKey: string): string {
  return `${input.personId}/${input.n}/${itemKey}`;
}

/** Neither ids of persons nor numbers of cases hold a slash. */
function bareKeyOf({ itemKey }: { itemKey: string }): string {
  return itemKey.split('/').slice(2).join('/');
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
