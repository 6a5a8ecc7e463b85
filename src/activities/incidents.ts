/**
 * Opens and closes incidents. The row decides that there is one; its ticket is made and closed by the delivery loop, which
 * tries until the ticketing system answers, so that an outage there never holds a case.
 */
import { announceIncident, type IncidentNews } from '../evidence/incident-record.ts';
import { appendEvidence } from '../evidence/log.ts';
import { attachedItems, detachItems, openIncidentRow, type IncidentRow } from '../store/incidents.ts';
import type { Tx } from '../store/db.ts';
import type { IncidentKind } from '../store/tables.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface IncidentInput {
  personId: string;
  n: number;
  systemId: string;
  kind: Extract<IncidentKind, 'systemDown' | 'itemFailed' | 'taskOverdue'>;
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
    if (isNew) await announce(deps, tx, incident, 'incidentOpened', input);
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
    if (closed) await announce(deps, tx, closed, 'incidentClosed', input);
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
    if (kind !== 'systemDown' && kind !== 'itemFailed' && kind !== 'taskOverdue') continue;
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
    case 'taskOverdue':
      return `${systemId}: tasks for people are open for longer than policy allows. "usher tasks" shows them; the owner of the system must see to it.`;
    default:
      return kind satisfies never;
  }
}

async function announce(
  deps: WorkerDeps,
  tx: Tx,
  incident: IncidentRow,
  kind: IncidentNews['kind'],
  { personId, n, errorCode }: IncidentInput,
): Promise<void> {
  const now = deps.now();
  const news = { kind, errorCode, caseId: `case_${personId}_${n}`, now };
  await appendEvidence(tx, deps.vault, [await announceIncident(tx, incident, news)], now);
}
