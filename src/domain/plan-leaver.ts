/** What has to go when a person leaves: every login and every entitlement that was found, in the catalogue or not. */
import type { Item } from '../schemas/item.ts';
import { compareText } from './compare-text.ts';
import { definitionHash } from './definition-hash.ts';
import type { HashText } from './definition-hash.ts';
import { itemDigest } from './item-digest.ts';
import type { ItemTerms } from './item-digest.ts';
import { vendorKey } from './policy-index.ts';
import type { PolicyIndex } from './policy-index.ts';

/** An account as it was found in a system, with the vendor ids of all that it holds. */
export interface FoundAccount {
  systemId: string;
  accountId: string;
  vendorEntitlementIds: readonly string[];
}

export interface PlanLeaverInput {
  personId: string;
  spellN: number;
  index: PolicyIndex;
  accounts: readonly FoundAccount[];
  sha256Hex: HashText;
}

/**
 * One `disable` for each account, first the identity providers', then one `revoke` for each entitlement held. Policy
 * approves them all: a departure needs nobody's yes. Repeated findings give one item.
 */
export function planLeaver(input: PlanLeaverInput): Item[] {
  const accounts = input.accounts.toSorted(
    (a, b) =>
      rank(a.systemId, input.index) - rank(b.systemId, input.index) ||
      compareText(a.systemId, b.systemId) ||
      compareText(a.accountId, b.accountId),
  );
  const items = [
    ...accounts.map((account) => disableItem(account, input)),
    ...accounts.flatMap((account) =>
      account.vendorEntitlementIds.toSorted(compareText).map((vendorId) => revokeItem(account, vendorId, input)),
    ),
  ];
  return [...new Map(items.map((item) => [item.itemDigest, item])).values()];
}

function rank(systemId: string, index: PolicyIndex): number {
  return index.systemById.get(systemId)?.isIdentityProvider === true ? 0 : 1;
}

type Target = Pick<
  Item,
  'action' | 'systemId' | 'entitlementId' | 'vendorEntitlementId' | 'accountId' | 'definitionHash'
>;

function disableItem({ systemId, accountId }: FoundAccount, input: PlanLeaverInput): Item {
  const name = input.index.systemById.get(systemId)?.displayName ?? systemId;
  const target: Target = {
    action: 'disable',
    systemId,
    accountId,
    entitlementId: null,
    vendorEntitlementId: null,
    definitionHash: null,
  };
  return departureItem(target, { privileged: false, dataClass: 'none', description: `Login at ${name}` }, input);
}

function revokeItem({ systemId, accountId }: FoundAccount, vendorEntitlementId: string, input: PlanLeaverInput): Item {
  const known = input.index.entitlementByVendorKey.get(vendorKey(systemId, vendorEntitlementId));
  const target: Target = {
    action: 'revoke',
    systemId,
    accountId,
    vendorEntitlementId,
    entitlementId: known?.id ?? null,
    definitionHash: known === undefined ? null : definitionHash(known, input.sha256Hex),
  };
  const { privileged, dataClass, description } = known ?? {
    privileged: false,
    dataClass: 'none' as const,
    description: 'Entitlement that is not in the catalogue',
  };
  return departureItem(target, { privileged, dataClass, description }, input);
}

function departureItem(
  target: Target,
  about: Pick<Item, 'privileged' | 'dataClass' | 'description'>,
  input: PlanLeaverInput,
): Item {
  const terms: ItemTerms = {
    ...target,
    personId: input.personId,
    spellN: input.spellN,
    profileId: null,
    conflicts: [],
    expiresAfterSeconds: null,
    requiredRoles: [],
  };
  return {
    ...target,
    ...about,
    itemDigest: itemDigest(terms, input.sha256Hex),
    profileId: null,
    conflicts: [],
    risk: 0,
    confidence: 1,
    reasons: ['the person leaves: nothing justifies it any more'],
    route: { kind: 'policy' },
    expiresAt: null,
  };
}
