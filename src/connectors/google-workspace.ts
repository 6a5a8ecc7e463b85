/**
 * Google Workspace through the Directory API. personId stands among the external ids of an account, under a type of its
 * own; the employee number beside it is HR's and never written. Searches lag behind, so that only reads by id count.
 * Licences and the transfer of files have APIs of their own and no part here.
 */
import {
  type ConnectorRuntime,
  type CheckResult,
  type CallContext,
  defineConnector,
  type TargetConnector,
} from './kit/contract.ts';
import { createVendorClient } from './kit/vendor-client.ts';
import { ensureAccount, findAccount, readProfile, setLogin, updateProfile } from './google-workspace/accounts.ts';
import { googleScopes, GoogleWorkspaceConfig } from './google-workspace/config.ts';
import { createGoogleCredentials, isNotDelegated } from './google-workspace/credentials.ts';
import { type GoogleApi, listUsers, pageMax, readUser } from './google-workspace/directory.ts';
import { ensureEntitlement, listAccountEntitlements, listEntitlements, listGroups } from './google-workspace/groups.ts';
import { asStored, profileUpdates, viewOf } from './google-workspace/profile.ts';
import { readGoogleRefusal } from './google-workspace/refusals.ts';
import { residualSeconds, revokeSessions } from './google-workspace/sessions.ts';
import { listUsage } from './google-workspace/usage.ts';

export const googleWorkspace = defineConnector<'target', GoogleWorkspaceConfig>({
  manifest: {
    id: 'google-workspace',
    displayName: 'Google Workspace',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'full',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 5_000, windowMs: 300_000 },
    // The quota of a project is 2400 calls a minute for one user; others work in it too.
    ratePolicy: { callsPerMinute: 1200 },
    scopes: googleScopes,
    provedOn: ['vendorDescription'],
  },
  configSchema: GoogleWorkspaceConfig,
  secretFields: ['serviceAccountKey'],
  create: createGoogleWorkspace,
});

function createGoogleWorkspace(runtime: ConnectorRuntime<GoogleWorkspaceConfig>): TargetConnector {
  const { config } = runtime;
  const credentials = createGoogleCredentials(runtime);
  const { tokens } = credentials;
  const client = createVendorClient(runtime, { baseUrl: config.url }, { dialect: readGoogleRefusal, tokens });
  const api: GoogleApi = { client, config, credentials };
  return {
    check: (ctx) => check(api, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: (accountId, ctx) => revokeSessions(api, accountId, ctx),
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureEntitlement(api, accountId, groupId, state, ctx),
    listEntitlements: (cursor, ctx) => listEntitlements(api, cursor, ctx),
    readProfile: (accountId, ctx) => readProfile(api, accountId, ctx),
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: asStored,
    async listAccounts(cursor, ctx) {
      const page = await listUsers(api, { operation: 'listAccounts', cursor }, ctx);
      return { ...page, items: page.items.map(viewOf) };
    },
    listUsage: (since, cursor, ctx) => listUsage(api, since, cursor, ctx),
  };
}

/** Google refuses a token for all scopes where one is missing, so that each is asked for alone to name it. */
async function check(api: GoogleApi, ctx: CallContext): Promise<CheckResult> {
  try {
    await listUsers(api, { operation: 'check', cursor: null, top: 1 }, ctx);
    await listGroups(api, { operation: 'check', cursor: null, top: 1 }, ctx);
  } catch (error) {
    if (!isNotDelegated(error)) throw error;
    const missing = await api.credentials.missingScopes();
    const findings = missing.map((scope) => ({
      level: 'error' as const,
      text: `The domain-wide delegation lacks the scope ${scope}.`,
    }));
    // Each alone is given, together they are not: Google has not spread the delegation yet.
    if (findings.length === 0)
      findings.push({ level: 'error', text: 'The domain-wide delegation is not in force yet.' });
    return { isHealthy: false, findings };
  }
  return {
    isHealthy: true,
    findings: [{ level: 'ok', text: 'Users and groups can be read; all scopes are delegated.' }],
  };
}
