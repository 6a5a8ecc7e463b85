import { randomUUID } from 'node:crypto';
import { createScimSandbox } from '../../sandbox/scim.ts';
import type { ScimQuirks as ServerQuirks } from '../../sandbox/scim-state.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { scim } from '../../src/connectors/scim.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { scimDescription } from '../conformance/scim-description.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const token = 'scim-token-of-the-test';
const groupId = randomUUID();
const gate = openVendorDescription({
  vendor: 'RFC 7643 and RFC 7644',
  files: ['scim/scim2-core-schemas.json'],
  convert: scimDescription,
  basePath: '/scim/v2',
});
const pageSize = 3;
const at = new Date(clockMs).toISOString();

function connectTo(url: string, quirks: object) {
  const config = { url, token, quirks: { pageMax: pageSize, ...quirks } };
  const options = { systemId: 'crm', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', scim, options);
}

async function start(quirks: object, serverQuirks: Partial<ServerQuirks>): Promise<TargetHarness> {
  const times = { created: at, lastModified: at };
  const group = { id: groupId, displayName: 'Finance', externalId: null, ...times, memberIds: [] };
  const sandbox = createScimSandbox({ token, groups: [group], quirks: serverQuirks, now: () => new Date(clockMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  return {
    connector: connectTo(url, quirks),
    connectTo: (origin) => connectTo(origin, quirks),
    manifest: scim.manifest,
    sandbox,
    secrets: [token],
    pageSize,
    statuses: ['active', 'inactive'],
    groupId,
    usersPath: '/Users$',
    memberMethod: 'PATCH',
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

describeTargetConnector('scim, a server that follows the RFC to the letter', {
  start: () =>
    start(
      { membershipRead: 'memberFilter' },
      { patchStyle: 'path', memberRemoveStyle: 'filterPath', existingMember: 'duplicate', patchAnswer: 204 },
    ),
});

describeTargetConnector('scim, a server modelled on the clients of Okta and Entra', {
  start: () =>
    start(
      { patchStyle: 'value', memberRemoveStyle: 'valueArray', membershipRead: 'userGroups' },
      { memberRemoveStyle: 'valueArray', wrongRemovalEmptiesGroup: true, acceptsBooleanStrings: true },
    ),
});
