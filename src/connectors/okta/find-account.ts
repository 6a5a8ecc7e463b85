/**
 * Which of Okta's accounts is the person's. By stored id; else by the search index, whose hits are read again by id; else
 * among the accounts that changed lately: `search` is an index that lags, and `filter`, which is fresh, does not know
 * `employeeNumber`. An account that got its key within the lag has changed within it, so that these few pages stand for
 * reading everybody (50 calls among 10,000 people). This is what keeps a second account from being made after a lost answer.
 */
import type { CallContext, CorrelationKeys, FindAccountResult } from '../kit/contract.ts';
import { oktaEqualsAny, scimGreaterThan } from '../kit/escape.ts';
import { collectPages } from '../kit/paging.ts';
import { uniqueAccount } from '../kit/target-steps.ts';
import { everyStatus, listUsers, type OktaApi, readUser, viewOf } from './api.ts';
import type { User } from './profile.ts';

const operation = 'findAccount';
/** Far more than the seconds to minutes by which the index is behind. */
const indexLagMs = 24 * 3_600_000;

export async function findAccount(api: OktaApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const isWanted = (user: User | null): user is User => user !== null && wanted.has(user.profile.employeeNumber ?? '');
  const search = oktaEqualsAny('profile.employeeNumber', [...wanted]);
  const { users: hits, answeredAtMs } = await listAll(api, { search }, ctx);
  const fresh: User[] = [];
  for (const { id } of hits) {
    const user = await readUser(api, operation, id, ctx);
    if (isWanted(user)) fresh.push(user);
  }
  if (fresh.length === 0) {
    // By Okta's own clock. Without it, nothing less than everybody proves that there is no such account.
    const filter =
      answeredAtMs === null
        ? everyStatus
        : scimGreaterThan('lastUpdated', new Date(answeredAtMs - indexLagMs).toISOString());
    fresh.push(...(await listAll(api, { filter }, ctx)).users.filter(isWanted));
  }
  return uniqueAccount(fresh.map(viewOf));
}

/** The account with that login, only if its key is one of the person's: the login alone proves nothing. */
export async function findByLogin(
  api: OktaApi,
  login: string,
  keys: CorrelationKeys,
  ctx: CallContext,
): Promise<FindAccountResult> {
  const filter = oktaEqualsAny('profile.login', [login]);
  const { items } = await listUsers(api, { operation: 'ensureAccount', cursor: null, query: { filter } }, ctx);
  const wanted = [keys.personId, ...keys.sourceKeys];
  return uniqueAccount(items.filter(({ profile }) => wanted.includes(profile.employeeNumber ?? '')).map(viewOf));
}

/** All that fit, and when the first page was answered. */
async function listAll(api: OktaApi, query: Record<string, string>, ctx: CallContext) {
  let answeredAtMs: number | null = null;
  const fetchPage = async (cursor: string | null) => {
    const page = await listUsers(api, { operation, cursor, query }, ctx);
    if (cursor === null) answeredAtMs = page.answeredAtMs;
    return page;
  };
  const users = await collectPages(fetchPage, { systemId: api.client.systemId, operation });
  return { users, answeredAtMs: answeredAtMs as number | null };
}
