import { randomUUID } from 'node:crypto';
import { createEntraSandbox } from '../../sandbox/entra.ts';
import { entra } from '../../src/connectors/entra.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';
import { makeSelfSigned } from '../../sandbox/self-signed.ts';

const { key: privateKey, cert: certificate } = makeSelfSigned([], new Date(clockMs), 'rsa');
const tenantId = 'contoso.example';
const clientId = randomUUID();
const groupId = randomUUID();

const gate = openVendorDescription({
  vendor: 'Microsoft Graph',
  files: [
    'microsoft-graph/graph-v1.0.identity.derived.openapi.json',
    'microsoft-graph/azure-ad-power-platform-connector.swagger.json',
  ],
  undescribed: [
    { method: 'GET', path: '/v1.0/users/{id}/memberOf', reason: 'neither description has this navigation' },
    { method: 'POST', path: '/v1.0/$batch', reason: 'batches are part of OData and not of the metadata' },
  ],
  exceptions: [
    {
      operation: 'POST /users',
      place: 'request body/id',
      reason: 'Graph makes the id; the converter demands every key',
    },
    {
      operation: ['GET /users', 'GET /groups'],
      place: 'answer 200 body/@odata.nextLink',
      reason: 'control information of OData is not in the metadata',
    },
    { operation: ['GET /users', 'GET /groups'], place: 'query/$skiptoken', reason: 'part of what a next link holds' },
  ],
});

/** The clock stands still: the index knows what was seeded and never learns of later changes, the worst lag there is. */
async function start(): Promise<TargetHarness> {
  const finance = {
    id: groupId,
    displayName: 'Finance',
    groupTypes: [],
    mailEnabled: false,
    securityEnabled: true,
    isAssignableToRole: null,
    onPremisesSyncEnabled: null,
    licences: [],
    memberIds: [],
  };
  const sandbox = createEntraSandbox({
    tenantId,
    clientId,
    certificate,
    groups: [finance],
    now: () => new Date(clockMs),
  });
  gate.watch(sandbox);
  const [{ url }, loginUrl] = await Promise.all([sandbox.listen(0), sandbox.listenForLogins()]);
  const credential = privateKey + certificate;
  const connectTo = (origin: string) =>
    openConnector('target', entra, {
      systemId: 'entra',
      config: { tenantId, clientId, credential, url: origin, loginUrl },
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  const userOf = (id: string) => sandbox.state.users[id];
  return {
    connector: connectTo(url),
    connectTo,
    manifest: entra.manifest,
    sandbox,
    secrets: [credential, privateKey.slice(60, 120), 'client_assertion', 'Bearer'],
    pageSize: entra.manifest.capabilities.pageMax,
    statuses: ['enabled', 'disabled'],
    groupId,
    usersPath: '^/v1.0/users$',
    memberMethod: 'POST',
    memberPath: '/groups/',
    seedAccount({ userName, correlationKey }) {
      const isPersonId = (correlationKey?.length ?? 0) > 16;
      const keys = isPersonId
        ? { onPremisesExtensionAttributes: { extensionAttribute15: correlationKey } }
        : { employeeId: correlationKey };
      return Promise.resolve(sandbox.seedUser(userName, { displayName: 'Seed Account', ...keys }));
    },
    forceStatus(accountId, status) {
      const user = userOf(accountId);
      if (user !== undefined) user.accountEnabled = status === 'enabled';
    },
    canLogIn: (accountId) => userOf(accountId)?.accountEnabled ?? false,
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) => sandbox.state.groups[id]?.memberIds ?? [],
    createSession: (accountId) => void sandbox.createSession(accountId),
    sessionCount: (accountId) => sandbox.state.sessions.filter(({ userId }) => userId === accountId).length,
    replyWithNextLink: (origin) => ({
      headers: {},
      body: { value: [], '@odata.nextLink': `${origin}/v1.0/users?$skiptoken=x` },
    }),
  };
}

describeTargetConnector('entra', { start });
