/** Group memberships of Google Workspace: direct ones, for only those can be given and taken. */
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { collectPages } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { settling } from './accounts.ts';
import { directoryPath, type GoogleApi, isUserId, listPage, mustRead } from './directory.ts';
import { missing } from './refusals.ts';

const Group = z.object({ id: z.string().min(1), name: z.string().nullish(), email: z.string().nullish() });
type Group = z.infer<typeof Group>;

const pageMax = 200;
const operation = 'ensureEntitlement';

interface GroupListing {
  operation: string;
  cursor: string | null;
  /** Of whom; else all groups. */
  userKey?: string;
  top?: number;
}

export function listGroups(
  api: GoogleApi,
  { operation, cursor, userKey, top = pageMax }: GroupListing,
  ctx: CallContext,
): Promise<Page<Group>> {
  // Google takes either a user or a customer.
  const whose = userKey === undefined ? { customer: api.config.customerId } : { userKey };
  const query = () => ({ ...whose, maxResults: top, fields: 'nextPageToken,groups(id,name,email)' });
  return listPage(api, { operation, of: 'groups', schema: Group, cursor, query }, ctx);
}

export async function listEntitlements(
  api: GoogleApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const page = await listGroups(api, { operation: 'listEntitlements', cursor }, ctx);
  const toView = ({ id, name, email }: Group) => ({ vendorEntitlementId: id, displayName: name || email || id });
  return { ...page, items: page.items.map(toView) };
}

export async function listAccountEntitlements(api: GoogleApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  if (!isUserId(accountId)) throw api.client.fail('notFound', operation, 'the account does not exist');
  const groups = await collectPages((cursor) => listGroups(api, { operation, cursor, userKey: accountId }, ctx), {
    systemId: api.client.systemId,
    operation,
  });
  return groups.map(({ id }) => id);
}

export async function ensureEntitlement(
  api: GoogleApi,
  accountId: string,
  groupId: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const { client } = api;
  const path = () => directoryPath('groups', groupId, 'members', accountId);
  const params = () => ({ fields: 'id' });
  try {
    await client.call({ operation, method: 'GET', path, params, schema: z.object({ id: z.string() }) }, ctx);
    if (state === 'present') return { outcome: 'unchanged', receipt: noReceipt };
  } catch (error) {
    if (!isConnectorError(error, 'notFound')) throw error;
    const isGroupGone = error.detail.vendorCode !== missing('memberKey');
    if (isGroupGone && state === 'present') throw client.fail('notFound', operation, 'the group does not exist');
    if (isGroupGone) return { outcome: 'unchanged', receipt: noReceipt };
    // "No such member" is also what Google says of an account that does not exist.
    const { primaryEmail } = await mustRead(api, operation, accountId, ctx);
    if (state === 'absent') return { outcome: 'unchanged', receipt: noReceipt };
    return insert(api, groupId, primaryEmail, ctx);
  }
  return remove(api, accountId, groupId, ctx);
}

async function insert(api: GoogleApi, groupId: string, email: string, ctx: CallContext): Promise<WriteResult> {
  const path = () => directoryPath('groups', groupId, 'members');
  const body = { email, role: 'MEMBER' };
  try {
    const { receipt } = await api.client.call({ operation, method: 'POST', path, body, schema: z.unknown() }, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    if (isConnectorError(error, 'conflict')) return { outcome: 'unchanged', receipt: noReceipt };
    // Group and account were just read: one part of Google does not know the account yet.
    if (isConnectorError(error, 'notFound')) throw settling(api, operation, 'the account is not known to groups yet');
    throw error;
  }
}

async function remove(api: GoogleApi, accountId: string, groupId: string, ctx: CallContext): Promise<WriteResult> {
  const path = () => directoryPath('groups', groupId, 'members', accountId);
  try {
    const { receipt } = await api.client.call({ operation, method: 'DELETE', path, schema: z.unknown() }, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    if (isConnectorError(error, 'notFound')) return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
}
