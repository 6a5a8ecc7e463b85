/** What a person has under one policy and under another: what is gained, lost, or decided by others. */
import type { Item } from '../schemas/item.ts';
import type { Birthrights } from './birthrights.ts';
import { canonicalJson } from './canonical-json.ts';
import { compareText } from './compare-text.ts';

/** Under one policy: justified now, or asked about because people must agree and have not. */
export interface Right {
  state: 'justified' | 'asked';
  /** Empty where policy approves. */
  roles: string[];
  approverIds: string[];
}

export interface RightChange {
  kind: 'gains' | 'loses' | 'routeChanges';
  entitlementId: string;
  before: Right | null;
  after: Right | null;
}

/** The right that an item of a plan stands for. */
export function rightOf(item: Pick<Item, 'route'>, isJustified: boolean): Right {
  const seats = item.route.kind === 'people' ? item.route.seats : [];
  return {
    state: isJustified ? 'justified' : 'asked',
    roles: seats.map(({ role }) => role).toSorted(compareText),
    approverIds: [...new Set(seats.flatMap(({ approverIds }) => approverIds))].toSorted(compareText),
  };
}

/** In the order of entitlement ids. */
export function diffRights(before: ReadonlyMap<string, Right>, after: ReadonlyMap<string, Right>): RightChange[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].toSorted(compareText);
  return ids.flatMap((entitlementId): RightChange[] => {
    const [old, now] = [before.get(entitlementId) ?? null, after.get(entitlementId) ?? null];
    if (old === null) return [{ kind: 'gains', entitlementId, before: old, after: now }];
    if (now === null) return [{ kind: 'loses', entitlementId, before: old, after: now }];
    if (canonicalJson(old) === canonicalJson(now)) return [];
    return [{ kind: 'routeChanges', entitlementId, before: old, after: now }];
  });
}

/**
 * Whether two policies give the same on the same terms, by birthright. Together with equal routing and no decision of
 * people the plans are then the same, and need not be made.
 */
export function areSameBirthrights(a: Birthrights, b: Birthrights): boolean {
  if (a.hasProfile !== b.hasProfile || a.birthrights.length !== b.birthrights.length) return false;
  return a.birthrights.every((one, position) => {
    const other = b.birthrights[position];
    return other !== undefined && (one === other || termsOf(one) === termsOf(other));
  });
}

function termsOf({ entitlement, profileId, roles, conflicts }: Birthrights['birthrights'][number]): string {
  return canonicalJson({ entitlement, profileId, roles, conflicts });
}
