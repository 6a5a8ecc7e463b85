import { randomBytes } from 'node:crypto';
import { createOktaSandbox } from '../../sandbox/okta.ts';
import { OktaStatus } from '../../sandbox/okta-state.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { okta } from '../../src/connectors/okta.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const token = 'okta-token-of-the-test';
const groupId = '00gfinance00000000001';
const gate = openVendorDescription({ vendor: 'Okta', files: ['okta/okta-management.pruned.json'] });
const created = new Date(clockMs).toISOString();

/** The clock stands still: the search index knows what was seeded and never learns of later changes, the worst lag there is. */
async function start(): Promise<TargetHarness> {
  const finance = {
    id: groupId,
    type: 'OKTA_GROUP' as const,
    name: 'Finance',
    description: '',
    created,
    memberIds: [],
  };
  const sandbox = createOktaSandbox({ token, groups: [finance], now: () => new Date(clockMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const connectTo = (origin: string) =>
    openConnector('target', okta, {
      systemId: 'okta',
      config: { url: origin, token },
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  return {
    connector: connectTo(url),
    connectTo,
    manifest: okta.manifest,
    sandbox,
    secrets: [token],
    pageSize: okta.manifest.capabilities.pageMax,
    statuses: OktaStatus.options,
    groupId,
    usersPath: '^/api/v1/users$',
    memberMethod: 'PUT',
    memberPath: '/groups/',
    seedAccount({ userName, correlationKey }) {
      const id = `00u${randomBytes(9).toString('hex').slice(0, 17)}`;
      const names = { login: userName, email: userName, firstName: 'Seed', lastName: 'Account' };
      const profile = correlationKey === null ? names : { ...names, employeeNumber: correlationKey };
      const times = { created, activated: created, statusChanged: created, lastLogin: null, lastUpdated: created };
      const user = { id, status: 'ACTIVE' as const, ...times, hasPassword: true, profile };
      sandbox.state.users[id] = user;
      sandbox.state.searchIndex[id] = structuredClone(user);
      return Promise.resolve(id);
    },
    forceStatus: (accountId, status) => sandbox.forceStatus(accountId, OktaStatus.parse(status)),
    canLogIn: (accountId) => sandbox.canLogIn(accountId),
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) => sandbox.state.groups[id]?.memberIds ?? [],
    createSession: (accountId) => sandbox.createSession(accountId, 'oauth'),
    sessionCount: (accountId) => sandbox.sessionsOf(accountId).length,
    replyWithNextLink: (origin) => ({
      headers: { link: `<${origin}/api/v1/users?after=x>; rel="next"` },
      body: [],
    }),
  };
}

describeTargetConnector('okta', { start });
