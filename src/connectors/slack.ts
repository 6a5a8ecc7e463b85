/**
 * Slack: members and groups by SCIM 2.0, sessions and access logs by the Web API. Deactivated is not deleted: the account
 * keeps its id and its messages and can be activated again. An account's key is `externalId`, as with SCIM everywhere.
 */
import { z } from 'zod';
import { OwnedAttribute } from '../schemas/owned-attribute.ts';
import {
  type CallContext,
  type CheckResult,
  type ConnectorRuntime,
  defineConnector,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { noReceipt } from './kit/target-steps.ts';
import { createVendorClient, type VendorClient } from './kit/vendor-client.ts';
import { quirkProfiles } from './scim/quirk-profiles.ts';
import { completeQuirks } from './scim/quirks.ts';
import { createScimTarget } from './scim/target.ts';
import { listAccessLogs } from './slack/access-logs.ts';
import { callWebApi } from './slack/web-api.ts';

const pageMax = 1000;

export const SlackConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .default('https://slack.com/api')
    .describe('Address of the Web API; another one only for GovSlack (https://slack-gov.com/api)'),
  scimUrl: z
    .url({ protocol: /^https?$/ })
    .default('https://api.slack.com/scim/v2')
    .describe('Address of the SCIM API; another one only for GovSlack (https://api.slack-gov.com/scim/v2)'),
  token: z.string().min(1).describe('User token of an owner (xoxp-…), from the page "OAuth & Permissions" of your app'),
  plan: z
    .enum(['grid', 'business'])
    .default('grid')
    .describe('grid (Enterprise) or business (Business+): only Enterprise can end sessions of an active member'),
  pageMax: z
    .number()
    .int()
    .min(1)
    .max(pageMax)
    .default(200)
    .describe('Members, groups and rows of the access log per page, at most 1000'),
});
export type SlackConfig = z.infer<typeof SlackConfig>;

export const slack = defineConnector<'target', SlackConfig>({
  manifest: {
    id: 'slack',
    displayName: 'Slack',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'full',
      residualSessionSeconds: 0,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates: OwnedAttribute.options,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 1000, windowMs: 30_000 },
    // Writes of users: 180 a minute for the whole organisation, over all its apps.
    ratePolicy: { callsPerMinute: 150 },
    scopes: ['admin', 'admin.users:write'],
    provedOn: ['vendorDescription'],
  },
  configSchema: SlackConfig,
  secretFields: ['token'],
  create: createSlack,
});

interface SlackApi {
  /** Of the Web API. */
  client: VendorClient;
  scim: TargetConnector;
  plan: SlackConfig['plan'];
  now: () => number;
}

function createSlack(runtime: ConnectorRuntime<SlackConfig>): TargetConnector {
  const { url, scimUrl, token, plan, pageMax: size } = runtime.config;
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  const quirks = completeQuirks(quirkProfiles.slack.quirks, { pageMax: size });
  const scimClient = createVendorClient(runtime, { baseUrl: scimUrl, headers });
  const scim = createScimTarget({ client: scimClient, quirks }, scimUrl);
  const client = createVendorClient(runtime, { baseUrl: url, headers });
  const api: SlackApi = { client, scim, plan, now: runtime.now };
  return {
    ...scim,
    check: (ctx) => check(api, ctx),
    revokeSessions: async (accountId, ctx) => ({ ...(await endSessions(api, accountId, ctx)), residualSeconds: 0 }),
    listUsage: (since, cursor, ctx) => listAccessLogs(client, { since, cursor, count: size }, { now: api.now, ctx }),
  };
}

/** SCIM as everywhere, and the scopes of the token, which Slack tells with every answer. */
async function check(api: SlackApi, ctx: CallContext): Promise<CheckResult> {
  const { findings, isHealthy } = await api.scim.check(ctx);
  const call = { operation: 'check', kind: 'read' as const, procedure: 'auth.test', params: {}, schema: z.unknown() };
  const { header } = await callWebApi(api.client, call, { now: api.now, ctx });
  const granted = header('x-oauth-scopes');
  if (granted === null) {
    return {
      isHealthy,
      findings: [...findings, { level: 'warning', text: 'Slack does not say which scopes the token has.' }],
    };
  }
  const scopes = granted.split(',').map((scope) => scope.trim());
  const needed = api.plan === 'grid' ? ['admin', 'admin.users:write'] : ['admin'];
  const missing = needed.filter((scope) => !scopes.includes(scope));
  const texts = missing.map((scope) => ({ level: 'error' as const, text: `The token lacks the scope ${scope}.` }));
  return { isHealthy: isHealthy && missing.length === 0, findings: [...findings, ...texts] };
}

/**
 * Ends every session on every device. Without Enterprise, Slack ends them when it deactivates the member, and at no other
 * time: throws `unsupported` for a member who is active.
 */
async function endSessions(api: SlackApi, accountId: string, ctx: CallContext): Promise<WriteResult> {
  const operation = 'revokeSessions';
  if (api.plan === 'business') {
    const account = await api.scim.getAccount(accountId, ctx);
    if (account === null) throw api.client.fail('notFound', operation, 'the account does not exist');
    if (!account.canLogIn) return { outcome: 'unchanged', receipt: noReceipt };
    throw api.client.fail('unsupported', operation, 'only Slack Enterprise ends the sessions of an active member');
  }
  const params = { user_id: accountId };
  const procedure = 'admin.users.session.reset';
  const call = { operation, kind: 'write' as const, procedure, params, schema: z.unknown() };
  const { receipt } = await callWebApi(api.client, call, { now: api.now, ctx });
  return { outcome: 'changed', receipt };
}
