/** Steps that target connectors share: which account is the person's, and how one comes to be. */
import type { AccountView, EnsureAccountResult, FindAccountResult, VendorReceipt } from './contract.ts';
import { isConnectorError, type VendorClient } from './vendor-client.ts';

/** No call was made, so there is nothing to show for it. */
export const noReceipt: VendorReceipt = { requestId: null, status: null };

/** None, the one, or `ambiguous`: an account found by two keys is one account, two accounts are never a pick. */
export function uniqueAccount(candidates: AccountView[]): FindAccountResult {
  const byId = new Map(candidates.map((account) => [account.accountId, account]));
  const [first] = byId.values();
  if (first === undefined) return { outcome: 'none' };
  if (byId.size > 1) return { outcome: 'ambiguous', accountIds: [...byId.keys()].toSorted() };
  return { outcome: 'found', account: first };
}

export interface EnsureSteps {
  find(): Promise<FindAccountResult>;
  /** Throws `conflict` where the vendor knows a duplicate. */
  create(): Promise<EnsureAccountResult>;
  /** Looks again after a duplicate, by the person's keys only. */
  findDuplicate(): Promise<FindAccountResult>;
  /** Enables the account and mends what Usher owns of it. */
  takeOver(account: AccountView): Promise<EnsureAccountResult>;
}

/**
 * Finds, creates, or adopts. After a duplicate the account may be one that a lost answer or a late index hid: it is
 * taken over only where a key of the person finds it; otherwise the vendor's `conflict` stands.
 */
export async function ensureByKeys(
  client: Pick<VendorClient, 'fail'>,
  steps: EnsureSteps,
): Promise<EnsureAccountResult> {
  const found = await steps.find();
  if (found.outcome !== 'none') return steps.takeOver(unambiguous(client, found));
  try {
    return await steps.create();
  } catch (error) {
    if (!isConnectorError(error, 'conflict')) throw error;
    const duplicate = await steps.findDuplicate();
    if (duplicate.outcome === 'none') throw error;
    return steps.takeOver(unambiguous(client, duplicate));
  }
}

function unambiguous(
  client: Pick<VendorClient, 'fail'>,
  found: Exclude<FindAccountResult, { outcome: 'none' }>,
): AccountView {
  if (found.outcome === 'found') return found.account;
  throw client.fail('ambiguous', 'ensureAccount', 'several accounts carry keys of this person');
}
