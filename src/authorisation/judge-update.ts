/**
 * Whether attributes of an account may be changed: for a person who may have access, in an open case that gives, at a
 * system that policy gave these attributes of to Usher, and by the latest facts. The proposal is the worker's word; what
 * it asks for is found again in signed rows.
 */
import { attributesBehind } from '../domain/update-definition.ts';
import type { Item } from '../schemas/item.ts';
import type { OwnedAttribute } from '../schemas/owned-attribute.ts';
import type { CaseRow } from '../store/cases.ts';
import type { PersonContext } from '../store/person-context.ts';
import { sha256Hex } from '../store/sha256.ts';

export type UpdateRefusal = 'closedCase' | 'notPlanned' | 'superseded' | 'unknownItem';

export interface UpdateQuestion {
  item: Item;
  context: PersonContext;
  usherCase: CaseRow;
  /** By the dates and departures known now. */
  mayAccess: boolean;
  /** All snapshots of the person: an item about an older one was right once. */
  snapshotIds: readonly string[];
}

/** Null where it may be written. The caller has compared the item's digest with its content. */
export function refusalOfUpdate({
  item,
  context,
  usherCase,
  mayAccess,
  snapshotIds,
}: UpdateQuestion): UpdateRefusal | null {
  const isShaped =
    item.accountId !== null &&
    item.entitlementId === null &&
    item.vendorEntitlementId === null &&
    item.profileId === null &&
    item.route.kind === 'policy';
  if (!isShaped) return 'unknownItem';
  // A departure takes; it never changes what an account shows.
  if (usherCase.kind === 'leaver') return 'notPlanned';
  if (usherCase.closed_at !== null) return 'closedCase';
  if (!mayAccess || usherCase.spell_n !== context.spellN) return 'superseded';
  const owned = context.index.systemById.get(item.systemId)?.attributes ?? [];
  const isAbout = (snapshotId: string, among: readonly OwnedAttribute[]): boolean =>
    attributesBehind(item.definitionHash, { systemId: item.systemId, snapshotId, among }, sha256Hex) !== null;
  if (isAbout(context.snapshot.snapshotId, owned)) return null;
  const older = snapshotIds.filter((snapshotId) => snapshotId !== context.snapshot.snapshotId);
  // What Usher does not own there was never right, by whatever facts.
  return older.some((snapshotId) => isAbout(snapshotId, owned)) ? 'superseded' : 'notPlanned';
}
