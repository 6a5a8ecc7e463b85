/** What is Keycloak's alone: rights that empty a listing, locks, attributes that vanish, directories, tokens, events. */
import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { createKeycloakSandbox, type KeycloakSandbox, type KeycloakSandboxOptions } from '../../sandbox/keycloak.ts';
import { EscapeError, keycloakAttributeQuery } from '../../src/connectors/kit/escape.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { keycloak } from '../../src/connectors/keycloak.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, startPlainServer, unlimited } from '../conformance/harness.ts';

const config = { realm: 'corp', clientId: 'usher', clientSecret: 'secret-of-the-rules', pageMax: 3 };
let sandbox: KeycloakSandbox;
let nowMs = clockMs;

const open = (url: string, changes: object = {}) =>
  openConnector('target', keycloak, {
    systemId: 'sso',
    config: { ...config, ...changes, url },
    now: () => nowMs,
    rateLimiter: unlimited,
    timeoutMs: 1_500,
  });

async function begin(options: Partial<KeycloakSandboxOptions> = {}) {
  nowMs = clockMs;
  sandbox = createKeycloakSandbox({ ...config, now: () => new Date(nowMs), ...options });
  const { url } = await sandbox.listen(0);
  return { connector: open(url), url };
}

const join = async (connector: ReturnType<typeof open>, profile = aProfile()) =>
  (await connector.ensureAccount(keysOf(randomUUID()), profile, ctx)).account.accountId;

const userOf = (id: string) => {
  const user = sandbox.state.users[id];
  if (user === undefined) throw new Error('no such user');
  return user;
};

const refresh = async (url: string, token: string): Promise<number> => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token });
  return (await fetch(`${url}/realms/corp/protocol/openid-connect/token`, { method: 'POST', body })).status;
};

afterEach(() => sandbox.close());

test('where users may be queried and not seen, an empty answer is no empty realm', async () => {
  const { connector } = await begin({ serviceRoles: ['query-users', 'view-realm'] });
  for (const read of [connector.listAccounts(null, ctx), connector.findAccount(keysOf(randomUUID()), ctx)]) {
    const error = await expectFailure(read, 'auth');
    expect(error.message).toContain('manage-users');
  }
  const { isHealthy, findings } = await connector.check(ctx);
  expect(isHealthy).toBe(false);
  expect(findings.map(({ text }) => text).join()).toMatch(/lacks the role manage-users.*lacks the role view-events/s);
});

test('an account that may only look is healthy, with a warning', async () => {
  const { connector } = await begin({ serviceRoles: ['view-users', 'view-realm', 'view-events'] });
  const { isHealthy, findings } = await connector.check(ctx);
  expect([isHealthy, findings.map(({ level }) => level)]).toEqual([true, ['warning']]);
  expect(await connector.listAccounts(null, ctx)).toEqual({ items: [], nextCursor: null });
});

test('check tells which attributes vanish, who may write the key, and what the realm does not allow', async () => {
  const declared = [{ name: 'usherPersonId', edit: ['admin', 'user'] }];
  const settings = { unmanagedAttributePolicy: null, declared, editUsernameAllowed: false, eventsEnabled: false };
  const { connector } = await begin({ settings: { ...settings, accessTokenLifespan: 3600 } });
  const { isHealthy, findings } = await connector.check(ctx);
  const texts = findings.map(({ text }) => text).join('\n');
  expect(isHealthy).toBe(false);
  expect(texts).toMatch(/pass for somebody else/);
  expect(texts).toMatch(/displayName, title, department, manager/);
  for (const part of ['3600 s', 'Usernames cannot be edited', 'no LOGIN events']) expect(texts).toContain(part);
});

test('no account is made whose key would vanish', async () => {
  const { connector } = await begin({ settings: { unmanagedAttributePolicy: 'ADMIN_VIEW' } });
  await expectFailure(join(connector), 'precondition');
  expect(sandbox.state.users).toEqual({});
});

test('a lock that reads as disabled is not taken for a disabled account', async () => {
  const { connector } = await begin({ settings: { locksReadAsDisabled: true } });
  const accountId = await join(connector);
  userOf(accountId).lockedUntilMs = clockMs + 60_000;
  expect(await connector.getAccount(accountId, ctx)).toMatchObject({ canLogIn: false });
  await connector.setLogin(accountId, 'disabled', ctx);
  expect(userOf(accountId).enabled).toBe(false);
});

test('disabling alone lets a session live again; revoking ends sessions and offline tokens for good', async () => {
  const { connector, url } = await begin();
  const accountId = await join(connector);
  const tokens = [
    sandbox.createSession(accountId),
    sandbox.createSession(accountId, { isOffline: true }),
    sandbox.createSession(accountId, { isOffline: true, clientId: 'https://app.example/saml?x=1' }),
  ];
  const statuses = () => Promise.all(tokens.map((token) => refresh(url, token)));
  await connector.setLogin(accountId, 'disabled', ctx);
  expect(await statuses()).toEqual([400, 400, 400]);
  await connector.setLogin(accountId, 'enabled', ctx);
  expect(await statuses()).toEqual([200, 200, 200]);
  // No path can hold the name of the third client.
  await connector.revokeSessions(accountId, ctx);
  expect(await statuses()).toEqual([400, 400, 400]);
});

test('an account that a directory masters is not changed here, and the refusal says so', async () => {
  const { connector } = await begin();
  const keys = keysOf(randomUUID());
  const { account } = await connector.ensureAccount(keys, aProfile(), ctx);
  userOf(account.accountId).federationLink = randomUUID();
  const error = await expectFailure(connector.updateProfile(account.accountId, { title: 'Boss' }, ctx), 'precondition');
  expect(error.message).toMatch(/directory/);
  const refused = await expectFailure(connector.setLogin(account.accountId, 'disabled', ctx), 'precondition');
  expect(refused.detail.vendorCode).toBe('readOnly');
  const moved = { ...aProfile(), familyName: 'Lovelace' };
  const known = { ...keys, accountId: account.accountId };
  expect(await connector.ensureAccount(known, moved, ctx)).toMatchObject({ outcome: 'unchanged' });
});

test('an account that the user profile would refuse today cannot be disabled, and the refusal says why', async () => {
  const { connector } = await begin();
  const accountId = await join(connector);
  userOf(accountId).firstName = 'R & D';
  const error = await expectFailure(connector.setLogin(accountId, 'disabled', ctx), 'precondition');
  expect([error.message, error.detail.vendorCode]).toEqual([
    expect.stringContaining('user profile'),
    'error-person-name-invalid-character',
  ]);
});

test('an attribute is written without emptying what is not named, foreign attributes included', async () => {
  const { connector } = await begin();
  const accountId = await join(connector, aProfile('mover@example.test'));
  userOf(accountId).attributes['costCentre'] = ['4711', '4712'];
  await connector.updateProfile(accountId, { title: 'Boss' }, ctx);
  expect(userOf(accountId)).toMatchObject({ email: 'mover@example.test', firstName: 'Ada', lastName: 'Byron' });
  expect(userOf(accountId).attributes).toMatchObject({ costCentre: ['4711', '4712'], title: ['Boss'] });
});

test('a login that the realm does not let edit waits for a person', async () => {
  const { connector } = await begin({ settings: { editUsernameAllowed: false } });
  const accountId = await join(connector);
  await expectFailure(connector.updateProfile(accountId, { login: 'new@example.test' }, ctx), 'precondition');
});

test('a token is renewed before it ends, and a refused secret, realm or page is never "no such account"', async () => {
  const { connector, url } = await begin();
  const accountId = await join(connector);
  const tokensAsked = () => sandbox.calls.filter(({ path }) => path.endsWith('/token')).length;
  expect(tokensAsked()).toBe(1);
  nowMs += 241_000;
  expect(await connector.getAccount(accountId, ctx)).toMatchObject({ accountId });
  expect(tokensAsked()).toBe(2);
  const wrongSecret = open(url, { clientSecret: 'wrong' });
  const error = await expectFailure(wrongSecret.getAccount(accountId, ctx), 'auth');
  expect(error.detail.vendorCode).toBe('invalid_client');
  await expectFailure(open(url, { realm: 'renamed' }).getAccount(accountId, ctx), 'auth');
  const page = await startPlainServer((response, { method }) => {
    const token = { access_token: 'opaque', expires_in: 300 };
    if (method === 'POST') response.setHeader('content-type', 'application/json').end(JSON.stringify(token));
    else response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>');
  });
  await expectFailure(open(page.url).getAccount(accountId, ctx), 'transient');
  await page.close();
});

test('people who leave or come during a listing hide nobody', async () => {
  const { connector } = await begin();
  const ids: string[] = [];
  for (let index = 0; index < 9; index += 1) ids.push(await join(connector, aProfile(`user${index}@example.test`)));
  const first = await connector.listAccounts(null, ctx);
  delete sandbox.state.users[ids[0] ?? ''];
  const second = await connector.listAccounts(first.nextCursor, ctx);
  await join(connector, aProfile('aaron@example.test'));
  await join(connector, aProfile('abel@example.test'));
  const third = await connector.listAccounts(second.nextCursor, ctx);
  const listed = [...first.items, ...second.items, ...third.items].map(({ accountId }) => accountId);
  expect(listed).toEqual(ids);
  expect(third.nextCursor).toBeNull();
  delete sandbox.state.users[ids[2] ?? ''];
  await expectFailure(connector.listAccounts(first.nextCursor, ctx), 'transient');
  await expectFailure(connector.listAccounts('nonsense', ctx), 'validation');
});

test('last sign-ins: one row for who signed in, none where nothing is known', async () => {
  const { connector } = await begin();
  const [quiet, busy] = [await join(connector), await join(connector)];
  sandbox.createSession(busy);
  nowMs += 1_000;
  sandbox.createSession(busy);
  const rows = await connector.listUsage?.(null, null, ctx);
  const lastUsedAt = new Date(nowMs).toISOString();
  expect(rows).toEqual({ items: [{ accountId: busy, vendorEntitlementId: null, lastUsedAt }], nextCursor: null });
  expect(JSON.stringify(rows)).not.toContain(quiet);
  expect(await connector.listUsage?.(new Date(nowMs + 1).toISOString(), null, ctx)).toMatchObject({ items: [] });
  await expectFailure(connector.listUsage?.('yesterday', null, ctx) ?? Promise.resolve(), 'validation');
  sandbox.state.settings.eventsEnabled = false;
  expect(await connector.listUsage?.(null, null, ctx)).toEqual({ items: [], nextCursor: null });
});

test('many sign-ins are read over all pages', async () => {
  const { connector } = await begin();
  const early = await join(connector);
  sandbox.createSession(early);
  const often = await join(connector);
  for (let index = 0; index < 250; index += 1) {
    nowMs += 1;
    sandbox.createSession(often);
  }
  const fetchPage = (cursor: string | null) =>
    connector.listUsage?.(null, cursor, ctx) ?? Promise.resolve({ items: [], nextCursor: null });
  const rows = await collectPages(fetchPage, { systemId: 'sso', operation: 'test' });
  expect(new Set(rows.map(({ accountId }) => accountId))).toEqual(new Set([early, often]));
});

test('every subgroup and realm role is listed; a group that is counted and not listed fails the listing', async () => {
  const top = { id: randomUUID(), name: 'Finance', parentId: null };
  const child = { id: randomUUID(), name: 'Payroll', parentId: top.id };
  const roles = [{ id: randomUUID(), name: 'auditor' }];
  const { connector } = await begin({ groups: [top, child], roles });
  const fetchPage = (cursor: string | null) => connector.listEntitlements(cursor, ctx);
  expect(await collectPages(fetchPage, { systemId: 'sso', operation: 'test' })).toEqual([
    { vendorEntitlementId: `group:${top.id}`, displayName: 'Finance' },
    { vendorEntitlementId: `group:${child.id}`, displayName: 'Finance/Payroll' },
    { vendorEntitlementId: 'role:auditor', displayName: 'auditor' },
  ]);
  const accountId = await join(connector);
  for (const state of ['present', 'absent'] as const) {
    expect(await connector.ensureEntitlement(accountId, 'role:auditor', state, ctx)).toMatchObject({
      outcome: 'changed',
    });
    expect(await connector.ensureEntitlement(accountId, 'role:auditor', state, ctx)).toMatchObject({
      outcome: 'unchanged',
    });
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual(
      state === 'present' ? ['role:auditor'] : [],
    );
  }
  await expectFailure(connector.ensureEntitlement(accountId, 'role:none', 'present', ctx), 'notFound');
});

test('an attribute query holds one quoted value, and refuses what Keycloak would misread', () => {
  expect(keycloakAttributeQuery('usherPersonId', 'a "b" c:d')).toBe('usherPersonId:"a \\"b\\" c:d"');
  for (const value of ['', 'a\\', 'a\nb', 'n'.repeat(256)]) {
    expect(() => keycloakAttributeQuery('usherPersonId', value)).toThrow(EscapeError);
  }
  expect(() => keycloakAttributeQuery('a b', 'c')).toThrow(EscapeError);
});
