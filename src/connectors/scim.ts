/**
 * Applications that speak SCIM 2.0 (RFC 7643, RFC 7644). A new application is an entry in policy, not code: products differ
 * in what they accept, so that every system names its quirks, mostly by a profile. An account's key is `externalId`:
 * personId for accounts that Usher made, else an HRIS key.
 */
import { z } from 'zod';
import { OwnedAttribute } from '../schemas/owned-attribute.ts';
import { type ConnectorRuntime, defineConnector, type TargetConnector } from './kit/contract.ts';
import { createVendorClient } from './kit/vendor-client.ts';
import { createClientCredentials } from './scim/client-credentials.ts';
import { QuirkProfileName, QuirksChoice } from './scim/quirk-profiles.ts';
import { createScimTarget } from './scim/target.ts';

const secret = z.string().min(1);

export const ScimConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .describe('SCIM base URL that /Users and /Groups follow, without a slash at its end'),
    token: secret
      .optional()
      .describe('bearer token that the application’s provisioning page shows; or use clientSecret'),
    tokenUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('only with clientSecret: the OAuth 2.0 token endpoint'),
    clientId: z.string().min(1).optional().describe('only with clientSecret: the client’s id'),
    clientSecret: secret.optional().describe('secret of an OAuth 2.0 client that fetches its tokens itself'),
    scope: z.string().min(1).optional().describe('only with clientSecret: scopes to ask for, separated by spaces'),
    clientAuth: z
      .enum(['basic', 'body'])
      .default('basic')
      .describe('only with clientSecret: where the secret travels; body where the token endpoint refuses basic'),
    quirks: QuirksChoice.prefault({}).describe(
      `how this server differs from the RFC: a profile (${QuirkProfileName.options.join(', ')}), or single quirks`,
    ),
  })
  .superRefine(({ token, tokenUrl, clientId, clientSecret, scope }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (token === undefined && clientSecret === undefined) refuse('token', 'expected token or clientSecret');
    if (token !== undefined && clientSecret !== undefined)
      refuse('clientSecret', 'token and clientSecret exclude each other');
    for (const [path, value] of Object.entries({ tokenUrl, clientId })) {
      if (clientSecret !== undefined && value === undefined) refuse(path, 'missing: clientSecret needs it');
    }
    for (const [path, value] of Object.entries({ tokenUrl, clientId, scope })) {
      if (clientSecret === undefined && value !== undefined) refuse(path, 'has a meaning with clientSecret only');
    }
  });
export type ScimConfig = z.infer<typeof ScimConfig>;

export const scim = defineConnector<'target', ScimConfig>({
  manifest: {
    id: 'scim',
    displayName: 'SCIM 2.0 application',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'none',
      // SCIM has no word for sessions; a working day is the usual upper bound of a web session.
      residualSessionSeconds: 43_200,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 1000,
      profileUpdates: OwnedAttribute.options,
      usage: 'none',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 1000, windowMs: 30_000 },
    ratePolicy: { callsPerMinute: 600 },
    scopes: ['read and write Users', 'read Groups and write their members'],
    provedOn: ['realServer', 'vendorDescription'],
  },
  configSchema: ScimConfig,
  secretFields: ['token', 'clientSecret'],
  create: createScim,
});

function createScim(runtime: ConnectorRuntime<ScimConfig>): TargetConnector {
  const { url, token, tokenUrl, clientId, clientSecret, scope, clientAuth, quirks } = runtime.config;
  const accept = 'application/scim+json, application/json';
  const headers = { accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  // The schema lets no client through that lacks one of the three.
  const isClient = tokenUrl !== undefined && clientId !== undefined && clientSecret !== undefined;
  const credentials = isClient ? { tokenUrl, clientId, clientSecret, clientAuth, scope } : null;
  const manners = credentials === null ? {} : { tokens: createClientCredentials(runtime, credentials) };
  return createScimTarget({ client: createVendorClient(runtime, { baseUrl: url, headers }, manners), quirks }, url);
}
