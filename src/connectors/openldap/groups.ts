/**
 * Groups of OpenLDAP by entryUUID. Who holds what is asked of the groups: the memberOf overlay may be missing, and where
 * it was added later it knows nothing of older memberships.
 */
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { allOf, equals } from '../kit/ldap/filters.ts';
import type { LdapChange, LdapConnection } from '../kit/ldap/ldap-client.ts';
import { textOf } from '../kit/ldap/ldap-entry.ts';
import { isRefusal, ldapCode } from '../kit/ldap/ldap-errors.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isEntryId, listObjects, mustRead, type OpenLdapApi, readObject } from './api.ts';

const memberAttribute = { groupOfNames: 'member', groupOfUniqueNames: 'uniqueMember' } as const;
const isGroup = (api: OpenLdapApi) => equals('objectClass', api.groupClass);
const hasMember = (api: OpenLdapApi, dn: string) => equals(memberAttribute[api.groupClass], dn);

export async function listGroupsOf(api: OpenLdapApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const { person } = await mustRead(api, operation, accountId, ctx);
  return api.client.read(
    operation,
    async (connection) => {
      const filter = allOf(isGroup(api), hasMember(api, person.dn));
      const query = { base: api.groupBaseDn, scope: 'sub' as const, filter, attributes: ['entryUUID'] };
      const ids = (await connection.search(query)).map((entry) => textOf(entry, 'entryUUID'));
      if (ids.includes(null)) throw api.client.fail('auth', operation, 'entryUUID cannot be read');
      return ids.filter((id) => id !== null);
    },
    ctx,
  );
}

export async function listGroups(
  api: OpenLdapApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const operation = 'listEntitlements';
  const listing = { operation, cursor, base: api.groupBaseDn, filter: isGroup(api), attributes: ['entryUUID', 'cn'] };
  return listObjects(
    api,
    {
      ...listing,
      read: (_connection, entries) =>
        Promise.resolve(
          entries.map((entry) => {
            const vendorEntitlementId = textOf(entry, 'entryUUID');
            if (vendorEntitlementId === null) throw api.client.fail('auth', operation, 'entryUUID cannot be read');
            return { vendorEntitlementId, displayName: textOf(entry, 'cn') ?? entry.dn };
          }),
        ),
    },
    ctx,
  );
}

interface Membership {
  accountId: string;
  groupId: string;
  state: 'present' | 'absent';
}

export async function ensureMember(
  api: OpenLdapApi,
  { accountId, groupId, state }: Membership,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const { person } = await mustRead(api, operation, accountId, ctx);
  const before = await readMembership(api, operation, { groupId, personDn: person.dn }, ctx);
  if (before === null) {
    if (state === 'absent') return { outcome: 'unchanged', receipt: noReceipt };
    throw api.client.fail('notFound', operation, 'the group does not exist');
  }
  const isPresent = state === 'present';
  if (before.isMember === isPresent) return { outcome: 'unchanged', receipt: noReceipt };
  const work = (connection: LdapConnection) =>
    writeMember(api, connection, { groupDn: before.dn, person: person.dn, isPresent });
  try {
    await api.client.write(operation, 'modify', work, ctx);
    return { outcome: 'changed', receipt: noReceipt };
  } catch (error) {
    // "Is a member already" and "is none": somebody else was faster, to the same end.
    if (isRefusal(error, ldapCode.valueExists, ldapCode.noSuchAttribute))
      return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
}

async function writeMember(
  api: OpenLdapApi,
  connection: LdapConnection,
  { groupDn, person, isPresent }: { groupDn: string; person: string; isPresent: boolean },
): Promise<void> {
  const attribute = memberAttribute[api.groupClass];
  const change: LdapChange = { operation: isPresent ? 'add' : 'delete', attribute, values: [person] };
  try {
    await connection.modify(groupDn, [change]);
  } catch (error) {
    if (isPresent || !isRefusal(error, ldapCode.objectClassViolation)) throw error;
    // The last member: one who stands for nobody comes in the same change.
    await connection.modify(groupDn, [{ operation: 'add', attribute, values: [api.placeholderDn] }, change]);
  }
}

async function readMembership(
  api: OpenLdapApi,
  operation: string,
  { groupId, personDn }: { groupId: string; personDn: string },
  ctx: CallContext,
): Promise<{ dn: string; isMember: boolean } | null> {
  if (!isEntryId(groupId)) return null;
  return api.client.read(
    operation,
    async (connection) => {
      const filter = allOf(isGroup(api), equals('entryUUID', groupId));
      const query = { base: api.groupBaseDn, scope: 'sub' as const, filter, attributes: ['entryUUID'] };
      const [group] = await connection.search(query);
      if (group === undefined) return null;
      const hit = await readObject(connection, group.dn, hasMember(api, personDn), ['entryUUID']);
      return { dn: group.dn, isMember: hit !== null };
    },
    ctx,
  );
}
