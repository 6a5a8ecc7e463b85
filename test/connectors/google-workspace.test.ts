import { generateKeyPairSync } from 'node:crypto';
import { createGoogleSandbox } from '../../sandbox/google-workspace.ts';
import { sessionKinds } from '../../sandbox/google-workspace-state.ts';
import { googleWorkspace } from '../../src/connectors/google-workspace.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { parseDiscovery } from '../conformance/google-discovery.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKey = keys.privateKey.export(pem).toString();
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const clientEmail = 'usher@project.iam.gserviceaccount.example';
const adminUser = 'admin@example.test';
const groupId = '03x8tuzt3hqdv5v';

const gate = openVendorDescription({
  vendor: 'Google Workspace',
  files: ['google-workspace/admin-directory_v1.discovery.pruned.json'],
  convert: parseDiscovery,
});

/** The clock stands still: the search knows what was seeded and never learns of later changes, the worst lag there is. */
async function start(): Promise<TargetHarness> {
  const finance = { id: groupId, email: 'finance@example.test', name: 'Finance', memberIds: [] };
  const sandbox = createGoogleSandbox({
    clientEmail,
    publicKey,
    adminUser,
    delegatedScopes: googleWorkspace.manifest.scopes,
    domain: 'example.test',
    groups: [finance],
    now: () => new Date(clockMs),
  });
  gate.watch(sandbox);
  const [{ url }, tokenUrl] = await Promise.all([sandbox.listen(0), sandbox.listenForTokens()]);
  const serviceAccountKey = JSON.stringify({
    client_email: clientEmail,
    private_key: privateKey,
    private_key_id: 'k1',
  });
  const connectTo = (origin: string) =>
    openConnector('target', googleWorkspace, {
      systemId: 'google',
      config: { serviceAccountKey, adminUser, url: origin, tokenUrl },
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  const userOf = (id: string) => sandbox.state.users[id];
  let sessions = 0;
  return {
    connector: connectTo(url),
    connectTo,
    manifest: googleWorkspace.manifest,
    sandbox,
    secrets: [serviceAccountKey, privateKey.slice(60, 120), adminUser, 'ya29.'],
    pageSize: googleWorkspace.manifest.capabilities.pageMax,
    statuses: ['active', 'suspended', 'archived'],
    groupId,
    usersPath: '/v1/users$',
    memberMethod: 'POST',
    memberPath: '/members$',
    seedAccount({ userName, correlationKey }) {
      const isPersonId = (correlationKey?.length ?? 0) > 16;
      const type = isPersonId ? { type: 'custom', customType: 'usher' } : { type: 'organization' };
      const externalIds = correlationKey === null ? [] : [{ ...type, value: correlationKey }];
      return Promise.resolve(sandbox.seedUser(userName, { externalIds }));
    },
    forceStatus(accountId, status) {
      const user = userOf(accountId);
      if (user === undefined) return;
      user.suspended = status === 'suspended';
      user.archived = status === 'archived';
    },
    canLogIn(accountId) {
      const user = userOf(accountId);
      return user !== undefined && !user.suspended && !user.archived;
    },
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) => sandbox.state.groups[id]?.memberIds ?? [],
    createSession(accountId) {
      sandbox.createSession(accountId, sessionKinds[sessions % sessionKinds.length] ?? 'web');
      sessions += 1;
    },
    sessionCount: (accountId) => sandbox.state.sessions.filter(({ userId }) => userId === accountId).length,
    replyWithNextLink: null,
  };
}

describeTargetConnector('google-workspace', { start });
