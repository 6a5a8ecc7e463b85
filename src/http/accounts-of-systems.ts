/** The accounts that systems themselves say they hold. The worker reads them; the server asks and shows. */
import { connectorById } from '../connectors/registry.ts';
import type { Policy } from '../schemas/policy.ts';
import { SystemAccountsAnswer } from '../schemas/system-accounts.ts';
import { namesByCorrelationKey } from '../store/read-systems.ts';
import { askSystems, newestAnswers } from '../store/system-requests.ts';
import type { HttpDeps } from './app-types.ts';

export interface HeldAccount {
  accountId: string;
  /** The person behind it, or null for an account that answers to nobody whom Usher knows. */
  person: string | null;
  vendorStatus: string;
  canLogIn: boolean;
  /** By the names of the policy, else by the vendor's id. */
  entitlements: string[];
}

export interface SystemAccounts {
  systemId: string;
  askedAt: string | null;
  /** Null as long as nothing was answered. */
  accounts: HeldAccount[] | null;
  error: string | null;
}

/** The newest answers; asks again when `isFresh` is wanted or where nothing was ever answered. */
export async function accountsOfSystems(deps: HttpDeps, policy: Policy, isFresh: boolean): Promise<SystemAccounts[]> {
  const targets = policy.systems.filter((system) => connectorById(system.connector)?.manifest.kind === 'target');
  const newest = await newestAnswers(deps.db, 'accounts');
  const unanswered = targets.map((system) => system.id).filter((id) => isFresh || !newest.has(id));
  await askSystems(deps.db, 'accounts', unanswered, deps.now());
  const parsed = targets.map((system) => {
    const answer = newest.get(system.id);
    const result = answer ? SystemAccountsAnswer.safeParse(answer.result) : null;
    return { systemId: system.id, askedAt: answer?.requestedAt.toISOString() ?? null, result };
  });
  const keys = parsed.flatMap(({ result }) =>
    result?.data?.outcome === 'listed' ? result.data.accounts.flatMap((account) => account.correlationKey ?? []) : [],
  );
  const names = await namesByCorrelationKey(deps.db, deps, keys);
  const labels = new Map(policy.entitlements.map((each) => [`${each.system} ${each.vendorId}`, each.id]));
  return parsed.map(({ systemId, askedAt, result }) => {
    if (result === null) return { systemId, askedAt, accounts: null, error: null };
    if (!result.success) return { systemId, askedAt, accounts: null, error: 'an answer of an unknown shape' };
    if (result.data.outcome === 'failed') return { systemId, askedAt, accounts: null, error: result.data.error };
    const accounts = result.data.accounts.map(({ vendorEntitlementIds, correlationKey, ...account }) => ({
      ...account,
      person: correlationKey === null ? null : (names.get(correlationKey) ?? null),
      entitlements: vendorEntitlementIds.map((id) => labels.get(`${systemId} ${id}`) ?? id),
    }));
    return { systemId, askedAt, accounts, error: null };
  });
}
