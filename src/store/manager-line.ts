/** The managers above somebody, and which of the people whom policy and HR name may decide at all. */
import { sql } from 'kysely';
import type { PeopleByRef } from '../domain/route.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { PersonId } from '../schemas/ids.ts';
import type { Db, Tx } from './db.ts';
import { findPersonByKey, latestSnapshot, resolvePersonRefs } from './people.ts';
import type { SnapshotKeys } from './read-names.ts';

/** Higher than this a question about everyday access is nobody's business. */
const LEVELS_MAX = 6;

/** References of the managers, the direct one first. Ends at the top, at a gap, and where the line would close to a circle. */
export async function readManagerLine(db: Db | Tx, keys: SnapshotKeys, of: Snapshot): Promise<string[]> {
  const line: string[] = [];
  const seen = new Set<string>([of.facts.sourceKey]);
  let at: Snapshot | null = of;
  while (at !== null && line.length < LEVELS_MAX) {
    const { managerKey } = at.facts;
    if (managerKey === null || seen.has(managerKey)) break;
    seen.add(managerKey);
    line.push(`${at.source}/${managerKey}`);
    const manager = await findPersonByKey(db, at.source, managerKey);
    at = manager === null ? null : await latestSnapshot(db, keys, manager.person_id);
  }
  return line;
}

/** References to person ids, without those who left: their departure started, or they were erased. */
export async function peopleWhoMayDecide(db: Db | Tx, refs: Iterable<string>): Promise<PeopleByRef> {
  const people = await resolvePersonRefs(db, refs);
  const gone = await departedAmong(db, people.values());
  return Object.fromEntries([...people].filter(([, id]) => !gone.has(id)).map(([ref, id]) => [ref, id as PersonId]));
}

/** Of these people, those who have left; from that moment none of them decides anything. */
export async function departedAmong(db: Db | Tx, personIds: Iterable<string>): Promise<Set<string>> {
  const ids = [...new Set(personIds)];
  if (ids.length === 0) return new Set();
  const { rows } = await sql<{ person_id: string }>`
    select p.person_id from person p
    left join cutoff f on f.person_id = p.person_id and f.n = p.fence and f.state = 'started'
    where p.person_id = any(${ids}::uuid[]) and (p.erased_at is not null or f.n is not null)`.execute(db);
  return new Set(rows.map((row) => row.person_id));
}
