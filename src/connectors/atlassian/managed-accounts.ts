/**
 * Managed accounts: those whose address is on a verified domain of the organisation, whether the directory provisions them
 * or not. Who was last active, who may log in, and the API tokens that outlive a session stand here and not in SCIM.
 */
import { z } from 'zod';
import type { AccountView, CallContext, Page, UsageView, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { nextLinkCursor } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import type { VendorClient } from '../kit/vendor-client.ts';

/** The organisation's part of api.atlassian.com, with its own key. */
export interface OrganizationApi {
  client: VendorClient;
  baseUrl: string;
  organizationId: string;
}

const text = z.string().nullish();

const ManagedAccount = z.object({
  account_id: z.string().min(1),
  account_type: z.string(),
  account_status: z.string(),
  name: text,
  last_active: text,
});
export type ManagedAccount = z.infer<typeof ManagedAccount>;

const ManagedAccounts = z.object({ data: z.array(ManagedAccount), links: z.object({ next: text }).nullish() });
const Profile = z.object({ account: ManagedAccount });
const ApiTokens = z.array(z.object({ id: z.string().min(1) }));

/** One page of all managed accounts, apps left out. */
export async function listManagedAccounts(
  api: OrganizationApi,
  { operation, cursor }: { operation: string; cursor: string | null },
  ctx: CallContext,
): Promise<Page<ManagedAccount>> {
  const path = () => pathOf('admin', 'v1', 'orgs', api.organizationId, 'users');
  const params = () => (cursor === null ? {} : { cursor });
  const call = { operation, method: 'GET' as const, path, params, schema: ManagedAccounts };
  const { data, links } = (await api.client.call(call, ctx)).data;
  const link = links?.next == null ? null : `<${links.next}>; rel="next"`;
  const guard = { systemId: api.client.systemId, operation };
  const nextCursor = nextLinkCursor(link, 'cursor', api.baseUrl, guard);
  return { items: data.filter(({ account_type: type }) => type !== 'app'), nextCursor };
}

/** Fresh read by Atlassian account id; null where the organisation manages no such account. */
export async function readManagedAccount(
  api: OrganizationApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<AccountView | null> {
  if (!isAtlassianAccountId(accountId)) return null;
  const path = () => pathOf('users', accountId, 'manage', 'profile');
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: Profile }, ctx);
  if (reply === null) return null;
  if (reply.data.account.account_id !== accountId) {
    throw api.client.fail('transient', operation, 'the answer is about another account');
  }
  return managedView(reply.data.account);
}

/** The form of Atlassian's account ids; what has another form is not asked for. */
export function isAtlassianAccountId(accountId: string): boolean {
  return /^[A-Za-z0-9:_-]{1,128}$/.test(accountId);
}

/** A status that is not known here counts as a login that works: a leaver is then looked at, not passed over. */
export function managedView({ account_id: accountId, account_status: status, name }: ManagedAccount): AccountView {
  const canLogIn = status !== 'inactive' && status !== 'closed';
  return { accountId, userName: name ?? accountId, correlationKey: null, vendorStatus: status, canLogIn };
}

/** Blocks or unblocks the account for all of Atlassian. SCIM-provisioned accounts are not changed this way. */
export async function setManagedLogin(
  api: OrganizationApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const account = await readManagedAccount(api, operation, accountId, ctx);
  if (account === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  if (account.vendorStatus === 'closed' && state === 'enabled') {
    throw api.client.fail('precondition', operation, 'the deletion of the account has to be cancelled first');
  }
  if (account.canLogIn === (state === 'enabled')) return { outcome: 'unchanged', receipt: noReceipt };
  const path = () => pathOf('users', accountId, 'manage', 'lifecycle', state === 'enabled' ? 'enable' : 'disable');
  const body = state === 'enabled' ? {} : { body: { message: 'Disabled by the organisation' } };
  const call = { operation, method: 'POST' as const, path, ...body, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
}

/** Deletes every API token of the account, one call each. */
export async function deleteApiTokens(api: OrganizationApi, accountId: string, ctx: CallContext): Promise<WriteResult> {
  const operation = 'revokeSessions';
  const segments = ['users', accountId, 'manage', 'api-tokens'];
  const list = { operation, method: 'GET' as const, path: () => pathOf(...segments), schema: ApiTokens };
  const { data: tokens } = await api.client.call(list, ctx);
  let result: WriteResult = { outcome: 'unchanged', receipt: noReceipt };
  for (const { id } of tokens) {
    const path = () => pathOf(...segments, id);
    // Null: the person, or another attempt, was faster.
    const reply = await api.client.callOrNull({ operation, method: 'DELETE', path, schema: z.unknown() }, ctx);
    if (reply !== null) result = { outcome: 'changed', receipt: reply.receipt };
  }
  return result;
}

/** A row where Atlassian says a day; where it says none, nothing is known. */
export function usageOf(account: ManagedAccount, accountId: string, since: string | null): UsageView[] {
  const atMs = Date.parse(account.last_active ?? '');
  if (Number.isNaN(atMs) || (since !== null && atMs < Date.parse(since))) return [];
  return [{ accountId, vendorEntitlementId: null, lastUsedAt: new Date(atMs).toISOString() }];
}
