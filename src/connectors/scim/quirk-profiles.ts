/**
 * Named sets of quirks, so that a policy writes `quirks: slack` and nothing more. Each says where it is known from; `check`
 * compares what it can see with them. A profile holds only what differs from RFC 7644.
 */
import { z } from 'zod';
import { completeQuirks, quirkFields, type ScimQuirks, type SomeQuirks } from './quirks.ts';

export interface QuirkProfile {
  quirks: SomeQuirks;
  /** Where the differences are documented, or on what they were measured. */
  source: string;
  /** Hosts that speak this dialect; for the advice of `check`. */
  hosts?: RegExp;
}

const profileNames = [
  'rfc',
  'okta-style',
  'entra-style',
  'aws-identity-center',
  'slack',
  'github-emu',
  'atlassian',
  'better-auth',
  'scimmy',
  'put-only',
  'users-only-by-name',
] as const;
export const QuirkProfileName = z.enum(profileNames);
export type QuirkProfileName = z.infer<typeof QuirkProfileName>;

export const quirkProfiles: Record<QuirkProfileName, QuirkProfile> = {
  rfc: { quirks: {}, source: 'RFC 7643 and RFC 7644; measured on scim2-server 0.8.3' },
  'okta-style': {
    quirks: { patchStyle: 'value', membershipRead: 'scan' },
    source: 'Servers written to the requests of Okta’s client, which replaces without a path (Okta, “SCIM protocol”)',
  },
  'entra-style': {
    quirks: { memberRemoveStyle: 'valueArray', membershipRead: 'scan' },
    source:
      'Servers written to the requests of Entra’s client before its flag aadOptscim062020 (Microsoft, “Known issues with SCIM 2.0 protocol compliance”)',
  },
  'aws-identity-center': {
    quirks: { membershipRead: 'probe', paging: 'cursor', excludeMembers: false, mediaType: 'json', pageMax: 50 },
    source:
      'AWS, “IAM Identity Center SCIM Implementation”: members are never shown, startIndex and excludedAttributes are not supported, filters are eq joined by and, at most 100 membership changes in a request',
    hosts: /^scim\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/,
  },
  slack: {
    quirks: { memberRemoveStyle: 'valueArray', membershipRead: 'userGroups', mediaType: 'json' },
    source: 'Slack, “SCIM 2.0 API reference”; removal by value array as in ConductorOne’s connector for Slack',
    hosts: /^api\.slack(-gov)?\.com$/,
  },
  'github-emu': {
    quirks: { memberRemoveStyle: 'valueArray', membershipRead: 'userGroups', mediaType: 'json' },
    source:
      'GitHub, “REST API endpoints for SCIM” of enterprises: one filter, no path with a filter in it; groups stand on the user',
    hosts: /^api\.(github\.com|[a-z0-9-]+\.ghe\.com)$/,
  },
  atlassian: {
    quirks: { membershipRead: 'userGroups', excludeMembers: false },
    source: 'Atlassian, “User provisioning REST API”: groups filter by displayName alone and stand on the user',
    hosts: /^api\.atlassian\.com$/,
  },
  'better-auth': { quirks: { membershipRead: 'scan' }, source: 'Measured on @better-auth/scim 1.7.5' },
  scimmy: {
    quirks: { paging: 'single' },
    source:
      'Measured on scimmy-routers 1.3.2 with scimmy 1.3.5: startIndex and count are ignored, so that no list longer than 20 can be read, and the connector says so',
  },
  'put-only': {
    quirks: { writeMethod: 'put', membershipRead: 'scan' },
    source: 'Servers whose ServiceProviderConfig says patch.supported false (RFC 7644, section 3.5.1)',
  },
  'users-only-by-name': {
    quirks: { accountFind: 'scan', membershipRead: 'scan' },
    source: 'Servers that filter by userName alone, as Mirantis documents for its own',
  },
};

/** The profile whose vendor answers at this host, or null. */
export function profileOfHost(host: string): QuirkProfileName | null {
  return profileNames.find((name) => quirkProfiles[name].hosts?.test(host) === true) ?? null;
}

const NamedQuirks = z.strictObject({ profile: QuirkProfileName, ...quirkFields }).partial();

/** `quirks` of a policy: a profile's name, or single quirks over a profile (default `rfc`). */
export const QuirksChoice = z
  .preprocess((given) => (typeof given === 'string' ? { profile: given } : given), NamedQuirks)
  .transform(({ profile, ...overrides }): ScimQuirks => {
    return completeQuirks(quirkProfiles[profile ?? 'rfc'].quirks, overrides);
  });
