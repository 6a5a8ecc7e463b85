/**
 * Microsoft Entra ID through Microsoft Graph. personId stands in an extension attribute: `employeeId` holds 16 characters
 * only and belongs to HR, whose key is read there and never written. What Graph was just told, another replica may not
 * know for minutes; a directory on premises may own the account; Graph counts licences by group.
 */
import { OwnedAttribute } from '../schemas/owned-attribute.ts';
import { type ConnectorRuntime, defineConnector, type TargetConnector } from './kit/contract.ts';
import { createVendorClient } from './kit/vendor-client.ts';
import {
  ensureAccount,
  findAccount,
  listUsers,
  residualSeconds,
  revokeSessions,
  setLogin,
  updateProfile,
} from './entra/accounts.ts';
import { check, entraScopes } from './entra/check.ts';
import { EntraConfig, slotOf } from './entra/config.ts';
import { createEntraTokens } from './entra/credentials.ts';
import { type EntraApi, pageMax, readUser } from './entra/graph.ts';
import { ensureEntitlement, listAccountEntitlements, listEntitlements } from './entra/groups.ts';
import { asStored, profileViewOf, viewOf } from './entra/profile.ts';
import { readGraphRefusal } from './entra/refusals.ts';
import { listUsage } from './entra/usage.ts';

export const entra = defineConnector<'target', EntraConfig>({
  manifest: {
    id: 'entra',
    displayName: 'Microsoft Entra ID',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'refreshOnly',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates: OwnedAttribute.options,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 5, delayMs: 5_000, windowMs: 720_000 },
    // 3000 writes in 150 seconds for one application in one tenant.
    ratePolicy: { callsPerMinute: 1200 },
    scopes: entraScopes,
    provedOn: ['vendorDescription'],
  },
  configSchema: EntraConfig,
  secretFields: ['credential'],
  create: createEntra,
});

function createEntra(runtime: ConnectorRuntime<EntraConfig>): TargetConnector {
  const { config } = runtime;
  const tokens = createEntraTokens(runtime);
  const client = createVendorClient(runtime, { baseUrl: config.url }, { dialect: readGraphRefusal, tokens });
  const api: EntraApi = { client, config, tokens };
  const slot = slotOf(config);
  return {
    check: (ctx) => check(api, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user, slot);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: (accountId, ctx) => revokeSessions(api, accountId, ctx),
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureEntitlement(api, accountId, groupId, state, ctx),
    listEntitlements: (cursor, ctx) => listEntitlements(api, cursor, ctx),
    async readProfile(accountId, ctx) {
      const user = await readUser(api, 'readProfile', accountId, ctx, { $expand: 'manager' });
      return user === null ? null : profileViewOf(user, slot);
    },
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: asStored,
    async listAccounts(cursor, ctx) {
      const page = await listUsers(api, 'listAccounts', cursor, ctx);
      return { ...page, items: page.items.map((user) => viewOf(user, slot)) };
    },
    listUsage: (since, cursor, ctx) => listUsage(api, since, cursor, ctx),
  };
}
