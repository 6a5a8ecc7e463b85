/** Names for the surfaces, opened from the latest snapshots. Only what the server signed is shown as a name. */
import type { Db } from './db.ts';
import type { PersonVault } from './person-vault.ts';
import { openSnapshot, type SnapshotRow } from './people.ts';
import type { Verifier } from './signing-key.ts';

/** What opens and checks a snapshot. */
export interface SnapshotKeys {
  vault: PersonVault;
  verifier: Verifier;
}

/** The name of a person, or a word in brackets that says why there is none. */
export type NameOf = (personId: string) => string;

/** Reads the names of many people at once. Erased people are `(erased)`, people without readable facts `(unknown)`. */
export async function readNames(db: Db, keys: SnapshotKeys, personIds: Iterable<string | null>): Promise<NameOf> {
  const wanted = [...new Set(personIds)].filter((id) => id !== null);
  const names = new Map<string, string>();
  if (wanted.length > 0) {
    const rows = await db
      .selectFrom('snapshot')
      .selectAll()
      .distinctOn('person_id')
      .where('person_id', 'in', wanted)
      .orderBy('person_id')
      .orderBy('observed_at', 'desc')
      .orderBy('snapshot_id', 'desc')
      .execute();
    for (const row of rows) names.set(row.person_id, nameIn(row, keys));
  }
  return (personId) => (keys.vault.isErased(personId) ? '(erased)' : (names.get(personId) ?? '(unknown)'));
}

function nameIn(row: SnapshotRow, keys: SnapshotKeys): string {
  try {
    return openSnapshot(row, keys)?.facts.displayName ?? '(erased)';
  } catch {
    // A list stays readable when one row was tampered with; `audit verify` is the place that names it.
    return '(unverified)';
  }
}
