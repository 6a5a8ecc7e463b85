/** Who holds duties that are to be kept apart: standing violations, and exceptions that security allowed for a time. */
import { separationsOf } from '../domain/separation.ts';
import type { Policy } from '../schemas/policy.ts';
import type { Db } from './db.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';

export interface SeparationViolation {
  ruleId: string;
  description: string;
  personId: string;
  person: string;
  entitlementIds: string[];
  /** Until when security allowed it; null: nobody allowed it. */
  allowedUntil: string | null;
  compensatingControl: string;
}

/** In the order of rules and persons. What counts as held is what a read of the system confirmed, or found. */
export async function listSeparationViolations(
  db: Db,
  keys: SnapshotKeys,
  policy: Policy,
): Promise<SeparationViolation[]> {
  const rules = policy.separationOfDuties;
  if (rules.length === 0) return [];
  const rows = await db
    .selectFrom('person_grant')
    .select(['person_id', 'entitlement_id', 'basis', 'expires_at'])
    .where('state', '=', 'held')
    .where('entitlement_id', 'in', [...new Set(rules.flatMap(({ between }) => between.flat()))])
    .orderBy('person_id')
    .orderBy('entitlement_id')
    .execute();
  const byPerson = Map.groupBy(rows, (row) => row.person_id);
  const nameOf = await readNames(db, keys, byPerson.keys());
  return rules.flatMap((rule) =>
    [...byPerson].flatMap(([personId, grants]) => {
      const ids = new Set(grants.flatMap(({ entitlement_id: id }) => (id === null ? [] : [id])));
      const inConflict = grants.filter(
        ({ entitlement_id: id }) => id !== null && separationsOf([rule], id, ids).length > 0,
      );
      if (inConflict.length === 0) return [];
      const ends = inConflict.flatMap(({ basis, expires_at }) =>
        basis === 'decision' && expires_at !== null ? [expires_at.toISOString()] : [],
      );
      return [
        {
          ruleId: rule.id,
          description: rule.description,
          personId,
          person: nameOf(personId),
          entitlementIds: inConflict.map(({ entitlement_id: id }) => id ?? ''),
          allowedUntil: ends.toSorted()[0] ?? null,
          compensatingControl: rule.compensatingControl,
        },
      ];
    }),
  );
}
