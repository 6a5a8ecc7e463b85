/** What the conformance suite needs to test one quirk profile against a server that behaves as the real one does. */
import { randomUUID } from 'node:crypto';
import { createScimSandbox } from '../../sandbox/scim.ts';
import type { ScimBehaviour } from '../../sandbox/scim-behaviours.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { scim } from '../../src/connectors/scim.ts';
import type { QuirkProfileName } from '../../src/connectors/scim/quirk-profiles.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { scimDescription } from '../conformance/scim-description.ts';
import type { VendorDescriptionGate } from '../conformance/vendor-description.ts';

/** The contract gate of SCIM itself; a test file opens it once. */
export const scimGate = {
  vendor: 'SCIM 2.0',
  files: ['scim/scim2-core-schemas.json'],
  convert: scimDescription,
  basePath: '/scim/v2',
};

/** Servers whose answers break RFC 7644 itself: pages by cursor (RFC 9865), and `active` shown as a text. */
const besideTheRfc: readonly QuirkProfileName[] = ['aws-identity-center', 'entra-style'];

const token = 'scim-token-of-the-test';
const groupId = randomUUID();
const pageSize = 3;
const at = new Date(clockMs).toISOString();

/** This server shows 20 resources and no more: its lists have a test of their own, and this one is asked as if they worked. */
const shortLists: QuirkProfileName = 'scimmy';
const pagesThere = { paging: 'startIndex' as const, ignoresCount: false };

function connectTo(url: string, profile: QuirkProfileName) {
  const paging = profile === shortLists ? { paging: pagesThere.paging } : {};
  const config = { url, token, quirks: { profile, pageMax: pageSize, ...paging } };
  const options = { systemId: 'crm', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', scim, options);
}

/** A fresh server like that of the profile, and the connector with it. */
export async function startScim(profile: QuirkProfileName, gate: VendorDescriptionGate): Promise<TargetHarness> {
  const behaviour: ScimBehaviour = profile;
  const times = { created: at, lastModified: at };
  const group = { id: groupId, displayName: 'Finance', externalId: null, ...times, memberIds: [] };
  const quirks = { pageMax: pageSize, ...(profile === shortLists ? pagesThere : {}) };
  const options = { token, groups: [group], behaviour, quirks, now: () => new Date(clockMs) };
  const sandbox = createScimSandbox(options);
  if (!besideTheRfc.includes(profile)) gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  return {
    connector: connectTo(url, profile),
    connectTo: (origin) => connectTo(origin, profile),
    manifest: scim.manifest,
    sandbox,
    secrets: [token],
    pageSize,
    statuses: ['active', 'inactive'],
    groupId,
    usersPath: '/Users$',
    memberMethod: profile === 'put-only' ? 'PUT' : 'PATCH',
    memberPath: '/Groups/',
    seedAccount({ userName, correlationKey }) {
      const id = randomUUID();
      const attributes = correlationKey === null ? {} : { externalId: correlationKey };
      sandbox.state.users[id] = { id, userName, active: true, ...times, attributes };
      return Promise.resolve(id);
    },
    forceStatus(accountId, status) {
      const user = sandbox.state.users[accountId];
      if (user !== undefined) user.active = status === 'active';
    },
    canLogIn: (accountId) => sandbox.canLogIn(accountId),
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) => sandbox.state.groups[id]?.memberIds ?? [],
    createSession: (accountId) => sandbox.createSession(accountId),
    sessionCount: (accountId) => sandbox.sessionsOf(accountId).length,
    replyWithNextLink: null,
  };
}
