/**
 * Groups of one site (Jira, Confluence) that the directory does not provision. Their vendor ids are `site:<groupId>`:
 * a bare id is a group of the directory.
 */
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';
import { noReceipt } from '../kit/target-steps.ts';
import type { VendorClient } from '../kit/vendor-client.ts';

const prefix = 'site:';
const Group = z.object({ groupId: z.string().nullish(), name: z.string() });
const GroupPage = z.object({
  startAt: z.number().int(),
  isLast: z.boolean(),
  values: z.array(Group),
});
const Permissions = z.object({ permissions: z.record(z.string(), z.object({ havePermission: z.boolean() })) });
const Refusal = z.object({ errorMessages: z.array(z.string()).nullish() });

export const isSiteGroup = (vendorId: string): boolean => vendorId.startsWith(prefix);

/** Vendor ids of the site's groups that hold the account; those of the directory's names are left out. */
export async function siteGroupsOf(
  site: VendorClient,
  { operation, atlassianAccountId }: { operation: string; atlassianAccountId: string },
  directoryGroups: ReadonlySet<string>,
  ctx: CallContext,
): Promise<string[]> {
  const path = () => pathOf('rest', 'api', '3', 'user', 'groups');
  const params = () => ({ accountId: atlassianAccountId });
  // Null: the account has never been on this site.
  const reply = await site.callOrNull({ operation, method: 'GET', path, params, schema: z.array(Group) }, ctx);
  const own = (reply?.data ?? []).filter(({ name }) => !directoryGroups.has(name));
  return own.flatMap(({ groupId }) => (groupId == null ? [] : [`${prefix}${groupId}`]));
}

export interface SiteMembership {
  atlassianAccountId: string;
  vendorId: string;
  state: 'present' | 'absent';
}

/** Reads first: adding a member twice is a refusal at Jira. Throws `precondition` for a group that a directory owns. */
export async function ensureSiteMember(
  site: VendorClient,
  { atlassianAccountId, vendorId, state }: SiteMembership,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const held = await siteGroupsOf(site, { operation, atlassianAccountId }, new Set(), ctx);
  if (held.includes(vendorId) === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  const groupId = vendorId.slice(prefix.length);
  const path = () => pathOf('rest', 'api', '3', 'group', 'user');
  if (state === 'present') {
    const params = () => ({ groupId });
    const body = { accountId: atlassianAccountId };
    const call = { operation, method: 'POST' as const, path, params, body, schema: z.unknown() };
    return { outcome: 'changed', receipt: (await site.call(call, ctx)).receipt };
  }
  const params = () => ({ groupId, accountId: atlassianAccountId });
  const { receipt } = await site.call({ operation, method: 'DELETE', path, params, schema: z.unknown() }, ctx);
  return { outcome: 'changed', receipt };
}

/** One page of the site's groups; `isLast` proves the end. */
export async function listSiteGroups(
  site: VendorClient,
  { startAt, maxResults }: { startAt: number; maxResults: number },
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const operation = 'listEntitlements';
  const path = () => pathOf('rest', 'api', '3', 'group', 'bulk');
  const params = () => ({ startAt, maxResults });
  const { data } = await site.call({ operation, method: 'GET', path, params, schema: GroupPage }, ctx);
  if (!data.isLast && data.values.length === 0) {
    throw site.fail('transient', operation, 'the listing ended before its announced end');
  }
  const items = data.values.flatMap(({ groupId, name }) =>
    groupId == null ? [] : [{ vendorEntitlementId: `${prefix}${groupId}`, displayName: name }],
  );
  return { items, nextCursor: data.isLast ? null : String(startAt + data.values.length) };
}

/** Names of the permissions that the site's credential lacks. */
export async function missingPermissions(site: VendorClient, ctx: CallContext): Promise<string[]> {
  const needed = ['ADMINISTER', 'USER_PICKER'];
  const path = () => pathOf('rest', 'api', '3', 'mypermissions');
  const params = () => ({ permissions: needed.join(',') });
  const call = { operation: 'check', method: 'GET' as const, path, params, schema: Permissions };
  const { permissions } = (await site.call(call, ctx)).data;
  return needed.filter((name) => permissions[name]?.havePermission !== true);
}

/** Jira words what a directory owns as 400 or 403; why it throttles stands in a header. */
export function readSiteRefusal({ status, header, body }: VendorAnswer): DialectVerdict | null {
  const reason = header('ratelimit-reason');
  if (status === 429) return reason !== null && /^[\w-]{1,60}$/.test(reason) ? { vendorCode: reason } : null;
  const parsed = Refusal.safeParse(body);
  const said = parsed.success ? (parsed.data.errorMessages ?? []).join('\n') : '';
  const isOwnedElsewhere = (status === 400 || status === 403) && /read.?only|externally|synced|scim/i.test(said);
  return isOwnedElsewhere ? { code: 'precondition', vendorCode: 'groupOwnedElsewhere' } : null;
}
