/**
 * A GitHub organisation. People bring their own GitHub accounts: creating means inviting, and nobody but the person can
 * accept. There is no suspension: disabling removes the membership. Whom an account stands for is said by SCIM's
 * `externalId` or SAML's NameID, never by an address. What the parts do is in `github/`.
 */
import { z } from 'zod';
import type { ProfileValues } from '../schemas/owned-attribute.ts';
import { createInstallationTokens } from './github/app-token.ts';
import { type GithubApi, GithubUser, identitiesFor, listRest, listScimUsers, ScimUser } from './github/api.ts';
import { listAccounts } from './github/listing.ts';
import {
  findAccount,
  type GithubPerson,
  isProvisioned,
  mustReadPerson,
  readPerson,
  readScimUser,
  viewOf,
} from './github/people.ts';
import { differences, githubAttributes, profileChanges, profileViewOf, resourceOf } from './github/profile.ts';
import { readGithubRefusal } from './github/refusals.ts';
import { endCredentials, setLogin } from './github/standing.ts';
import { ensureTeam, listEntitlements, teamsOfAccount } from './github/teams.ts';
import {
  type AccountProfile,
  type AccountProfileView,
  type CallContext,
  type CheckResult,
  type ConnectorRuntime,
  type CorrelationKeys,
  defineConnector,
  type EnsureAccountResult,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { pathOf } from './kit/escape.ts';
import { ensureByKeys, noReceipt } from './kit/target-steps.ts';
import { createVendorClient, isConnectorError } from './kit/vendor-client.ts';

const pageMax = 100;
/** A session of SAML single sign-on lasts a day where the identity provider names no other time. */
const residualSeconds = 86_400;

export const GithubConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://api.github.com')
      .describe('Address of the API; another one only for data residency (https://api.TENANT.ghe.com)'),
    organization: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/)
      .describe('Name of the organisation, as in github.com/NAME'),
    identities: z
      .enum(['scim', 'saml', 'none'])
      .default('scim')
      .describe('How people are known: scim (Enterprise Cloud with SCIM), saml (NameID is the HR key) or none'),
    appId: z.string().regex(/^\d+$/).optional().describe('App ID, on the page of the GitHub App'),
    installationId: z
      .string()
      .regex(/^\d+$/)
      .optional()
      .describe('Installation ID, the number at the end of the address of the installed App'),
    privateKey: z.string().min(1).optional().describe('Private key of the App, the whole PEM file'),
    token: z.string().min(1).optional().describe('Instead of an App: fine-grained token of an organisation owner'),
    pageMax: z.number().int().min(1).max(pageMax).default(pageMax).describe('People and teams per page, at most 100'),
  })
  .refine(({ appId, installationId, privateKey, token }) => {
    const hasApp = appId !== undefined && installationId !== undefined && privateKey !== undefined;
    return hasApp || token !== undefined;
  }, 'either appId, installationId and privateKey, or token');
export type GithubConfig = z.infer<typeof GithubConfig>;

export const github = defineConnector<'target', GithubConfig>({
  manifest: {
    id: 'github',
    displayName: 'GitHub organisation',
    kind: 'target',
    capabilities: {
      // Enabled again is invited again: team memberships and private forks are gone.
      suspend: 'destructive',
      sessionRevocation: 'refreshOnly',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates: githubAttributes,
      usage: 'none',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 1000, windowMs: 60_000 },
    ratePolicy: { callsPerMinute: 80 },
    scopes: ['organization members: write', 'organization administration: write (to end authorised tokens and keys)'],
    provedOn: ['vendorDescription'],
  },
  configSchema: GithubConfig,
  secretFields: ['privateKey', 'token'],
  create: createGithub,
});

function createGithub(runtime: ConnectorRuntime<GithubConfig>): TargetConnector {
  const api = openApi(runtime);
  return {
    check: (ctx) => check(api, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const person = await readPerson(api, 'getAccount', accountId, ctx);
      return person === null ? null : viewOf(person);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: async (accountId, ctx) => ({ ...(await endCredentials(api, accountId, ctx)), residualSeconds }),
    listAccountEntitlements: (accountId, ctx) => teamsOfAccount(api, accountId, ctx),
    ensureEntitlement: (accountId, teamId, state, ctx) => ensureTeam(api, { accountId, teamId, state }, ctx),
    listEntitlements: (cursor, ctx) => listEntitlements(api, cursor, ctx),
    readProfile: (accountId, ctx) => readProfile(api, accountId, ctx),
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: (values) => values,
    listAccounts: (cursor, ctx) => listAccounts(api, cursor, ctx),
  };
}

function openApi(runtime: ConnectorRuntime<GithubConfig>): GithubApi {
  const { url, organization, identities, pageMax: size, appId, installationId, privateKey, token } = runtime.config;
  const hasApp = appId !== undefined && installationId !== undefined && privateKey !== undefined;
  const tokens = hasApp ? createInstallationTokens(runtime, url, { appId, installationId, privateKey }) : undefined;
  const headers = {
    accept: 'application/vnd.github+json, application/scim+json',
    'x-github-api-version': '2022-11-28',
    ...(tokens === undefined && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
  };
  const manners = { dialect: readGithubRefusal, ...(tokens === undefined ? {} : { tokens }) };
  const client = createVendorClient(runtime, { baseUrl: url, headers }, manners);
  return { client, baseUrl: url, organization, identities, pageMax: size, now: runtime.now };
}

/** Each right is tried by a read of one row, so that the finding names what is missing. */
async function check(api: GithubApi, ctx: CallContext): Promise<CheckResult> {
  const operation = 'check';
  const one = { operation, cursor: null, count: 1 };
  const list = (name: string) => listRest(api, ['orgs', api.organization, name], GithubUser.partial(), one, ctx);
  const probes: [string, () => Promise<unknown>][] = [
    ['members: read', () => list('members')],
    ['teams (members: read)', () => list('teams')],
    ['open invitations (members: read)', () => list('invitations')],
  ];
  if (api.identities === 'scim') probes.push(['SCIM (members: read)', () => listScimUsers(api, one, ctx)]);
  if (api.identities !== 'none') {
    const lookups = [{ by: 'login' as const, value: api.organization }];
    probes.push(['SAML identities (members: read)', () => identitiesFor(api, lookups, operation, ctx)]);
    const segments = ['orgs', api.organization, 'credential-authorizations'];
    const credentials = () => listRest(api, segments, z.object({}), one, ctx);
    probes.push(['authorised tokens and keys (administration: read)', credentials]);
  }
  const findings: CheckResult['findings'] = [];
  for (const [right, probe] of probes) {
    try {
      await probe();
      findings.push({ level: 'ok', text: `Readable: ${right}.` });
    } catch (error) {
      if (!isConnectorError(error, 'auth', 'notFound')) throw error;
      findings.push({ level: 'error', text: `Not readable: ${right}. The credential lacks it.` });
    }
  }
  return { isHealthy: findings.every(({ level }) => level === 'ok'), findings };
}

async function ensureAccount(
  api: GithubApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const find = () => findAccount(api, keys, ctx);
  return ensureByKeys(api.client, {
    find,
    findDuplicate: find,
    create: () => invite(api, keys, profile, ctx),
    takeOver: ({ accountId }) => takeOver(api, accountId, { keys, profile }, ctx),
  });
}

/** Provisioning sends the invitation. Throws `unsupported` where nothing would say later who accepted it. */
async function invite(
  api: GithubApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  if (api.identities !== 'scim') {
    throw api.client.fail('unsupported', operation, 'without SCIM, GitHub does not say who accepted an invitation');
  }
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
  const body = { schemas, ...resourceOf(profile), externalId: keys.personId, active: true };
  const path = () => pathOf('scim', 'v2', 'organizations', api.organization, 'Users');
  const call = { operation, method: 'POST' as const, path, body, schema: ScimUser };
  const { data, receipt } = await api.client.call(call, ctx);
  const person: GithubPerson = {
    accountId: data.id,
    user: null,
    scim: data,
    userName: data.userName ?? profile.userName,
    correlationKey: data.externalId ?? null,
    state: 'invited',
    isIndirect: false,
    invitationNodeId: null,
  };
  return { outcome: 'created', account: viewOf(person), receipt };
}

/** Invites again whoever has no access any more, and mends the names of an identity that Usher made. */
async function takeOver(
  api: GithubApi,
  accountId: string,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const found = await mustReadPerson(api, operation, accountId, ctx);
  if (found.user === null && found.scim !== null && found.state === 'removed') {
    // An invitation that ended unaccepted: GitHub sends another one only for a new identity.
    const path = () => pathOf('scim', 'v2', 'organizations', api.organization, 'Users', accountId);
    await api.client.call({ operation, method: 'DELETE', path, schema: z.unknown() }, ctx);
    return invite(api, keys, profile, ctx);
  }
  const login = await setLogin(api, accountId, 'enabled', ctx);
  const person = login.outcome === 'unchanged' ? found : await mustReadPerson(api, operation, accountId, ctx);
  const isOwn = person.scim !== null && person.correlationKey === keys.personId;
  const changes = isOwn && person.scim !== null ? differences(person.scim, profile) : {};
  const mended = await patchIdentity(api, operation, { accountId, changes }, ctx);
  const outcome = login.outcome === 'changed' || mended.outcome === 'changed' ? 'changed' : 'unchanged';
  const receipt = mended.outcome === 'changed' ? mended.receipt : login.receipt;
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account: viewOf(person), receipt };
}

async function readProfile(api: GithubApi, accountId: string, ctx: CallContext): Promise<AccountProfileView | null> {
  const operation = 'readProfile';
  if (isProvisioned(api, accountId)) {
    const scim = await readScimUser(api, operation, accountId, ctx);
    return scim === null ? null : profileViewOf(accountId, scim);
  }
  return (await readPerson(api, operation, accountId, ctx)) === null ? null : profileViewOf(accountId, null);
}

async function updateProfile(
  api: GithubApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const scim = isProvisioned(api, accountId) ? await readScimUser(api, operation, accountId, ctx) : null;
  if (scim === null) {
    // Only here does it matter whether there is such an account at all.
    await mustReadPerson(api, operation, accountId, ctx);
    throw api.client.fail('unsupported', operation, 'only provisioned identities have attributes to write');
  }
  const changes = profileChanges(scim, values);
  return patchIdentity(api, operation, { accountId, changes }, ctx);
}

async function patchIdentity(
  api: GithubApi,
  operation: string,
  { accountId, changes }: { accountId: string; changes: Record<string, unknown> },
  ctx: CallContext,
): Promise<WriteResult> {
  if (Object.keys(changes).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
  const operations = Object.entries(changes).map(([path, value]) => ({ op: 'replace', path, value }));
  const path = () => pathOf('scim', 'v2', 'organizations', api.organization, 'Users', accountId);
  const body = { schemas, Operations: operations };
  const call = { operation, method: 'PATCH' as const, path, body, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
}
