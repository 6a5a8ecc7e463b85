/** Incidents: at most one open per (system, kind). Items attach and detach; the incident closes with its last item. */
import type { Selectable } from 'kysely';
import { lockInTx, type Db, type Tx } from './db.ts';
import type { IncidentKind, IncidentTable } from './tables.ts';
import { uuidV7 } from './uuid.ts';

export type IncidentRow = Selectable<IncidentTable>;

export interface IncidentItemInput {
  itemKey: string;
  personId: string | null;
  n: number | null;
}

/** Opens the incident or finds the open one, and attaches the items. `isNew` only for the call that opened it. */
export async function openIncidentRow(
  tx: Tx,
  input: { systemId: string; kind: IncidentKind; summary: string; items: IncidentItemInput[]; now: Date },
): Promise<{ incident: IncidentRow; isNew: boolean }> {
  await lockInTx(tx, 'incident', `${input.systemId}/${input.kind}`);
  const open = await findOpen(tx, input.systemId, input.kind);
  const incident =
    open ??
    (await tx
      .insertInto('incident')
      .values({
        incident_id: uuidV7(input.now),
        system_id: input.systemId,
        kind: input.kind,
        state: 'open',
        summary: input.summary,
        ticket_id: null,
        ticket_number: null,
        opened_at: input.now,
      })
      .returningAll()
      .executeTakeFirstOrThrow());
  for (const item of input.items) {
    await tx
      .insertInto('incident_item')
      .values({
        incident_id: incident.incident_id,
        item_key: item.itemKey,
        person_id: item.personId,
        n: item.n,
        attached_at: input.now,
      })
      .onConflict((conflict) => conflict.columns(['incident_id', 'item_key']).doUpdateSet({ detached_at: null }))
      .execute();
  }
  return { incident, isNew: open === null };
}

async function findOpen(tx: Tx, systemId: string, kind: IncidentKind): Promise<IncidentRow | null> {
  const row = await tx
    .selectFrom('incident')
    .selectAll()
    .where('system_id', '=', systemId)
    .where('kind', '=', kind)
    .where('state', '=', 'open')
    .executeTakeFirst();
  return row ?? null;
}

/** Detaches items; closes the incident with its last one. Answers the incident when this call closed it. */
export async function detachItems(
  tx: Tx,
  input: { systemId: string; kind: IncidentKind; itemKeys: string[]; now: Date },
): Promise<IncidentRow | null> {
  await lockInTx(tx, 'incident', `${input.systemId}/${input.kind}`);
  const open = await findOpen(tx, input.systemId, input.kind);
  if (!open || input.itemKeys.length === 0) return null;
  await tx
    .updateTable('incident_item')
    .set({ detached_at: input.now })
    .where('incident_id', '=', open.incident_id)
    .where('item_key', 'in', input.itemKeys)
    .execute();
  const left = await tx
    .selectFrom('incident_item')
    .select('item_key')
    .where('incident_id', '=', open.incident_id)
    .where('detached_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  if (left) return null;
  const closed = await tx
    .updateTable('incident')
    .set({ state: 'closed', closed_at: input.now })
    .where('incident_id', '=', open.incident_id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return closed;
}

/** Where items of one case are still attached to an open incident. */
export async function attachedItems(
  db: Db | Tx,
  { personId, n }: { personId: string; n: number },
): Promise<{ systemId: string; kind: IncidentKind; itemKey: string }[]> {
  return db
    .selectFrom('incident as i')
    .innerJoin('incident_item as t', 't.incident_id', 'i.incident_id')
    .select(['i.system_id as systemId', 'i.kind', 't.item_key as itemKey'])
    .where('i.state', '=', 'open')
    .where('t.person_id', '=', personId)
    .where('t.n', '=', n)
    .where('t.detached_at', 'is', null)
    .orderBy('i.system_id')
    .orderBy('i.kind')
    .execute();
}
