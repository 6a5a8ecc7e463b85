/**
 * Atlassian Cloud (Jira, Confluence): people and groups by SCIM into one directory of the organisation; product access
 * hangs on groups. An account is a directory user, by its SCIM id, which carries the person's key as `externalId`; managed
 * accounts outside the directory go by their Atlassian account id. Addresses may be hidden and find nobody.
 */
import { z } from 'zod';
import type { OwnedAttribute } from '../schemas/owned-attribute.ts';
import {
  isDirectoryId,
  type LinkedUser,
  readDirectoryLinks,
  readDirectoryRefusal,
  readLinkedUser,
} from './atlassian/directory.ts';
import {
  deleteApiTokens,
  isAtlassianAccountId,
  listManagedAccounts,
  managedView,
  type OrganizationApi,
  readManagedAccount,
  setManagedLogin,
  usageOf,
} from './atlassian/managed-accounts.ts';
import {
  ensureSiteMember,
  isSiteGroup,
  listSiteGroups,
  missingPermissions,
  readSiteRefusal,
  siteGroupsOf,
} from './atlassian/site-groups.ts';
import {
  type AccountView,
  type CallContext,
  type CheckResult,
  type ConnectorRuntime,
  defineConnector,
  type EntitlementView,
  type FindAccountResult,
  type CorrelationKeys,
  type Page,
  type TargetConnector,
  type UsageView,
} from './kit/contract.ts';
import { createVendorClient, isConnectorError, type VendorClient } from './kit/vendor-client.ts';
import { quirkProfiles } from './scim/quirk-profiles.ts';
import { completeQuirks } from './scim/quirks.ts';
import { createScimTarget } from './scim/target.ts';

const pageMax = 100;
/** A session that is used goes on for thirty days where the authentication policy names no other time. */
const residualSeconds = 2_592_000;
/** Atlassian's directory has neither a manager nor a department that provisioning may write. */
const attributes = [
  'displayName',
  'givenName',
  'familyName',
  'title',
  'email',
  'login',
] as const satisfies readonly OwnedAttribute[];

export const AtlassianConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://api.atlassian.com')
      .describe('Address of the administration API; leave it'),
    directoryId: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .describe('Id of the directory: the end of its SCIM base URL, under Identity providers → Provisioning'),
    token: z.string().min(1).describe('SCIM API key of the directory, shown once beside its base URL'),
    organizationId: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .describe('Id of the organisation, in the address of admin.atlassian.com (…/o/ID/…)'),
    adminKey: z.string().min(1).describe('API key of the organisation, from Settings → API keys'),
    siteUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Only for groups outside the directory: the site (https://acme.atlassian.net)'),
    siteEmail: z
      .string()
      .min(3)
      .optional()
      .describe('Only with siteUrl: address of the site administrator whose token it is'),
    siteToken: z.string().min(1).optional().describe('Only with siteUrl: API token from id.atlassian.com → Security'),
    pageMax: z.number().int().min(1).max(pageMax).default(pageMax).describe('Users and groups per page, at most 100'),
  })
  .refine(
    ({ siteUrl, siteEmail, siteToken }) =>
      [siteUrl, siteEmail, siteToken].every((field) => field === undefined) ||
      [siteUrl, siteEmail, siteToken].every((field) => field !== undefined),
    'siteUrl, siteEmail and siteToken come together',
  );
export type AtlassianConfig = z.infer<typeof AtlassianConfig>;

export const atlassian = defineConnector<'target', AtlassianConfig>({
  manifest: {
    id: 'atlassian',
    displayName: 'Atlassian (Jira, Confluence)',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      // API tokens end; browser sessions end with the deactivation only.
      sessionRevocation: 'refreshOnly',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates: attributes,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 2000, windowMs: 120_000 },
    ratePolicy: { callsPerMinute: 300 },
    scopes: [
      'SCIM API key of the directory',
      'organisation API key: read:accounts:admin, manage users (lifecycle.enablement, apiToken.delete)',
      'only for groups of a site: site administration (ADMINISTER, USER_PICKER)',
    ],
    provedOn: ['vendorDescription'],
  },
  configSchema: AtlassianConfig,
  secretFields: ['token', 'adminKey', 'siteToken'],
  create: createAtlassian,
});

interface AtlassianApi {
  scim: TargetConnector;
  scimClient: VendorClient;
  organization: OrganizationApi;
  site: VendorClient | null;
  pageMax: number;
  /** SCIM ids by Atlassian account id, of the walk that is under way. */
  links: ReadonlyMap<string, string> | null;
}

function createAtlassian(runtime: ConnectorRuntime<AtlassianConfig>): TargetConnector {
  const api = openApi(runtime);
  const { scim } = api;
  return {
    ...scim,
    check: (ctx) => check(api, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    getAccount: (accountId, ctx) =>
      isDirectoryId(accountId)
        ? scim.getAccount(accountId, ctx)
        : readManagedAccount(api.organization, 'getAccount', accountId, ctx),
    async ensureAccount(keys, profile, ctx) {
      // An account outside the directory is found by its id and taken over as it is: SCIM could only make a second one.
      const known = keys.accountId === null || isDirectoryId(keys.accountId) ? null : keys.accountId;
      const account = known === null ? null : await readManagedAccount(api.organization, 'ensureAccount', known, ctx);
      if (account === null) return scim.ensureAccount(keys, profile, ctx);
      const { outcome, receipt } = await setManagedLogin(api.organization, account.accountId, 'enabled', ctx);
      return { outcome, account: { ...account, canLogIn: true }, receipt };
    },
    setLogin: (accountId, state, ctx) =>
      isDirectoryId(accountId)
        ? scim.setLogin(accountId, state, ctx)
        : setManagedLogin(api.organization, accountId, state, ctx),
    async revokeSessions(accountId, ctx) {
      const { atlassianAccountId } = await linkOf(api, 'revokeSessions', accountId, ctx);
      return { ...(await deleteApiTokens(api.organization, atlassianAccountId, ctx)), residualSeconds };
    },
    listAccountEntitlements: (accountId, ctx) => entitlementsOf(api, accountId, ctx),
    async ensureEntitlement(accountId, vendorId, state, ctx) {
      const operation = 'ensureEntitlement';
      if (!isSiteGroup(vendorId)) {
        if (isDirectoryId(accountId)) return scim.ensureEntitlement(accountId, vendorId, state, ctx);
        throw api.scimClient.fail('precondition', operation, 'the account is not in the directory that owns the group');
      }
      if (api.site === null) throw api.scimClient.fail('unsupported', operation, 'no site is configured');
      const { atlassianAccountId } = await linkOf(api, operation, accountId, ctx);
      return ensureSiteMember(api.site, { atlassianAccountId, vendorId, state }, ctx);
    },
    listEntitlements: (cursor, ctx) => listEntitlements(api, cursor, ctx),
    async readProfile(accountId, ctx) {
      const profile = isDirectoryId(accountId) ? await scim.readProfile(accountId, ctx) : null;
      // What Atlassian shows of a department is not what provisioning wrote, and a manager it does not know.
      return profile === null ? null : { ...profile, values: { ...profile.values, department: null, manager: null } };
    },
    listAccounts: (cursor, ctx) => listAccounts(api, cursor, ctx),
    listUsage: (since, cursor, ctx) => listUsage(api, since, cursor, ctx),
  };
}

function openApi(runtime: ConnectorRuntime<AtlassianConfig>): AtlassianApi {
  const { url, directoryId, token, organizationId, adminKey, pageMax: size } = runtime.config;
  const { siteUrl, siteEmail, siteToken } = runtime.config;
  const scimUrl = `${url}/scim/directory/${directoryId}`;
  const accept = 'application/scim+json, application/json';
  const scimHeaders = { authorization: `Bearer ${token}`, accept };
  const directory = { baseUrl: scimUrl, headers: scimHeaders };
  const scimClient = createVendorClient(runtime, directory, { dialect: readDirectoryRefusal });
  const quirks = completeQuirks(quirkProfiles.atlassian.quirks, { pageMax: size });
  const headers = { authorization: `Bearer ${adminKey}` };
  const client = createVendorClient(runtime, { baseUrl: url, headers });
  const hasSite = siteUrl !== undefined && siteEmail !== undefined && siteToken !== undefined;
  const siteAuth = { username: siteEmail ?? '', password: siteToken ?? '' };
  const site = hasSite
    ? createVendorClient(runtime, { baseUrl: siteUrl, auth: siteAuth }, { dialect: readSiteRefusal })
    : null;
  return {
    scim: createScimTarget({ client: scimClient, quirks }, scimUrl),
    scimClient,
    organization: { client, baseUrl: url, organizationId },
    site,
    pageMax: size,
    links: null,
  };
}

async function check(api: AtlassianApi, ctx: CallContext): Promise<CheckResult> {
  const { findings: found } = await api.scim.check(ctx);
  const findings = [...found];
  const operation = 'check';
  try {
    await listManagedAccounts(api.organization, { operation, cursor: null }, ctx);
    findings.push({ level: 'ok', text: 'Managed accounts can be read.' });
  } catch (error) {
    if (!isConnectorError(error, 'auth', 'notFound')) throw error;
    findings.push({ level: 'error', text: 'Managed accounts cannot be read: adminKey lacks read:accounts:admin.' });
  }
  const missing = api.site === null ? [] : await missingPermissions(api.site, ctx);
  for (const name of missing) findings.push({ level: 'error', text: `The site's token lacks the permission ${name}.` });
  return { isHealthy: findings.every(({ level }) => level !== 'error'), findings };
}

async function findAccount(api: AtlassianApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  if (keys.accountId !== null && !isDirectoryId(keys.accountId)) {
    const account = await readManagedAccount(api.organization, 'findAccount', keys.accountId, ctx);
    if (account !== null) return { outcome: 'found', account };
    return api.scim.findAccount({ ...keys, accountId: null }, ctx);
  }
  return api.scim.findAccount(keys, ctx);
}

async function linkOf(api: AtlassianApi, operation: string, accountId: string, ctx: CallContext): Promise<LinkedUser> {
  if (isDirectoryId(accountId)) return readLinkedUser(api.scimClient, operation, accountId, ctx);
  if (!isAtlassianAccountId(accountId)) {
    throw api.scimClient.fail('notFound', operation, 'the account does not exist');
  }
  return { atlassianAccountId: accountId, groupNames: new Set() };
}

async function entitlementsOf(api: AtlassianApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const held = isDirectoryId(accountId) ? await api.scim.listAccountEntitlements(accountId, ctx) : [];
  if (api.site === null) return held;
  const { atlassianAccountId, groupNames } = await linkOf(api, operation, accountId, ctx);
  return [...held, ...(await siteGroupsOf(api.site, { operation, atlassianAccountId }, groupNames, ctx))];
}

/** The directory's groups first, then the site's. */
async function listEntitlements(
  api: AtlassianApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const startAt = /^site:(\d{1,9})$/.exec(cursor ?? '')?.[1];
  if (startAt !== undefined && api.site !== null) {
    const page = await listSiteGroups(api.site, { startAt: Number(startAt), maxResults: api.pageMax }, ctx);
    return { ...page, nextCursor: page.nextCursor === null ? null : `site:${page.nextCursor}` };
  }
  const page = await api.scim.listEntitlements(cursor, ctx);
  return { ...page, nextCursor: page.nextCursor ?? (api.site === null ? null : 'site:0') };
}

const managedPrefix = 'managed:';

/** The directory first, then the managed accounts that it does not hold: nobody provisions those, and nobody removes them. */
async function listAccounts(api: AtlassianApi, cursor: string | null, ctx: CallContext): Promise<Page<AccountView>> {
  const operation = 'listAccounts';
  if (cursor === null || !cursor.startsWith(managedPrefix)) {
    const page = await api.scim.listAccounts(cursor, ctx);
    return { ...page, nextCursor: page.nextCursor ?? managedPrefix };
  }
  const { page, links } = await managedPage(api, operation, cursor.slice(managedPrefix.length), ctx);
  const items = page.items.filter(({ account_id: id }) => !links.has(id)).map(managedView);
  return { items, nextCursor: page.nextCursor === null ? null : managedPrefix + page.nextCursor };
}

async function listUsage(
  api: AtlassianApi,
  since: string | null,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const { page, links } = await managedPage(api, 'listUsage', cursor ?? '', ctx);
  const items = page.items.flatMap((account) =>
    usageOf(account, links.get(account.account_id) ?? account.account_id, since),
  );
  return { items, nextCursor: page.nextCursor };
}

/** A page of managed accounts and who of them the directory holds: read with the first page, and again after a restart. */
async function managedPage(api: AtlassianApi, operation: string, cursor: string, ctx: CallContext) {
  const isFirst = cursor === '';
  const links =
    isFirst || api.links === null
      ? await readDirectoryLinks(api.scimClient, { operation, count: api.pageMax }, ctx)
      : api.links;
  api.links = links;
  const page = await listManagedAccounts(api.organization, { operation, cursor: isFirst ? null : cursor }, ctx);
  return { page, links };
}
