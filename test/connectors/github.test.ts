import { randomUUID } from 'node:crypto';
import { createGithubSandbox, type GithubSandboxOptions } from '../../sandbox/github.ts';
import { addUser, identityOfUser } from '../../sandbox/github-state.ts';
import { github } from '../../src/connectors/github.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const token = 'github-token-of-the-test';
const organization = 'acme';
const teamId = 77;
const pageSize = 3;

const gate = openVendorDescription({
  vendor: 'GitHub',
  files: ['github/ghec.pruned.json'],
  undescribed: [
    { method: 'POST', path: '/graphql', reason: 'the description has the REST interface only' },
    { method: 'GET', path: '/user/{account_id}', reason: 'cut from the description; GitHub documents it' },
  ],
});

function connectTo(url: string) {
  const config = { url, organization, token, pageMax: pageSize };
  const options = { systemId: 'code', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', github, options);
}

async function start(options: Partial<GithubSandboxOptions> = {}): Promise<TargetHarness> {
  const teams = [{ id: teamId, slug: 'backend', name: 'Backend' }];
  const sandbox = createGithubSandbox({ token, organization, teams, now: () => new Date(clockMs), ...options });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const userOf = (accountId: string) => sandbox.state.identities[accountId]?.userId ?? null;
  return {
    connector: connectTo(url),
    connectTo,
    manifest: github.manifest,
    sandbox,
    secrets: [token],
    pageSize,
    statuses: ['active', 'pending'],
    groupId: String(teamId),
    usersPath: '/Users$',
    memberMethod: 'PUT',
    memberPath: '/teams/',
    readsByPost: /^\/graphql$/,
    // Identities, members, outside collaborators and invitations.
    listingCallsMax: (pages) => 4 + 4 * pages,
    seedAccount({ userName, correlationKey }) {
      const id = randomUUID();
      const user = addUser(sandbox.state, `octo-${sandbox.state.nextId}`);
      const names = { name: { givenName: 'Ada', familyName: 'Byron' }, emails: [{ value: userName, primary: true }] };
      const attributes = { ...names, ...(correlationKey === null ? {} : { externalId: correlationKey }) };
      const claim = { userId: user.id, invitationId: null, nameId: userName };
      sandbox.state.identities[id] = { id, userName, attributes, ...claim, at: new Date(clockMs).toISOString() };
      sandbox.state.members[user.id] = { state: 'active', isDirect: true, enterpriseTeams: [] };
      return Promise.resolve(id);
    },
    forceStatus(accountId, status) {
      const member = sandbox.state.members[userOf(accountId) ?? ''];
      if (member !== undefined) member.state = status === 'active' ? 'active' : 'pending';
    },
    canLogIn(accountId) {
      const { userId, invitationId } = sandbox.state.identities[accountId] ?? { userId: null, invitationId: null };
      return invitationId !== null || (userId !== null && sandbox.state.members[userId] !== undefined);
    },
    accountIds: () => Object.keys(sandbox.state.identities),
    membersOf(id) {
      const ids = Object.keys(sandbox.state.teams[id]?.members ?? {});
      return ids.map((user) => identityOfUser(sandbox.state, Number(user))?.id ?? user);
    },
    createSession(accountId) {
      const id = sandbox.state.nextId++;
      sandbox.state.credentials.push({ id, userId: userOf(accountId) ?? 0 });
    },
    sessionCount: (accountId) => sandbox.state.credentials.filter((one) => one.userId === userOf(accountId)).length,
    replyWithNextLink: null,
  };
}

describeTargetConnector('github, an organisation whose people accept at once', {
  start: () => start({ acceptsAtOnce: true, invitationsPerDay: 500 }),
});
