/** What is Usher's to take from somebody who stays: what it gave in this spell, and what earlier facts of the spell gave by role. */
import { birthrightsOf } from '../domain/birthrights.ts';
import type { Db, Tx } from './db.ts';
import { openSnapshot, recentSnapshotRows } from './people.ts';
import type { ContextKeys, PersonContext } from './person-context.ts';

const SNAPSHOTS_MAX = 200;

/** Catalogue ids. Read from signed snapshots and from the grants of the spell. */
export async function readTakeableIds(db: Db | Tx, keys: ContextKeys, context: PersonContext): Promise<Set<string>> {
  const rows = await recentSnapshotRows(db, context.person.person_id, SNAPSHOTS_MAX);
  const byRole = rows.flatMap((row) => {
    const snapshot = openSnapshot(row, keys);
    return snapshot
      ? birthrightsOf(snapshot.facts, context.index).birthrights.map(({ entitlement }) => entitlement.id)
      : [];
  });
  return new Set([...context.grants.map(({ entitlementId }) => entitlementId), ...byRole]);
}
