/** The digest to which decisions and authorisations bind: what exactly is changed, for whom, on which terms. */
import type { ItemDigest } from '../schemas/ids.ts';
import type { Item } from '../schemas/item.ts';
import { canonicalJson } from './canonical-json.ts';
import type { HashText } from './definition-hash.ts';
import type { RequiredTerm } from './required-terms.ts';

export interface ItemTerms extends Pick<
  Item,
  | 'action'
  | 'systemId'
  | 'entitlementId'
  | 'vendorEntitlementId'
  | 'accountId'
  | 'profileId'
  | 'definitionHash'
  | 'conflicts'
> {
  personId: string;
  spellN: number;
  /** The length of a time-bound grant. The instant of its end would differ in each re-plan of the same grant. */
  expiresAfterSeconds: number | null;
  /** Empty where policy alone approves. Roles, not people: a deputy must not void the decisions of the others. */
  requiredRoles: readonly RequiredTerm[];
}

/** Digest of an item (architecture, section 3: Item). Equal re-plans have equal digests; the order of roles and conflicts is nothing. */
export function itemDigest(terms: ItemTerms, sha256Hex: HashText): ItemDigest {
  const digest = sha256Hex(
    canonicalJson({
      version: 1,
      personId: terms.personId,
      spellN: terms.spellN,
      action: terms.action,
      systemId: terms.systemId,
      entitlementId: terms.entitlementId,
      vendorEntitlementId: terms.vendorEntitlementId,
      accountId: terms.accountId,
      profileId: terms.profileId,
      definitionHash: terms.definitionHash,
      expiresAfterSeconds: terms.expiresAfterSeconds,
      requiredRoute: {
        kind: terms.requiredRoles.length === 0 ? 'policy' : 'people',
        roles: terms.requiredRoles.toSorted(),
      },
      conflicts: terms.conflicts.toSorted(),
    }),
  );
  return digest as ItemDigest;
}
