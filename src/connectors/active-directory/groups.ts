/**
 * Groups of Active Directory by objectGUID. Whether an account is in one is asked by a filter on `member`: the answer is
 * the same for a group of three and of thirty thousand, whose members a domain controller shows 1,500 at a time.
 */
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { allOf, equals } from '../kit/ldap/filters.ts';
import type { LdapChange } from '../kit/ldap/ldap-client.ts';
import { textOf } from '../kit/ldap/ldap-entry.ts';
import { isRefusal, ldapCode } from '../kit/ldap/ldap-errors.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { type AdApi, idOf, isGroup, mustRead, readObject } from './api.ts';
import { guidDn } from './guid.ts';
import { listObjects } from './lists.ts';
import { binaryAttributes } from './user.ts';

/** Direct memberships. The primary group (Domain Users) is none of them: it is a number at the account. */
export async function listGroupsOf(api: AdApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const { user } = await mustRead(api, operation, accountId, ctx);
  return api.client.read(
    operation,
    async (connection) => {
      const filter = allOf(isGroup, equals('member', user.dn));
      const query = { base: api.groupBaseDn, scope: 'sub' as const, filter, attributes: binaryAttributes };
      const groups = await connection.search({ ...query, binary: binaryAttributes });
      return groups.map((entry) => idOf(api, operation, entry));
    },
    ctx,
  );
}

export async function listGroups(api: AdApi, cursor: string | null, ctx: CallContext): Promise<Page<EntitlementView>> {
  const operation = 'listEntitlements';
  const attributes = [...binaryAttributes, 'cn', 'sAMAccountName'];
  const listing = { operation, cursor, base: api.groupBaseDn, filter: isGroup, attributes };
  const { items, nextCursor } = await listObjects(api, listing, ctx);
  const views = items.map((entry) => {
    const vendorEntitlementId = idOf(api, operation, entry);
    return { vendorEntitlementId, displayName: textOf(entry, 'cn') ?? textOf(entry, 'sAMAccountName') ?? entry.dn };
  });
  return { items: views, nextCursor };
}

interface Membership {
  accountId: string;
  groupId: string;
  state: 'present' | 'absent';
}

/** Asked, written, and, where the directory says that there is nothing to do, asked again. */
export async function ensureMember(
  api: AdApi,
  { accountId, groupId, state }: Membership,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const { user } = await mustRead(api, operation, accountId, ctx);
  const before = await readMembership(api, operation, { groupId, userDn: user.dn }, ctx);
  if (before === null) {
    if (state === 'absent') return { outcome: 'unchanged', receipt: noReceipt };
    throw api.client.fail('notFound', operation, 'the group does not exist');
  }
  const isPresent = state === 'present';
  if (before.isMember === isPresent) return { outcome: 'unchanged', receipt: noReceipt };
  const verb = isPresent ? 'add' : 'delete';
  const change: LdapChange = { operation: verb, attribute: 'member', values: [user.dn] };
  try {
    await api.client.write(operation, 'modify', (connection) => connection.modify(before.dn, [change]), ctx);
    return { outcome: 'changed', receipt: noReceipt };
  } catch (error) {
    // 68 stands for "is a member", 53 for "is none" and for a refusal: only a read tells them apart.
    if (!isRefusal(error, ldapCode.entryExists, ldapCode.valueExists, ldapCode.unwilling, ldapCode.noSuchAttribute))
      throw error;
    const after = await readMembership(api, operation, { groupId, userDn: user.dn }, ctx);
    if (after?.isMember === isPresent) return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
}

async function readMembership(
  api: AdApi,
  operation: string,
  { groupId, userDn }: { groupId: string; userDn: string },
  ctx: CallContext,
): Promise<{ dn: string; isMember: boolean } | null> {
  const base = guidDn(groupId);
  if (base === null) return null;
  return api.client.read(
    operation,
    async (connection) => {
      const group = await readObject(connection, base, isGroup, binaryAttributes);
      if (group === null) return null;
      const hit = await readObject(connection, base, allOf(isGroup, equals('member', userDn)), binaryAttributes);
      return { dn: group.dn, isMember: hit !== null };
    },
    ctx,
  );
}
