/** What the read-back of attribute changes has to find: by the facts of the snapshot that each item is about. */
import { attributesBehind } from '../domain/update-definition.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Item } from '../schemas/item.ts';
import { OwnedAttribute, type ProfileValues } from '../schemas/owned-attribute.ts';
import { openSnapshot, recentSnapshotRows, type SnapshotRow } from '../store/people.ts';
import { sha256Hex } from '../store/sha256.ts';
import { currentSignal } from './failures.ts';
import { wantedProfile } from './wanted-profile.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** More than a case can span. */
const SNAPSHOTS_MAX = 50;

/**
 * By item digest; an item that is about no snapshot of the person, or a person who was erased, has none and is never
 * confirmed. Throws ConnectorError where the manager's account cannot be read.
 */
export async function expectedProfiles(
  deps: WorkerDeps,
  personId: string,
  system: OpenSystem<'target'>,
  items: readonly Item[],
): Promise<ReadonlyMap<string, ProfileValues>> {
  const updates = items.filter(({ action }) => action === 'update');
  const expected = new Map<string, ProfileValues>();
  if (updates.length === 0) return expected;
  const rows = await recentSnapshotRows(deps.db, personId, SNAPSHOTS_MAX);
  for (const item of updates) {
    const terms = termsOf(item, rows);
    const snapshot = terms && openSnapshot(terms.row, deps);
    if (!terms || !snapshot) continue;
    const call = { operationKey: item.itemDigest, ...currentSignal() };
    expected.set(item.itemDigest, await wantedProfile(deps, system, snapshot, terms.attributes, call));
  }
  return expected;
}

function termsOf(item: Item, rows: readonly SnapshotRow[]): { row: SnapshotRow; attributes: OwnedAttribute[] } | null {
  for (const row of rows) {
    // All names, not today's policy: a policy that took an attribute back does not undo what was written.
    const about = { systemId: item.systemId, snapshotId: row.snapshot_id, among: OwnedAttribute.options };
    const attributes = attributesBehind(item.definitionHash, about, sha256Hex);
    if (attributes) return { row, attributes };
  }
  return null;
}
