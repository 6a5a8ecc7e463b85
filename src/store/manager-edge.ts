/** The facts of today, and how new the manager is that they name: read from the signed snapshots, newest first. */
import type { Snapshot } from '../schemas/facts.ts';
import type { Db, Tx } from './db.ts';
import { readManagerLine } from './manager-line.ts';
import { openSnapshot, recentSnapshotRows } from './people.ts';
import type { PersonVault } from './person-vault.ts';
import type { Verifier } from './signing-key.ts';

/** Whoever moved more often than that within the time in which a manager settles is asked about all the same. */
const SNAPSHOTS_MAX = 30;

export interface ManagerEdge {
  /** The latest. */
  snapshot: Snapshot;
  managerSince: string | null;
  nextManagerRef: string | null;
}

/** Null for an unknown or erased person. Throws like `openSnapshot` on facts that the server did not sign. */
export async function readManagerEdge(
  db: Db | Tx,
  keys: { vault: PersonVault; verifier: Verifier },
  personId: string,
): Promise<ManagerEdge | null> {
  const [first, ...rest] = await recentSnapshotRows(db, personId, SNAPSHOTS_MAX);
  const snapshot = first === undefined ? null : openSnapshot(first, keys);
  if (!snapshot) return null;
  let managerSince = snapshot.observedAt;
  for (const row of rest) {
    const older = openSnapshot(row, keys);
    if (!older) break;
    if (older.facts.managerKey !== snapshot.facts.managerKey) {
      const [, nextManagerRef = null] = await readManagerLine(db, keys, snapshot);
      return { snapshot, managerSince, nextManagerRef };
    }
    managerSince = older.observedAt;
  }
  return { snapshot, managerSince: null, nextManagerRef: null };
}
