/** What is Usher's to take from somebody who stays: what it gave in this spell, and what earlier facts of the spell gave by role. */
import { birthrightsOf } from '../domain/birthrights.ts';
import type { Db, Tx } from './db.ts';
import { openSnapshot, recentSnapshotRows } from './people.ts';
import { enforcedSystemIds } from './system-modes.ts';
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
  const given = context.grants.map(({ entitlementId }) => entitlementId);
  return new Set([...given, ...byRole, ...(await foundWhereEnforced(db, context.person.person_id))]);
}

/** Somebody saw in the difference that these would go, and switched. */
async function foundWhereEnforced(db: Db | Tx, personId: string): Promise<string[]> {
  const systemIds = [...(await enforcedSystemIds(db))];
  if (systemIds.length === 0) return [];
  const rows = await db
    .selectFrom('person_grant')
    .select('entitlement_id')
    .where('person_id', '=', personId)
    .where('basis', '=', 'found')
    .where('state', '=', 'held')
    .where('system_id', 'in', systemIds)
    .execute();
  return rows.flatMap(({ entitlement_id: id }) => (id === null ? [] : [id]));
}
