/**
 * Groups as entitlements. Members are given by hand in groups of the type OKTA_GROUP only: an application fills those
 * that it imported (APP_GROUP), Okta its own (BUILT_IN). A group rule gives memberships of an OKTA_GROUP beside those
 * given by hand; such a membership cannot be taken by hand as long as the rule gives it.
 * https://developer.okta.com/docs/api/openapi/okta-management/management/tags/group/
 */
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { collectPages } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { type Listing, listPage, type OktaApi, pageMax } from './api.ts';

export const Group = z.object({ id: z.string().min(1), type: z.string(), profile: z.object({ name: z.string() }) });
export type Group = z.infer<typeof Group>;

const GroupRule = z.object({
  status: z.string(),
  actions: z.object({ assignUserToGroups: z.object({ groupIds: z.array(z.string()) }).nullish() }).nullish(),
});

export function listGroups(api: OktaApi, listing: Listing, ctx: CallContext): Promise<Page<Group>> {
  return listPage(api, ['groups'], Group, { ...listing, query: { limit: pageMax, ...listing.query } }, ctx);
}

/** Groups that Usher can write. Those that a rule fills as well say so in their name, for reviewers to see. */
export async function listEntitlements(
  api: OktaApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const operation = 'listEntitlements';
  const page = await listGroups(api, { operation, cursor }, ctx);
  const writable = page.items.filter(({ type }) => type === 'OKTA_GROUP');
  const ruled = writable.length === 0 ? new Set<string>() : await groupsWithRules(api, operation, ctx);
  const nameOf = ({ id, profile }: Group) =>
    ruled.has(id) ? `${profile.name} (filled by a group rule)` : profile.name;
  return {
    items: writable.map((group) => ({ vendorEntitlementId: group.id, displayName: nameOf(group) })),
    nextCursor: page.nextCursor,
  };
}

/** The groups of an account without those that Okta fills by itself, such as Everyone: nobody can leave them. */
export async function groupsOf(api: OktaApi, operation: string, accountId: string, ctx: CallContext): Promise<Group[]> {
  const groups = await collectPages(
    (cursor) => listPage(api, ['users', accountId, 'groups'], Group, { operation, cursor }, ctx),
    { systemId: api.client.systemId, operation },
  );
  return groups.filter(({ type }) => type !== 'BUILT_IN');
}

/**
 * Throws `notFound` for a group that does not exist, `unsupported` for one whose members Okta or an application gives,
 * and `precondition` where a group rule holds on to the membership.
 */
export async function ensureMember(
  api: OktaApi,
  { accountId, groupId, state }: { accountId: string; groupId: string; state: 'present' | 'absent' },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const isMember = (await groupsOf(api, operation, accountId, ctx)).some(({ id }) => id === groupId);
  if (isMember === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  await refuseUnwritable(api, operation, groupId, ctx);
  const path = () => pathOf('api', 'v1', 'groups', groupId, 'users', accountId);
  const method = state === 'present' ? 'PUT' : 'DELETE';
  try {
    const { receipt } = await api.client.call({ operation, method, path, schema: z.unknown() }, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    const isRefusal = isConnectorError(error, 'auth', 'precondition', 'validation', 'conflict');
    if (state === 'present' || !isRefusal) throw error;
    // Okta refuses with the code of a missing permission; whether it is one can only be told by the rules.
    if (!(await groupsWithRules(api, operation, ctx)).has(groupId)) throw error;
    throw api.client.fail(
      'precondition',
      operation,
      'a group rule gives this membership: change the rule, or the attribute that it looks at',
    );
  }
}

async function refuseUnwritable(api: OktaApi, operation: string, groupId: string, ctx: CallContext): Promise<void> {
  const path = () => pathOf('api', 'v1', 'groups', groupId);
  const { data } = await api.client.call({ operation, method: 'GET', path, schema: Group }, ctx);
  if (data.id !== groupId) throw api.client.fail('transient', operation, 'the answer is about another group');
  if (data.type === 'OKTA_GROUP') return;
  const who = data.type === 'BUILT_IN' ? 'Okta itself' : 'the application that it was imported from';
  throw api.client.fail('unsupported', operation, `the members of this group are given by ${who}`);
}

/** Groups that an active rule fills; none where our rights do not reach to the rules. */
async function groupsWithRules(api: OktaApi, operation: string, ctx: CallContext): Promise<Set<string>> {
  const fetchPage = (cursor: string | null) =>
    listPage(api, ['groups', 'rules'], GroupRule, { operation, cursor, query: { limit: pageMax } }, ctx);
  try {
    const rules = await collectPages(fetchPage, { systemId: api.client.systemId, operation });
    const active = rules.filter(({ status }) => status === 'ACTIVE');
    return new Set(active.flatMap(({ actions }) => actions?.assignUserToGroups?.groupIds ?? []));
  } catch (error) {
    if (isConnectorError(error, 'auth')) return new Set();
    throw error;
  }
}
