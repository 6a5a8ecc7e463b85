/** Attributes of people in Active Directory: read, compared, and written where they differ. */
import type { ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfileView, CallContext } from '../kit/contract.ts';
import { allOf, anyOf, equals, not } from '../kit/ldap/filters.ts';
import type { LdapChange } from '../kit/ldap/ldap-client.ts';
import { isRefusal, ldapCode } from '../kit/ldap/ldap-errors.ts';
import { type AdApi, findUsers, idOf, isUser, mustRead, readObject, readUser } from './api.ts';
import { guidBytes } from './guid.ts';
import { type AdUser, binaryAttributes, changedAttributes, profileViewOf } from './user.ts';

export async function readProfile(api: AdApi, accountId: string, ctx: CallContext): Promise<AccountProfileView | null> {
  const operation = 'readProfile';
  const read = await readUser(api, operation, accountId, ctx);
  if (read === null) return null;
  const { managerDn } = read.user;
  const managerId = managerDn === null ? null : await accountIdOf(api, operation, managerDn, ctx);
  return profileViewOf(read.user, managerId);
}

function accountIdOf(api: AdApi, operation: string, dn: string, ctx: CallContext): Promise<string | null> {
  return api.client.read(
    operation,
    async (connection) => {
      const entry = await readObject(connection, dn, isUser, binaryAttributes);
      return entry === null ? null : idOf(api, operation, entry);
    },
    ctx,
  );
}

/**
 * Writes what differs, all of it or nothing. Throws `conflict` for a login or address that another account has, and
 * `notFound` for a manager without an account.
 */
export async function assertProfile(
  api: AdApi,
  operation: string,
  { user, values }: { user: AdUser; values: ProfileValues },
  ctx: CallContext,
): Promise<'changed' | 'unchanged'> {
  const changed = changedAttributes(user, values);
  const managerDn = values.manager === undefined ? null : await dnOf(api, operation, values.manager, ctx);
  if (managerDn !== null && managerDn !== user.managerDn) changed.push(['manager', managerDn]);
  if (changed.length === 0) return 'unchanged';
  await refuseTaken(api, operation, { user, changed }, ctx);
  const changes = changed.map(([attribute, value]): LdapChange => ({
    operation: 'replace',
    attribute,
    values: [value],
  }));
  try {
    await api.client.write(operation, 'modify', (connection) => connection.modify(user.dn, changes), ctx);
  } catch (error) {
    if (!isRefusal(error, ldapCode.noSuchObject)) throw error;
    throw api.client.fail('propagating', operation, 'the account changed meanwhile');
  }
  return 'changed';
}

async function dnOf(api: AdApi, operation: string, accountId: string, ctx: CallContext): Promise<string> {
  return (await mustRead(api, operation, accountId, ctx)).user.dn;
}

/** Two accounts with one address, or (in older forests) one login, are allowed by the directory and a fault for people. */
async function refuseTaken(
  api: AdApi,
  operation: string,
  { user, changed }: { user: AdUser; changed: [string, string][] },
  ctx: CallContext,
): Promise<void> {
  const unique = changed.filter(([attribute]) => attribute === 'userPrincipalName' || attribute === 'mail');
  const own = guidBytes(user.accountId);
  if (unique.length === 0 || own === null) return;
  const isTaken = anyOf(...unique.map(([attribute, value]) => equals(attribute, value)));
  const { users } = await findUsers(api, operation, allOf(isTaken, not(equals('objectGUID', own))), ctx);
  if (users.length > 0) throw api.client.fail('conflict', operation, 'another account has this login or address');
}
