/** Departures that an unusual wave holds until a person releases them. */
import type { Db } from './db.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';

export interface HoldView {
  personId: string;
  person: string;
  caseId: string;
  effectiveAt: string;
  heldAt: string | null;
  reason: string | null;
}

/** Longest held first. */
export async function listHolds(db: Db, keys: SnapshotKeys): Promise<HoldView[]> {
  const rows = await db
    .selectFrom('cutoff')
    .select(['person_id', 'n', 'effective_at', 'held_at', 'reason'])
    .where('state', '=', 'held')
    .orderBy('held_at')
    .orderBy('person_id')
    .execute();
  const nameOf = await readNames(
    db,
    keys,
    rows.map((row) => row.person_id),
  );
  return rows.map((row) => ({
    personId: row.person_id,
    person: nameOf(row.person_id),
    caseId: `case_${row.person_id}_${row.n}`,
    effectiveAt: row.effective_at.toISOString(),
    heldAt: row.held_at?.toISOString() ?? null,
    reason: row.reason,
  }));
}
