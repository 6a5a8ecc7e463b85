/**
 * The contract over one SCIM service: what a connector of a product whose accounts are kept by SCIM needs, given a client
 * and quirks.
 */
import type { TargetConnector } from '../kit/contract.ts';
import { ensureAccount, findAccount, setLogin, updateProfile, viewOf } from './accounts.ts';
import { Group, listPage, readUser, type ScimApi } from './api.ts';
import { checkScim } from './check.ts';
import { ensureMember, listAccountEntitlements } from './groups.ts';
import { profileViewOf, User } from './profile.ts';

/** `url` is the base that `Users` and `Groups` follow; `check` knows vendors by its host. */
export function createScimTarget(api: ScimApi, url: string): TargetConnector {
  const unsupported = () => api.client.fail('unsupported', 'revokeSessions', 'SCIM cannot end sessions');
  return {
    check: (ctx) => checkScim(api, url, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    getAccount: async (accountId, ctx) => {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: () => Promise.reject(unsupported()),
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureMember(api, { accountId, groupId, state }, ctx),
    listEntitlements: async (cursor, ctx) => {
      const page = await listPage(api, { resource: 'Groups', schema: Group, cursor, withoutMembers: true }, ctx);
      const items = page.items.map(({ id, displayName }) => ({ vendorEntitlementId: id, displayName }));
      return { ...page, items };
    },
    readProfile: async (accountId, ctx) => {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : profileViewOf(user);
    },
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: (values) => values,
    listAccounts: async (cursor, ctx) => {
      const page = await listPage(api, { resource: 'Users', schema: User, cursor }, ctx);
      return { ...page, items: page.items.map(viewOf) };
    },
  };
}
