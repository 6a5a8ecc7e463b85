/** The Keycloak connector on a real Keycloak: the conformance suite, and the cut-off proved by tokens that stop working. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { keycloak } from '../../src/connectors/keycloak.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import {
  aProfile,
  clockMs,
  ctx,
  expectFailure,
  keysOf,
  type TargetHarness,
  unlimited,
} from '../conformance/harness.ts';
import { keycloakServer } from './servers/keycloak.ts';
import { describeOn } from './support/describe-on.ts';
import { createFaultProxy } from './support/fault-proxy.ts';
import {
  addressClient,
  createKeycloakRealm,
  type KeycloakRealm,
  realmName,
  usherClient,
} from './support/keycloak-realm.ts';

const pageSize = 3;
/** Real calls take longer than the sandbox's. */
const timeoutMs = 5_000;

const connectTo = (url: string, now = () => clockMs) =>
  openConnector('target', keycloak, {
    systemId: 'sso',
    config: { ...usherClient, url, realm: realmName, pageMax: pageSize },
    now,
    rateLimiter: unlimited,
    timeoutMs,
  });

describeOn(keycloakServer, (running) => {
  let realm: KeycloakRealm;
  beforeAll(() => {
    realm = createKeycloakRealm(running());
  }, 60_000);
  afterAll(() => realm?.close());

  describe('cut-off', () => {
    const joiner = async () => {
      const profile = aProfile();
      const connector = connectTo(running().url, () => Date.now());
      const { account } = await connector.ensureAccount(keysOf(randomUUID()), profile, ctx);
      realm.setPassword(account.accountId);
      return { connector, accountId: account.accountId, userName: profile.userName };
    };

    test('disabling alone leaves a session that lives again: why sessions are revoked as well', async () => {
      const { connector, accountId, userName } = await joiner();
      const { refreshToken } = realm.logIn(userName);
      await connector.setLogin(accountId, 'disabled', ctx);
      expect(realm.refresh(refreshToken)).toBe(400);
      await connector.setLogin(accountId, 'enabled', ctx);
      expect(realm.refresh(refreshToken)).toBe(200);
    });

    test('after the cut-off no token of the leaver works, not even after the account is enabled again', async () => {
      const { connector, accountId, userName } = await joiner();
      const online = realm.logIn(userName);
      const offline = realm.logIn(userName, { isOffline: true });
      expect([online.status, offline.status]).toEqual([200, 200]);
      expect([realm.refresh(online.refreshToken), realm.refresh(offline.refreshToken)]).toEqual([200, 200]);
      expect(realm.sessionCount(accountId)).toBeGreaterThanOrEqual(2);

      const startedMs = performance.now();
      await connector.setLogin(accountId, 'disabled', ctx);
      await connector.revokeSessions(accountId, ctx);
      const statuses = [realm.refresh(online.refreshToken), realm.refresh(offline.refreshToken)];
      const tookMs = performance.now() - startedMs;
      console.log(`cut-off: from the call to refresh and offline token refused: ${Math.round(tookMs)} ms`);

      expect(statuses).toEqual([400, 400]);
      expect(tookMs).toBeLessThan(5_000);
      expect(realm.userInfo(online.accessToken)).toBe(401);
      expect(realm.logIn(userName).status).not.toBe(200);
      expect(realm.sessionCount(accountId)).toBe(0);
      await connector.setLogin(accountId, 'enabled', ctx);
      expect([realm.refresh(online.refreshToken), realm.refresh(offline.refreshToken)]).toEqual([400, 400]);
      expect(realm.logIn(userName).status).toBe(200);
    });

    test('an offline token of a client that is called after its address ends, too', async () => {
      const { connector, accountId, userName } = await joiner();
      const { refreshToken } = realm.logIn(userName, { isOffline: true, client: addressClient });
      expect(realm.refresh(refreshToken, addressClient)).toBe(200);
      await connector.revokeSessions(accountId, ctx);
      expect(realm.refresh(refreshToken, addressClient)).toBe(400);
    });

    test('an account that is locked after wrong passwords is disabled for good, not until the lock ends', async () => {
      const { connector, accountId, userName } = await joiner();
      for (let attempt = 0; attempt < 4; attempt += 1) realm.logIn(userName, { password: 'wrong' });
      await connector.setLogin(accountId, 'disabled', ctx);
      realm.admin('DELETE', `/attack-detection/brute-force/users/${accountId}`);
      expect(realm.logIn(userName).status).not.toBe(200);
      expect(await connector.getAccount(accountId, ctx)).toMatchObject({ canLogIn: false });
    });
  });

  test('the last sign-in is read from the events, and who never signed in has no row', async () => {
    const connector = connectTo(running().url, () => Date.now());
    const profiles = [aProfile(), aProfile()];
    const ids: string[] = [];
    for (const profile of profiles) {
      const { account } = await connector.ensureAccount(keysOf(randomUUID()), profile, ctx);
      realm.setPassword(account.accountId);
      ids.push(account.accountId);
    }
    const since = new Date(Date.now() - 1_000).toISOString();
    realm.logIn(profiles[0]?.userName ?? '');
    const rows = await collectPages(
      (cursor) => connector.listUsage?.(since, cursor, ctx) ?? Promise.reject(new Error()),
      {
        systemId: 'sso',
        operation: 'test',
      },
    );
    const ofThese = rows.filter(({ accountId }) => ids.includes(accountId));
    expect(ofThese).toMatchObject([{ accountId: ids[0], vendorEntitlementId: null }]);
    expect(Date.parse(ofThese[0]?.lastUsedAt ?? '')).toBeGreaterThan(Date.parse(since));
  });

  test('subgroups and realm roles are entitlements, and a role is assigned and taken', async () => {
    const connector = connectTo(running().url, () => Date.now());
    const child = realm.admin('POST', `/groups/${realm.groupId}/children`, { name: 'Payroll' });
    const childId = (child.body as { id: string }).id;
    realm.admin('POST', '/roles', { name: 'auditor' });
    const all = await collectPages((cursor) => connector.listEntitlements(cursor, ctx), {
      systemId: 'sso',
      operation: 'test',
    });
    const names = new Map(all.map(({ vendorEntitlementId, displayName }) => [vendorEntitlementId, displayName]));
    expect(names.get(`group:${childId}`)).toBe('Finance/Payroll');
    expect(names.get('role:auditor')).toBe('auditor');
    expect([...names.keys()].filter((id) => id.includes('default-roles'))).toEqual([]);
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    for (const id of [`group:${childId}`, 'role:auditor']) {
      expect(await connector.ensureEntitlement(account.accountId, id, 'present', ctx)).toMatchObject({
        outcome: 'changed',
      });
    }
    expect(await connector.listAccountEntitlements(account.accountId, ctx)).toEqual([
      `group:${childId}`,
      'role:auditor',
    ]);
    await connector.ensureEntitlement(account.accountId, 'role:auditor', 'absent', ctx);
    expect(await connector.listAccountEntitlements(account.accountId, ctx)).toEqual([`group:${childId}`]);
    realm.admin('DELETE', `/groups/${childId}`);
  });

  test.each(['two words', 'a"b', 'x y:z', '%', '*', 'Straße', 'o\u2019neil'])(
    'the key %j finds its account and no other',
    async (key) => {
      const connector = connectTo(running().url, () => Date.now());
      const attributes = { usherPersonId: [key] };
      const made = realm.admin('POST', '/users', {
        username: `${randomUUID()}@example.test`,
        enabled: true,
        attributes,
      });
      const accountId = made.location?.split('/').at(-1);
      expect(await connector.findAccount(keysOf(randomUUID(), key), ctx)).toMatchObject({ account: { accountId } });
      expect(await connector.findAccount(keysOf(randomUUID(), key.toUpperCase() + key), ctx)).toEqual({
        outcome: 'none',
      });
    },
  );

  test('an account that the user profile would refuse today cannot be disabled: told as such, and its sessions end', async () => {
    const connector = connectTo(running().url, () => Date.now());
    const profile = aProfile();
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), profile, ctx);
    realm.setPassword(account.accountId);
    const { refreshToken } = realm.logIn(profile.userName);
    const before = realm.admin('GET', '/users/profile').body as { attributes: object[] };
    const permissions = { view: ['admin'], edit: ['admin'] };
    const strict = { name: 'badge', required: { roles: ['admin'] }, permissions };
    realm.admin('PUT', '/users/profile', { ...before, attributes: [...before.attributes, strict] });
    try {
      const error = await expectFailure(connector.setLogin(account.accountId, 'disabled', ctx), 'precondition');
      expect(error.detail.vendorCode).toBe('error-user-attribute-required');
      await connector.revokeSessions(account.accountId, ctx);
      expect(realm.refresh(refreshToken)).toBe(400);
    } finally {
      realm.admin('PUT', '/users/profile', before);
    }
  });

  test('a healthy realm has no finding but the good one', async () => {
    const connector = connectTo(running().url, () => Date.now());
    expect(await connector.check(ctx)).toEqual({
      isHealthy: true,
      findings: [{ level: 'ok', text: 'Users and groups can be read and written.' }],
    });
  });

  async function start(): Promise<TargetHarness> {
    realm.deleteAllUsers();
    const sandbox = createFaultProxy({
      target: running().url,
      now: () => new Date(clockMs),
      refusal: (status) => ({ error: status === 404 ? 'User not found' : 'unknown_error' }),
    });
    const { url } = await sandbox.listen(0);
    const connector = connectTo(url);
    await connector.check(ctx);
    sandbox.clearCalls();
    const read = (path: string): Record<string, unknown> => realm.admin('GET', path).body as Record<string, unknown>;
    let sessions = 0;
    return {
      connector,
      connectTo: (origin) => connectTo(origin),
      manifest: keycloak.manifest,
      sandbox,
      secrets: [usherClient.clientSecret],
      pageSize,
      statuses: ['enabled', 'disabled', 'locked'],
      groupId: `group:${realm.groupId}`,
      usersPath: '/users$',
      memberMethod: 'PUT',
      memberPath: '/groups/',
      seedAccount({ userName, correlationKey }) {
        const attributes = correlationKey === null ? {} : { usherPersonId: [correlationKey] };
        const names = { firstName: 'Seed', lastName: 'Account', email: userName };
        const answer = realm.admin('POST', '/users', { username: userName, ...names, enabled: true, attributes });
        return Promise.resolve(answer.location?.split('/').at(-1) ?? '');
      },
      forceStatus(accountId, status) {
        if (status === 'disabled') realm.admin('PUT', `/users/${accountId}`, { enabled: false });
        if (status !== 'locked') return;
        const userName = String(read(`/users/${accountId}`)['username']);
        for (let attempt = 0; attempt < 4; attempt += 1) realm.logIn(userName, { password: 'wrong' });
        expect(read(`/attack-detection/brute-force/users/${accountId}`)['disabled']).toBe(true);
      },
      canLogIn: (accountId) => read(`/users/${accountId}`)['enabled'] === true,
      accountIds: () => realm.userIds(),
      membersOf: (id) =>
        (realm.admin('GET', `/groups/${id.replace('group:', '')}/members`).body as { id: string }[]).map(
          (user) => user.id,
        ),
      createSession(accountId) {
        realm.setPassword(accountId);
        sessions += 1;
        const userName = String(read(`/users/${accountId}`)['username']);
        expect(realm.logIn(userName, { isOffline: sessions === 2 }).status).toBe(200);
      },
      sessionCount: (accountId) => realm.sessionCount(accountId),
      replyWithNextLink: null,
    };
  }

  describeTargetConnector('keycloak', { start });
});
