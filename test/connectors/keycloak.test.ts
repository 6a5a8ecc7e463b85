import { randomUUID } from 'node:crypto';
import { createKeycloakSandbox } from '../../sandbox/keycloak.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { keycloak } from '../../src/connectors/keycloak.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, ctx, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';

const clientSecret = 'keycloak-secret-of-the-test';
const config = { realm: 'corp', clientId: 'usher', clientSecret, pageMax: 3 };
const group = { id: randomUUID(), name: 'Finance', parentId: null };

const connectTo = (url: string) =>
  openConnector('target', keycloak, {
    systemId: 'sso',
    config: { ...config, url },
    now: () => clockMs,
    rateLimiter: unlimited,
    timeoutMs,
  });

async function start(): Promise<TargetHarness> {
  const sandbox = createKeycloakSandbox({ ...config, groups: [group], now: () => new Date(clockMs) });
  const { url } = await sandbox.listen(0);
  const connector = connectTo(url);
  // The clock stands still: from here on no call asks for another token, and the suite counts the others.
  await connector.check(ctx);
  sandbox.clearCalls();
  const userOf = (id: string) => sandbox.state.users[id];
  return {
    connector,
    connectTo,
    manifest: keycloak.manifest,
    sandbox,
    secrets: [clientSecret],
    pageSize: config.pageMax,
    statuses: ['enabled', 'disabled', 'locked'],
    groupId: `group:${group.id}`,
    usersPath: '/users$',
    memberMethod: 'PUT',
    memberPath: '/groups/',
    seedAccount({ userName, correlationKey }) {
      const id = randomUUID();
      sandbox.state.users[id] = {
        id,
        username: userName.toLowerCase(),
        email: userName.toLowerCase(),
        firstName: 'Seed',
        lastName: 'Account',
        enabled: true,
        lockedUntilMs: null,
        federationLink: null,
        requiredActions: [],
        createdMs: clockMs,
        attributes: correlationKey === null ? {} : { usherPersonId: [correlationKey] },
        groupIds: [],
        roleIds: [],
      };
      return Promise.resolve(id);
    },
    forceStatus(accountId, status) {
      const user = userOf(accountId);
      if (user === undefined) return;
      user.enabled = status !== 'disabled';
      user.lockedUntilMs = status === 'locked' ? clockMs + 60_000 : null;
    },
    // A lock ends by itself.
    canLogIn: (accountId) => userOf(accountId)?.enabled ?? false,
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) =>
      Object.values(sandbox.state.users)
        .filter(({ groupIds }) => groupIds.some((each) => `group:${each}` === id))
        .map((user) => user.id),
    createSession: (accountId) =>
      void sandbox.createSession(accountId, { isOffline: sandbox.state.sessions.length === 1 }),
    sessionCount: (accountId) => sandbox.state.sessions.filter(({ userId }) => userId === accountId).length,
    replyWithNextLink: null,
  };
}

describeTargetConnector('keycloak', { start });
