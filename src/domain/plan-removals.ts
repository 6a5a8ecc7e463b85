/** What somebody who stays has to give back at one system: whatever nothing justifies any more, of what is Usher's to take. */
import type { Item } from '../schemas/item.ts';
import { compareText } from './compare-text.ts';
import type { HashText } from './definition-hash.ts';
import type { Justification } from './justified.ts';
import { planLeaver, type FoundAccount } from './plan-leaver.ts';
import { vendorKey } from './policy-index.ts';
import type { PolicyIndex } from './policy-index.ts';

export interface RemovalRules {
  index: PolicyIndex;
  /** What is justified now. */
  justified: readonly Justification[];
  /**
   * Catalogue ids that Usher gave, or that earlier facts of the spell gave by role. Whatever else is found was there for
   * reasons that Usher does not know: it stays, and is a matter for a review.
   */
  takeableIds: ReadonlySet<string>;
}

export interface PlanRemovalsInput extends RemovalRules {
  personId: string;
  spellN: number;
  account: FoundAccount & { canLogIn: boolean };
  sha256Hex: HashText;
}

/** Revokes in the order of vendor ids; then, where nothing is left on a system that only rights lead to, the login. */
export function planRemovals(input: PlanRemovalsInput): Item[] {
  const { account } = input;
  const going = account.vendorEntitlementIds.filter((id) => mayTake(input, account.systemId, id));
  const isEmpty = going.length === account.vendorEntitlementIds.length;
  // Also where nothing is left to take: an attempt may have ended between the last right and the login.
  const disables = isEmpty && account.canLogIn && mayDisable(input, account.systemId);
  if (going.length === 0 && !disables) return [];
  const planned = planLeaver({
    ...input,
    accounts: [{ ...account, vendorEntitlementIds: going.toSorted(compareText) }],
  });
  return planned
    .filter(({ action }) => action === 'revoke' || disables)
    .toSorted((a, b) => Number(a.action === 'disable') - Number(b.action === 'disable'))
    .map((item) => ({ ...item, reasons: [reasonOf(item)] }));
}

function reasonOf({ action }: Item): string {
  return action === 'disable'
    ? 'nothing at this system is justified any more'
    : 'the facts about the person changed: nothing justifies it any more';
}

/** Whether that right may be taken from somebody who stays. The issuer asks the same. */
export function mayTake({ index, justified, takeableIds }: RemovalRules, systemId: string, vendorId: string): boolean {
  const known = index.entitlementByVendorKey.get(vendorKey(systemId, vendorId));
  if (known === undefined || !takeableIds.has(known.id)) return false;
  return !justified.some((one) => one.entitlementId === known.id);
}

/** A login may go where Usher's rights led to it and none is left. The identity provider's is the person's own. */
export function mayDisable({ index, justified, takeableIds }: RemovalRules, systemId: string): boolean {
  const isUshers = [...takeableIds].some((id) => index.entitlementById.get(id)?.system === systemId);
  const isJustified = justified.some((one) => one.systemId === systemId);
  return isUshers && !isJustified && index.systemById.get(systemId)?.isIdentityProvider !== true;
}
