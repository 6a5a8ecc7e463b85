import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type AtlassianSandboxOptions, createAtlassianSandbox } from '../../sandbox/atlassian.ts';
import { atlassian } from '../../src/connectors/atlassian.ts';
import { readSiteRefusal } from '../../src/connectors/atlassian/site-groups.ts';
import type { TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { type OpenApiDocument, parseDescription } from '../conformance/description/document.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import {
  aProfile,
  clockMs,
  ctx,
  expectFailure,
  keysOf,
  type TargetHarness,
  timeoutMs,
  unlimited,
} from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const secrets = {
  token: 'scim-key-of-the-test',
  adminKey: 'admin-key-of-the-test',
  siteToken: 'site-token-of-the-test',
};
const [directoryId, organizationId] = [randomUUID(), randomUUID()];
const groupId = randomUUID();
const pageSize = 3;
const at = new Date(clockMs).toISOString();

const scimOperations = ['Users', 'Users/{userId}', 'Groups', 'Groups/{id}'].flatMap((name) =>
  ['GET', 'POST', 'PATCH'].map((method) => `${method} /scim/directory/{directoryId}/${name}`),
);

/** The description misspells the member that its own example has as `Operations`; only so are the operations checked. */
async function readDescription(text: string): Promise<OpenApiDocument> {
  const wrong = '"operations":{"type":"array","description":"SCIM patch operations."';
  return parseDescription(text.replace(wrong, wrong.replace('operations', 'Operations')));
}

const gate = openVendorDescription({
  vendor: 'Atlassian',
  convert: readDescription,
  exceptions: [
    {
      operation: 'POST /scim/directory/{directoryId}/Users',
      place: 'request body/schemas',
      reason: 'marked as read-only, and "required during user creation" by its own text',
    },
    {
      operation: 'POST /scim/directory/{directoryId}/Users',
      place: 'request body/externalId',
      reason: 'marked as read-only, and "defined by provisioning client" by its own text',
    },
    {
      operation: scimOperations,
      place: 'request body/Operations/*/value',
      reason: 'described as a JsonNode, which is the name of "anything" in its generator',
    },
    ...[
      'answer 200 body/meta/resourceType',
      'answer 201 body/meta/resourceType',
      'answer 200 body/Resources/*/meta/resourceType',
    ].map((place) => ({
      operation: scimOperations,
      place,
      reason: 'the examples of the description say User and Group',
    })),
    ...['ServiceProviderConfig', 'Schemas'].map((name) => ({
      operation: `GET /scim/directory/{directoryId}/${name}`,
      place: 'answer 200 body',
      reason: 'described as a text, and an object by RFC 7644',
    })),
  ],
  files: ['atlassian/user-provisioning-scim-2022.json', 'atlassian/jira-platform-v3-2024.pruned.json'],
  undescribed: [
    { method: 'GET', path: '/admin/v1/orgs/{orgId}/users', reason: 'the organisations API has no description here' },
    { method: 'GET', path: '/users/{id}/manage/profile', reason: 'the user management API has no description here' },
    {
      method: 'POST',
      path: '/users/{id}/manage/lifecycle/{step}',
      reason: 'the user management API has no description here',
    },
    { method: 'GET', path: '/users/{id}/manage/api-tokens', reason: 'the user management API has no description here' },
    {
      method: 'DELETE',
      path: '/users/{id}/manage/api-tokens/{token}',
      reason: 'the user management API has no description here',
    },
  ],
});

function connectTo(url: string, withSite = false) {
  const site = withSite ? { siteUrl: url, siteEmail: 'admin@example.test' } : {};
  const { siteToken, ...keys } = secrets;
  const config = {
    url,
    directoryId,
    organizationId,
    ...keys,
    pageMax: pageSize,
    ...site,
    ...(withSite ? { siteToken } : {}),
  };
  const options = { systemId: 'wiki', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', atlassian, options);
}

async function open(options: Partial<AtlassianSandboxOptions> = {}) {
  const times = { created: at, lastModified: at };
  const group = { id: groupId, displayName: 'Finance', externalId: null, ...times, memberIds: [] };
  const ids = { ...secrets, directoryId, organizationId, groups: [group], pageMax: pageSize };
  const sandbox = createAtlassianSandbox({ ...ids, now: () => new Date(clockMs), ...options });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const seedAccount = ({ userName, correlationKey }: { userName: string; correlationKey: string | null }) => {
    const id = randomUUID();
    const emails = [{ value: userName, type: 'work', primary: true }];
    const attributes = { emails, ...(correlationKey === null ? {} : { externalId: correlationKey }) };
    sandbox.state.users[id] = { id, userName, active: true, ...times, attributes };
    sandbox.link(id);
    return Promise.resolve(id);
  };
  return { sandbox, url, seedAccount };
}

async function start(withSite: boolean): Promise<TargetHarness> {
  const { sandbox, url, seedAccount } = await open();
  return {
    connector: connectTo(url, withSite),
    connectTo: (origin) => connectTo(origin, withSite),
    manifest: atlassian.manifest,
    sandbox,
    secrets: Object.values(secrets),
    pageSize,
    statuses: ['active', 'inactive'],
    groupId,
    usersPath: '/Users$',
    memberMethod: 'PATCH',
    memberPath: '/Groups/',
    // Users of the directory, the managed accounts, and which of them the directory holds.
    listingCallsMax: (pages) => 3 + 2 * pages,
    seedAccount,
    forceStatus(accountId, status) {
      const user = sandbox.state.users[accountId];
      if (user !== undefined) user.active = status === 'active';
    },
    canLogIn: (accountId) => sandbox.canLogIn(accountId),
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: (id) => sandbox.state.groups[id]?.memberIds ?? [],
    createSession: (id) =>
      void sandbox.state.tokens.push({ id: randomUUID(), accountId: sandbox.state.links[id] ?? '' }),
    sessionCount: (id) => sandbox.state.tokens.filter(({ accountId }) => accountId === sandbox.state.links[id]).length,
    replyWithNextLink: null,
  };
}

describeTargetConnector('atlassian', { start: () => start(false) });
describeTargetConnector('atlassian, with the groups of a site', { start: () => start(true) });

describe('Atlassian', () => {
  type Opened = Awaited<ReturnType<typeof open>>;
  const withSandbox = async (
    options: Partial<AtlassianSandboxOptions>,
    run: (opened: Opened) => Promise<void>,
  ): Promise<void> => {
    const opened = await open(options);
    try {
      await run(opened);
    } finally {
      await opened.sandbox.close();
    }
  };
  const guard = { systemId: 'wiki', operation: 'test' };
  const listAll = (connector: TargetConnector) => collectPages((cursor) => connector.listAccounts(cursor, ctx), guard);
  const seedManaged = ({ sandbox }: Opened, accountId: string, lastActive: string | null = null) => {
    const account = { accountId, name: accountId, status: 'active' as const, type: 'atlassian' as const, lastActive };
    sandbox.state.managed[accountId] = account;
    return account;
  };

  test('managed accounts outside the directory are listed once, and can be disabled and enabled', () =>
    withSandbox({}, async (opened) => {
      const inside: string[] = [];
      for (const userName of ['a@example.test', 'b@example.test', 'c@example.test', 'd@example.test']) {
        inside.push(await opened.seedAccount({ userName, correlationKey: randomUUID() }));
      }
      seedManaged(opened, '5b10ac8d82e05b22cc7d4ef5');
      Object.assign(seedManaged(opened, 'app:bot'), { type: 'app' });
      const connector = connectTo(opened.url);
      const listed = (await listAll(connector)).map(({ accountId }) => accountId);
      expect(listed.toSorted()).toEqual([...inside, '5b10ac8d82e05b22cc7d4ef5'].toSorted());
      const id = '5b10ac8d82e05b22cc7d4ef5';
      expect(await connector.setLogin(id, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
      expect(await connector.getAccount(id, ctx)).toMatchObject({ vendorStatus: 'inactive', canLogIn: false });
      const back = await connector.ensureAccount({ ...keysOf(randomUUID()), accountId: id }, aProfile(), ctx);
      expect(back).toMatchObject({ outcome: 'changed', account: { accountId: id, canLogIn: true } });
      expect(Object.keys(opened.sandbox.state.users)).toHaveLength(4);
      await expectFailure(connector.ensureEntitlement(id, groupId, 'present', ctx), 'precondition');
    }));

  test('an account that is being deleted cannot be enabled', () =>
    withSandbox({}, async (opened) => {
      Object.assign(seedManaged(opened, '5b10ac8d82e05b22cc7d4ef5'), { status: 'closed' });
      const call = connectTo(opened.url).setLogin('5b10ac8d82e05b22cc7d4ef5', 'enabled', ctx);
      await expectFailure(call, 'precondition');
    }));

  test('usage is told under the id that Usher knows, and a missing day is no row', () =>
    withSandbox({}, async (opened) => {
      const { sandbox, seedAccount } = opened;
      const used = await seedAccount({ userName: 'a@example.test', correlationKey: null });
      await seedAccount({ userName: 'b@example.test', correlationKey: null });
      sandbox.state.lastActive[sandbox.state.links[used] ?? ''] = '2026-02-27';
      seedManaged(opened, '5b10ac8d82e05b22cc7d4ef5', '2025-12-01');
      const connector = connectTo(opened.url);
      const usage = (since: string | null) =>
        collectPages((cursor) => connector.listUsage?.(since, cursor, ctx) ?? Promise.reject(new Error('none')), guard);
      const row = { vendorEntitlementId: null };
      expect(await usage(null)).toEqual([
        { ...row, accountId: used, lastUsedAt: '2026-02-27T00:00:00.000Z' },
        { ...row, accountId: '5b10ac8d82e05b22cc7d4ef5', lastUsedAt: '2025-12-01T00:00:00.000Z' },
      ]);
      expect((await usage('2026-01-01T00:00:00Z')).map(({ accountId }) => accountId)).toEqual([used]);
    }));

  test('a group of the site is given and taken; one that the directory owns is a precondition', () =>
    withSandbox({}, async ({ sandbox, url, seedAccount }) => {
      const accountId = await seedAccount({ userName: 'a@example.test', correlationKey: randomUUID() });
      sandbox.state.siteGroups.push({ groupId: 'g1', name: 'jira-users', members: [] });
      const connector = connectTo(url, true);
      await connector.ensureEntitlement(accountId, groupId, 'present', ctx);
      expect(await connector.ensureEntitlement(accountId, 'site:g1', 'present', ctx)).toMatchObject({
        outcome: 'changed',
      });
      expect(await connector.ensureEntitlement(accountId, 'site:g1', 'present', ctx)).toMatchObject({
        outcome: 'unchanged',
      });
      expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([groupId, 'site:g1']);
      const synced = `site:synced-${groupId}`;
      const error = await expectFailure(connector.ensureEntitlement(accountId, synced, 'absent', ctx), 'precondition');
      expect(error.detail.vendorCode).toBe('groupOwnedElsewhere');
      expect(await connector.ensureEntitlement(accountId, 'site:g1', 'absent', ctx)).toMatchObject({
        outcome: 'changed',
      });
      expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([groupId]);
      const offered = await collectPages((cursor) => connector.listEntitlements(cursor, ctx), guard);
      expect(offered.map(({ vendorEntitlementId }) => vendorEntitlementId)).toEqual([groupId, 'site:g1', synced]);
      await expectFailure(connectTo(url).ensureEntitlement(accountId, 'site:g1', 'present', ctx), 'unsupported');
    }));

  test('an address on a domain that nobody verified, and a full directory, are refusals', () =>
    withSandbox({ directoryMax: 1 }, async ({ url }) => {
      const connector = connectTo(url);
      const elsewhere = aProfile('ada@elsewhere.test');
      await expectFailure(connector.ensureAccount(keysOf(randomUUID()), elsewhere, ctx), 'validation');
      await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
      await expectFailure(connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx), 'validation');
    }));

  test('check names what the keys lack', () =>
    withSandbox({ permissions: ['USER_PICKER'] }, async ({ sandbox, url }) => {
      sandbox.faults.add({ kind: 'status', status: 403, path: '/admin/' });
      const { isHealthy, findings } = await connectTo(url, true).check(ctx);
      expect(isHealthy).toBe(false);
      expect(findings.filter(({ level }) => level === 'error').map(({ text }) => text)).toEqual([
        expect.stringContaining('read:accounts:admin'),
        expect.stringContaining('ADMINISTER'),
      ]);
    }));

  test('Jira says why it throttles, and a refusal without such words stays what it is', () => {
    const header = (name: string) => (name === 'ratelimit-reason' ? 'jira-burst-based' : null);
    expect(readSiteRefusal({ status: 429, header, body: {} })).toEqual({ vendorCode: 'jira-burst-based' });
    expect(readSiteRefusal({ status: 403, header: () => null, body: { errorMessages: ['Forbidden'] } })).toBeNull();
  });
});
