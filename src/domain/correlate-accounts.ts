/** Whose the accounts of a system are, by immutable keys only. What more than one person could claim is nobody's. */

export interface ListedAccount {
  accountId: string;
  /** As it stands in the vendor's slot: a person id, an HRIS key, or nothing. */
  correlationKey: string | null;
  canLogIn: boolean;
  vendorEntitlementIds: string[];
}

export type UnmatchedBecause = 'noKey' | 'unknownKey' | 'ambiguousKey' | 'severalAccounts';

export interface CorrelatedAccounts {
  matched: { personId: string; account: ListedAccount }[];
  unmatched: { account: ListedAccount; because: UnmatchedBecause }[];
}

/**
 * `peopleByKey` maps keys to everybody who has them; `personByAccount` holds accounts that were correlated before, which
 * counts more than a key. Two accounts of one person are for somebody to look at: neither is taken.
 */
export function correlateAccounts(
  accounts: readonly ListedAccount[],
  peopleByKey: ReadonlyMap<string, readonly string[]>,
  personByAccount: ReadonlyMap<string, string>,
): CorrelatedAccounts {
  const result: CorrelatedAccounts = { matched: [], unmatched: [] };
  const byPerson = new Map<string, ListedAccount[]>();
  for (const account of accounts) {
    const claimed = claimOf(account, peopleByKey, personByAccount);
    if (typeof claimed === 'string') result.unmatched.push({ account, because: claimed });
    else byPerson.set(claimed.personId, [...(byPerson.get(claimed.personId) ?? []), account]);
  }
  for (const [personId, own] of byPerson) {
    const [account, ...others] = own;
    if (account !== undefined && others.length === 0) result.matched.push({ personId, account });
    else result.unmatched.push(...own.map((each) => ({ account: each, because: 'severalAccounts' as const })));
  }
  return result;
}

function claimOf(
  { accountId, correlationKey }: ListedAccount,
  peopleByKey: ReadonlyMap<string, readonly string[]>,
  personByAccount: ReadonlyMap<string, string>,
): { personId: string } | UnmatchedBecause {
  const known = personByAccount.get(accountId);
  if (known !== undefined) return { personId: known };
  if (correlationKey === null || correlationKey === '') return 'noKey';
  const [personId, ...others] = new Set(peopleByKey.get(correlationKey));
  if (personId === undefined) return 'unknownKey';
  return others.length > 0 ? 'ambiguousKey' : { personId };
}
