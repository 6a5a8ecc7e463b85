/** Incidents with what hangs on them. */
import type { Db } from './db.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';

export interface IncidentView {
  incidentId: string;
  systemId: string;
  kind: string;
  state: string;
  summary: string;
  ticketNumber: string | null;
  openedAt: string;
  closedAt: string | null;
  /** Items that still hang on it. */
  attached: { itemKey: string; caseId: string | null; person: string | null }[];
}

export interface IncidentFilter {
  /** Scope `security`: otherwise an incident does not tell whose open departure hangs on it. */
  canSeeDepartures: boolean;
  openOnly?: boolean;
}

/** Open ones first, then newest first; at most 200. */
export async function listIncidents(db: Db, keys: SnapshotKeys, filter: IncidentFilter): Promise<IncidentView[]> {
  let query = db.selectFrom('incident').selectAll().orderBy('state', 'desc').orderBy('opened_at', 'desc').limit(200);
  if (filter.openOnly === true) query = query.where('state', '=', 'open');
  const incidents = await query.execute();
  if (incidents.length === 0) return [];
  const items = await attachedItems(
    db,
    incidents.map((incident) => incident.incident_id),
  );
  const nameOf = await readNames(
    db,
    keys,
    items.map((item) => item.person_id),
  );
  return incidents.map((incident) => ({
    incidentId: incident.incident_id,
    systemId: incident.system_id,
    kind: incident.kind,
    state: incident.state,
    summary: incident.summary,
    ticketNumber: incident.ticket_number,
    openedAt: incident.opened_at.toISOString(),
    closedAt: incident.closed_at?.toISOString() ?? null,
    attached: items
      .filter((item) => item.incident_id === incident.incident_id)
      .filter((item) => filter.canSeeDepartures || !item.is_hidden)
      .map((item) => ({
        itemKey: item.item_key,
        caseId: item.person_id !== null && item.n !== null ? `case_${item.person_id}_${item.n}` : null,
        person: item.person_id === null ? null : nameOf(item.person_id),
      })),
  }));
}

async function attachedItems(db: Db, incidentIds: string[]) {
  const rows = await db
    .selectFrom('incident_item as t')
    .leftJoin('usher_case as c', (join) => join.onRef('c.person_id', '=', 't.person_id').onRef('c.n', '=', 't.n'))
    .leftJoin('cutoff as f', (join) => join.onRef('f.person_id', '=', 't.person_id').onRef('f.n', '=', 't.n'))
    .select(['t.incident_id', 't.item_key', 't.person_id', 't.n', 'c.kind', 'c.is_effective', 'f.state as cutoff'])
    .where('t.incident_id', 'in', incidentIds)
    .where('t.detached_at', 'is', null)
    .orderBy('t.attached_at')
    .execute();
  return rows.map((row) => ({
    ...row,
    is_hidden: row.kind === 'leaver' && row.is_effective === false && row.cutoff !== 'held' && row.cutoff !== 'started',
  }));
}
