/**
 * Okta Workforce Identity. An account's key is `profile.employeeNumber`: personId for accounts that Usher made, else
 * the HRIS key that an earlier provisioning wrote there; Usher never changes it. Only reads by id and `filter` count
 * as fresh: Okta's `search` is an index that may lag.
 */
import { z } from 'zod';
import { OwnedAttribute } from '../schemas/owned-attribute.ts';
import {
  type CallContext,
  type ConnectorRuntime,
  defineConnector,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { ensureAccount, updateProfile } from './okta/accounts.ts';
import { everyStatus, listUsers, type OktaApi, pageMax, readUser, viewOf } from './okta/api.ts';
import { check } from './okta/check.ts';
import { oktaScopes, openOkta } from './okta/credentials.ts';
import { findAccount } from './okta/find-account.ts';
import { ensureMember, groupsOf, listEntitlements } from './okta/groups.ts';
import { setLogin } from './okta/logins.ts';
import { adminRoles as standardRoles, adminRolesOf, ensureAdminRole, isAdminRole } from './okta/admin-roles.ts';
import { asStored, profileViewOf } from './okta/profile.ts';
import { residualSeconds, revokeSessions } from './okta/sessions.ts';
import { listUsage } from './okta/usage.ts';

export const OktaConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .describe('Address of your Okta organisation, as https://company.okta.com (without -admin)'),
    clientId: z
      .string()
      .min(1)
      .optional()
      .describe('Client ID of the API Services application (recommended; leave empty to use an API token)'),
    privateKey: z
      .string()
      .min(1)
      .optional()
      .describe('Private key of that application, as Okta shows it once: JWK or PEM'),
    keyId: z.string().min(1).optional().describe('Key ID (kid) of that key; needed for PEM, a JWK carries it'),
    token: z
      .string()
      .min(1)
      .optional()
      .describe('API token (Security > API > Tokens), where there is no API Services application'),
    sendActivationMail: z
      .boolean()
      .default(true)
      .describe('Okta mails the activation link to a new person; off where another system sends it'),
    adminRoles: z
      .boolean()
      .default(false)
      .describe('Whether administrator roles are entitlements too (needs the scope okta.roles.manage)'),
  })
  .refine(
    ({ token, clientId, privateKey }) =>
      (token === undefined) !== (clientId === undefined) && (clientId === undefined) === (privateKey === undefined),
    {
      path: ['clientId'],
      message: 'expected clientId with privateKey, or token',
    },
  );
export type OktaConfig = z.infer<typeof OktaConfig>;

export const okta = defineConnector<'target', OktaConfig>({
  manifest: {
    id: 'okta',
    displayName: 'Okta',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'full',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates: OwnedAttribute.options,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 1, delayMs: 1000, windowMs: 10_000 },
    ratePolicy: { callsPerMinute: 600 },
    scopes: oktaScopes,
    provedOn: ['vendorDescription'],
  },
  configSchema: OktaConfig,
  secretFields: ['token', 'privateKey'],
  create: createOkta,
});

function createOkta(runtime: ConnectorRuntime<OktaConfig>): TargetConnector {
  const { url, sendActivationMail, adminRoles } = runtime.config;
  const { client, missingScopes } = openOkta(runtime);
  const api: OktaApi = { client, url, sendActivationMail, hasAdminRoles: adminRoles };
  return {
    check: (ctx) => check(api, missingScopes, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: (accountId, ctx) => revokeSessions(api, accountId, ctx),
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, id, state, ctx) =>
      isAdminRole(id)
        ? ensureRole(api, { accountId, role: id, state }, ctx)
        : ensureMember(api, { accountId, groupId: id, state }, ctx),
    async listEntitlements(cursor, ctx) {
      const page = await listEntitlements(api, cursor, ctx);
      const isLast = page.nextCursor === null;
      return adminRoles && isLast ? { ...page, items: [...page.items, ...standardRoles()] } : page;
    },
    async readProfile(accountId, ctx) {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : profileViewOf(user);
    },
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: asStored,
    async listAccounts(cursor, ctx) {
      const page = await listUsers(api, { operation: 'listAccounts', cursor, query: { filter: everyStatus } }, ctx);
      return { items: page.items.map(viewOf), nextCursor: page.nextCursor };
    },
    listUsage: (since, cursor, ctx) => listUsage(api, since, cursor, ctx),
  };
}

async function listAccountEntitlements(api: OktaApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const groups = (await groupsOf(api, operation, accountId, ctx)).map(({ id }) => id);
  return api.hasAdminRoles ? [...groups, ...(await adminRolesOf(api, operation, accountId, ctx))] : groups;
}

function ensureRole(
  api: OktaApi,
  change: { accountId: string; role: string; state: 'present' | 'absent' },
  ctx: CallContext,
): Promise<WriteResult> {
  if (api.hasAdminRoles) return ensureAdminRole(api, change, ctx);
  const message = 'administrator roles are entitlements only where adminRoles is set';
  return Promise.reject(api.client.fail('unsupported', 'ensureEntitlement', message));
}
