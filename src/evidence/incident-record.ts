/** Tells that an incident opened or closed: a calm line, a word to whoever makes the ticket, and the record for the log. */
import { sql } from 'kysely';
import type { Tx } from '../store/db.ts';
import type { IncidentRow } from '../store/incidents.ts';
import { tellStory } from '../store/story.ts';
import type { EvidenceInput } from './log.ts';

export interface IncidentNews {
  kind: 'incidentOpened' | 'incidentClosed';
  errorCode: string;
  /** The case that met it; null where none did. */
  caseId: string | null;
  now: Date;
}

/** Answers the record, which the caller appends last: the log's lock is held until the commit. */
export async function announceIncident(tx: Tx, incident: IncidentRow, news: IncidentNews): Promise<EvidenceInput> {
  const { kind, errorCode, caseId, now } = news;
  const { incident_id: incidentId, system_id: systemId } = incident;
  const data = { incidentId, systemId, kind: incident.kind, errorCode };
  await tellStory(tx, { at: now, personId: null, n: null, kind, data });
  await sql`select pg_notify('usher_delivery', 'tickets')`.execute(tx);
  return { operationKey: incidentId, kind, personId: null, caseId, body: data, values: null };
}
