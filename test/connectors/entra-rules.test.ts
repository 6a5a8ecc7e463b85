import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createEntraSandbox, type EntraSandbox, type EntraSandboxOptions } from '../../sandbox/entra.ts';
import type { EntraGroup } from '../../sandbox/entra-state.ts';
import { entra } from '../../src/connectors/entra.ts';
import { readSignInRefusal } from '../../src/connectors/entra/credentials.ts';
import { nicknameOf } from '../../src/connectors/entra/profile.ts';
import { readGraphRefusal } from '../../src/connectors/entra/refusals.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, startPlainServer, unlimited } from '../conformance/harness.ts';
import { makeSelfSigned } from '../../sandbox/self-signed.ts';

const { key: privateKey, cert: certificate } = makeSelfSigned([], new Date(clockMs), 'rsa');
const tenantId = 'contoso.example';
const clientId = randomUUID();
const clientSecret = 'secret-of-the-application';
const minuteMs = 60_000;

let sandbox: EntraSandbox;
let loginUrl = '';
let clock = { ms: clockMs };
afterEach(() => sandbox.close());

const groupOf = (values: Partial<EntraGroup> = {}): EntraGroup => ({
  id: randomUUID(),
  displayName: 'Group',
  groupTypes: [],
  mailEnabled: false,
  securityEnabled: true,
  isAssignableToRole: null,
  onPremisesSyncEnabled: null,
  licences: [],
  memberIds: [],
  ...values,
});

async function start(options: Partial<EntraSandboxOptions> = {}, credential = clientSecret) {
  clock = { ms: clockMs };
  const now = () => new Date(clock.ms);
  sandbox = createEntraSandbox({ tenantId, clientId, clientSecret, certificate, now, ...options });
  const { url } = await sandbox.listen(0);
  loginUrl = await sandbox.listenForLogins();
  return openConnector('target', entra, {
    systemId: 'entra',
    config: { tenantId, clientId, credential, url, loginUrl },
    now: () => clock.ms,
    rateLimiter: unlimited,
  });
}

describe('credentials', () => {
  test.each([
    ['a secret', clientSecret],
    ['a key with its certificate', certificate + privateKey],
  ])('%s is accepted, and one token serves until it ends', async (_label, credential) => {
    const connector = await start({}, credential);
    await connector.listAccounts(null, ctx);
    await connector.listAccounts(null, ctx);
    expect(sandbox.logins.calls).toHaveLength(1);
    clock.ms += 60 * minuteMs;
    await connector.listAccounts(null, ctx);
    expect(sandbox.logins.calls).toHaveLength(2);
  });

  test('a token that Graph refuses is not used again', async () => {
    const connector = await start();
    await connector.listAccounts(null, ctx);
    sandbox.withdrawTokens();
    await expectFailure(connector.listAccounts(null, ctx), 'auth');
    expect(await connector.listAccounts(null, ctx)).toEqual({ items: [], nextCursor: null });
  });

  test('a wrong secret, a foreign certificate and an unreadable one are our credentials, and are not quoted', async () => {
    const foreign = makeSelfSigned([], new Date(clockMs), 'rsa');
    const wrong = [
      ['wrong-secret', 'AADSTS7000215'],
      [foreign.key + foreign.cert, 'AADSTS700027'],
      [privateKey + foreign.cert, 'AADSTS700027'],
      [`-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n${certificate}`, undefined],
    ] as const;
    for (const [credential, vendorCode] of wrong) {
      const error = await expectFailure((await start({}, credential)).check(ctx), 'auth');
      expect(error.detail.vendorCode).toBe(vendorCode);
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/wrong-secret|c2VjcmV0/);
      await sandbox.close();
    }
  });

  test('a sign-in service that is down is waited for, also where its answer is lost', async () => {
    const connector = await start();
    for (const kind of ['lostResponse', 'status'] as const) {
      sandbox.logins.faults.add({ kind });
      await expectFailure(connector.listAccounts(null, ctx), 'transient');
    }
    expect(readSignInRefusal({ status: 503, header: () => null, body: { error: 'x' } })).toBeNull();
  });

  test('the check names each permission that is missing, and what it takes to read last sign-ins', async () => {
    const permissions = ['User.ReadWrite.All', 'Group.ReadWrite.All'];
    expect(await (await start({ permissions })).check(ctx)).toMatchObject({ isHealthy: true });
    await sandbox.close();
    const result = await (await start({ permissions: ['User.Read.All'], hasPremium: false })).check(ctx);
    expect(result.isHealthy).toBe(false);
    const texts = result.findings.map(({ level, text }) => `${level}: ${text}`).join('\n');
    expect(texts).toMatch(/error: .*User\.ReadWrite\.All is missing/);
    expect(texts).toMatch(/error: .*GroupMember\.ReadWrite\.All is missing/);
    expect(texts).toMatch(/warning: .*AuditLog\.Read\.All/);
  });
});

describe('accounts', () => {
  test('what is made carries personId where it fits, and leaves the number of HR alone', async () => {
    const connector = await start();
    const keys = keysOf(randomUUID(), '104');
    const { account } = await connector.ensureAccount(keys, { ...aProfile('ada@example.test'), givenName: '' }, ctx);
    expect(sandbox.state.users[account.accountId]).toMatchObject({
      onPremisesExtensionAttributes: { extensionAttribute15: keys.personId },
      employeeId: null,
      givenName: null,
      mailNickname: 'ada',
    });
    expect(nicknameOf('Žofie.ö@x', 'a-b')).toBe('ofie.');
    expect(nicknameOf('李@x', 'a-b')).toBe('ab');
  });

  test('a hit of the index whose key has changed since is not taken, and one that the index does not know is found', async () => {
    const connector = await start();
    const moved = sandbox.seedUser('moved@example.test', { employeeId: '104' });
    sandbox.state.users[moved]!.employeeId = '999';
    expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toEqual({ outcome: 'none' });
    const late = sandbox.seedUser('late@example.test');
    sandbox.state.users[late]!.employeeId = '105';
    const found = await connector.findAccount(keysOf(randomUUID(), '105'), ctx);
    expect(found).toMatchObject({ outcome: 'found', account: { accountId: late } });
  });

  test('an account with the key of another person in the slot is nobody else’s, whatever its number', async () => {
    const connector = await start();
    const slot = { onPremisesExtensionAttributes: { extensionAttribute15: randomUUID() } };
    sandbox.seedUser('other@example.test', { employeeId: '104', ...slot });
    expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toEqual({ outcome: 'none' });
  });

  test('a person with many numbers is asked for in several filters', async () => {
    const connector = await start();
    const numbers = Array.from({ length: 30 }, (_, index) => String(index));
    const accountId = sandbox.seedUser('ada@example.test', { employeeId: '29' });
    const found = await connector.findAccount(keysOf(randomUUID(), ...numbers), ctx);
    expect(found).toMatchObject({ outcome: 'found', account: { accountId } });
    const filters = sandbox.calls.map(({ query }) => new URLSearchParams(query).get('$filter')?.split(' or ').length);
    expect(Math.max(...filters.map((count) => count ?? 0))).toBeLessThanOrEqual(15);
  });

  test('a name that is taken by an account which no replica shows yet is waited for', async () => {
    const connector = await start({ replicaLagMs: 30_000 });
    const keys = keysOf(randomUUID());
    const profile = aProfile();
    sandbox.faults.add({ kind: 'lostResponse', method: 'POST', path: '/users$' });
    await expectFailure(connector.ensureAccount(keys, profile, ctx), 'unknownOutcome');
    const [accountId = ''] = Object.keys(sandbox.state.users);
    // No listing shows it either.
    const hidden = sandbox.state.users[accountId]!;
    hidden.onPremisesExtensionAttributes = {};
    const error = await expectFailure(connector.ensureAccount(keys, profile, ctx), 'propagating');
    expect(error.detail.retryAfterMs).toBe(5000);
    hidden.onPremisesExtensionAttributes = { extensionAttribute15: keys.personId };
    clock.ms += 30_000;
    expect(await connector.ensureAccount(keys, profile, ctx)).toMatchObject({
      outcome: 'adopted',
      account: { accountId },
    });
  });

  test('an account that a directory on premises masters is left to it', async () => {
    const connector = await start();
    const accountId = sandbox.seedUser('ada@example.test', { employeeId: '104', onPremisesSyncEnabled: true });
    const manager = sandbox.seedUser('boss@example.test');
    sandbox.clearCalls();
    await expectFailure(connector.setLogin(accountId, 'disabled', ctx), 'precondition');
    await expectFailure(connector.updateProfile(accountId, { title: 'Head' }, ctx), 'precondition');
    await expectFailure(connector.updateProfile(accountId, { manager }, ctx), 'precondition');
    expect(await connector.setLogin(accountId, 'enabled', ctx)).toMatchObject({ outcome: 'unchanged' });
    expect(sandbox.calls.every(({ method }) => method === 'GET')).toBe(true);
  });

  test('the sessions of a guest belong to its own directory', async () => {
    const connector = await start();
    const guest = sandbox.seedUser('ada_x.example#EXT#@contoso.example', { userType: 'Guest' });
    sandbox.createSession(guest);
    const revoked = await connector.revokeSessions(guest, ctx);
    expect(revoked).toMatchObject({ outcome: 'unchanged', residualSeconds: 5400 });
    expect(await connector.setLogin(guest, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
  });

  test('a manager without an account is named as what is missing', async () => {
    const connector = await start();
    const accountId = sandbox.seedUser('ada@example.test');
    for (const manager of [randomUUID(), 'boss']) {
      await expectFailure(connector.updateProfile(accountId, { manager }, ctx), 'precondition');
    }
  });
});

describe('groups', () => {
  test('groups that Graph cannot write are no entitlements, are not shown as held, and are refused before a write', async () => {
    const writable = [groupOf(), groupOf({ groupTypes: ['Unified'], mailEnabled: true })];
    const others = [
      groupOf({ groupTypes: ['DynamicMembership'] }),
      groupOf({ onPremisesSyncEnabled: true }),
      groupOf({ mailEnabled: true }),
    ];
    const connector = await start({ groups: [...writable, ...others] });
    const accountId = sandbox.seedUser('ada@example.test');
    const ids = writable.map(({ id }) => id).toSorted();
    const listed = await connector.listEntitlements(null, ctx);
    expect(listed.items.map(({ vendorEntitlementId }) => vendorEntitlementId).toSorted()).toEqual(ids);
    for (const { id } of others) {
      await expectFailure(connector.ensureEntitlement(accountId, id, 'present', ctx), 'unsupported');
    }
    for (const { id } of [...writable, ...others]) sandbox.state.groups[id]?.memberIds.push(accountId);
    expect((await connector.listAccountEntitlements(accountId, ctx)).toSorted()).toEqual(ids);
    for (const { id } of others) {
      await expectFailure(connector.ensureEntitlement(accountId, id, 'absent', ctx), 'unsupported');
    }
  });

  test('a group that can hold roles names the permission that it takes, and is no outage', async () => {
    const group = groupOf({ isAssignableToRole: true });
    const connector = await start({ groups: [group] });
    const accountId = sandbox.seedUser('ada@example.test');
    const error = await expectFailure(connector.ensureEntitlement(accountId, group.id, 'present', ctx), 'precondition');
    expect(error.message).toContain('RoleManagement.ReadWrite.Directory');
  });

  test('removing a membership never removes the account', async () => {
    const group = groupOf();
    const connector = await start({ groups: [group] });
    const accountId = sandbox.seedUser('ada@example.test');
    await connector.ensureEntitlement(accountId, group.id, 'present', ctx);
    await connector.ensureEntitlement(accountId, group.id, 'absent', ctx);
    expect(await connector.getAccount(accountId, ctx)).not.toBeNull();
    expect(sandbox.calls.at(-2)).toMatchObject({ method: 'DELETE', path: expect.stringMatching(/\/\$ref$/) });
  });

  test('a membership beyond the first page is seen', async () => {
    const groups = Array.from({ length: 1001 }, () => groupOf());
    const connector = await start({ groups });
    const accountId = sandbox.seedUser('ada@example.test');
    for (const group of Object.values(sandbox.state.groups)) group.memberIds.push(accountId);
    const last =
      groups
        .map(({ id }) => id)
        .toSorted()
        .at(-1) ?? '';
    const again = await connector.ensureEntitlement(accountId, last, 'present', ctx);
    expect(again).toMatchObject({ outcome: 'unchanged' });
    expect(await connector.listAccountEntitlements(accountId, ctx)).toHaveLength(1001);
    expect(await connector.ensureEntitlement(accountId, last, 'absent', ctx)).toMatchObject({ outcome: 'changed' });
  });

  test('an account that a replica does not know yet is waited for', async () => {
    const group = groupOf();
    const connector = await start({ groups: [group], replicaLagMs: 30_000 });
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    const grant = () => connector.ensureEntitlement(account.accountId, group.id, 'present', ctx);
    await expectFailure(grant(), 'propagating');
    clock.ms += 30_000;
    expect(await grant()).toMatchObject({ outcome: 'changed' });
  });

  test('an item of a batch that is throttled tells how long to wait', async () => {
    const group = groupOf();
    const connector = await start({ groups: [group] });
    const accountId = sandbox.seedUser('ada@example.test');
    sandbox.throttleBatchItem('/users/', 7);
    const error = await expectFailure(connector.ensureEntitlement(accountId, group.id, 'present', ctx), 'throttled');
    expect(error.detail.retryAfterMs).toBe(7000);
    expect(sandbox.state.groups[group.id]?.memberIds).toEqual([]);
  });

  test('a batch whose answer is lost has done nothing', async () => {
    const group = groupOf();
    const connector = await start({ groups: [group] });
    const accountId = sandbox.seedUser('ada@example.test');
    sandbox.faults.add({ kind: 'lostResponse', method: 'POST', path: 'batch' });
    await expectFailure(connector.ensureEntitlement(accountId, group.id, 'present', ctx), 'transient');
  });

  test('a membership with licences is done when they have reached the account, and an error of theirs is told', async () => {
    const group = groupOf({ licences: [{ skuId: randomUUID(), left: 1 }] });
    const connector = await start({ groups: [group], licenceLagMs: 90_000 });
    const [first, second] = [sandbox.seedUser('a@example.test'), sandbox.seedUser('b@example.test')];
    const grant = (id: string) => connector.ensureEntitlement(id, group.id, 'present', ctx);
    const error = await expectFailure(grant(first), 'propagating');
    expect(error.detail.retryAfterMs).toBe(30_000);
    await expectFailure(grant(first), 'propagating');
    await expectFailure(grant(second), 'propagating');
    clock.ms += 90_000;
    expect(await grant(first)).toMatchObject({ outcome: 'unchanged' });
    expect((await expectFailure(grant(second), 'precondition')).message).toContain('CountViolation');
    expect(await connector.listAccountEntitlements(second, ctx)).toEqual([group.id]);
    expect(await connector.ensureEntitlement(second, group.id, 'absent', ctx)).toMatchObject({ outcome: 'changed' });
  });
});

describe('last sign-ins', () => {
  const signIns = (success: string | null, attempt: string | null = null, silent: string | null = null) => ({
    signInActivity: {
      lastSuccessfulSignInDateTime: success,
      lastSignInDateTime: attempt,
      lastNonInteractiveSignInDateTime: silent,
    },
  });

  test('what Graph does not say is unknown; the last success counts, else the last attempt', async () => {
    const connector = await start();
    sandbox.seedUser('unknown@example.test');
    sandbox.seedUser('zero@example.test', signIns('0001-01-01T00:00:00Z'));
    const used = sandbox.seedUser('used@example.test', signIns('2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'));
    const old = sandbox.seedUser('old@example.test', signIns(null, '2023-01-01T00:00:00Z', '2023-02-01T00:00:00Z'));
    const read = (since: string | null) =>
      collectPages((cursor) => connector.listUsage!(since, cursor, ctx), { systemId: 'entra', operation: 'test' });
    const row = (accountId: string, lastUsedAt: string) => ({ accountId, vendorEntitlementId: null, lastUsedAt });
    const all = await read(null);
    expect(all).toHaveLength(2);
    expect(all).toEqual(
      expect.arrayContaining([row(used, '2026-02-01T00:00:00.000Z'), row(old, '2023-02-01T00:00:00.000Z')]),
    );
    expect(await read('2026-01-01T00:00:00Z')).toEqual([row(used, '2026-02-01T00:00:00.000Z')]);
  });

  test('more accounts than fit a page are read to the end', async () => {
    const connector = await start();
    for (let index = 0; index < 501; index += 1) sandbox.seedUser(`u${index}@x.test`, signIns('2026-02-01T00:00:00Z'));
    const first = await connector.listUsage!(null, null, ctx);
    expect([first.items.length, first.nextCursor === null]).toEqual([500, false]);
    expect(await connector.listUsage!(null, first.nextCursor, ctx)).toMatchObject({ nextCursor: null });
  });

  test('without the licence or the permission there are none to read', async () => {
    const connector = await start({ hasPremium: false });
    await expectFailure(connector.listUsage!(null, null, ctx), 'unsupported');
    const body = { error: { code: 'Authorization_RequestDenied', message: '' } };
    const vendor = await startPlainServer((response) => response.writeHead(403).end(JSON.stringify(body)));
    try {
      const config = { tenantId, clientId, credential: clientSecret, url: vendor.url, loginUrl };
      const denied = openConnector('target', entra, { systemId: 'entra', config, now: () => clock.ms });
      await expectFailure(denied.listUsage!(null, null, ctx), 'unsupported');
    } finally {
      await vendor.close();
    }
  });
});

describe('refusals', () => {
  const refusal = (status: number, code: string, message: string) =>
    readGraphRefusal({ status, header: () => null, body: { error: { code, message } } });

  test.each([
    [
      400,
      'Request_BadRequest',
      'Another object with the same value for property proxyAddresses already exists.',
      'conflict',
    ],
    [400, 'Request_BadRequest', "One or more added object references already exist for … 'members'.", 'conflict'],
    [400, 'Request_BadRequest', 'Not a valid reference update.', 'propagating'],
    [400, 'Request_BadRequest', 'Invalid value specified for property.', undefined],
    [403, 'Authentication_RequestFromNonPremiumTenantOrB2CTenant', '', 'unsupported'],
    [409, 'Directory_ConcurrencyViolation', '', 'transient'],
    [404, 'Request_ResourceNotFound', '', undefined],
  ])('%i %s %s', (status, code, message, expected) => {
    expect(refusal(status, code, message)?.code).toBe(expected);
  });

  test('a vendor code never holds free text, and what is no error of Graph says nothing', () => {
    expect(refusal(400, 'Ada Byron was here', '')?.vendorCode).toBe('400');
    for (const body of [undefined, '', 'x', { error: 'x' }]) {
      expect(readGraphRefusal({ status: 404, header: () => null, body })).toBeNull();
    }
  });
});

test('a cursor of elsewhere is refused', async () => {
  const connector = await start();
  for (const cursor of ['x', '?a=b', 'users?', 'users/%zz?a=b']) {
    await expectFailure(connector.listAccounts(cursor, ctx), 'validation');
  }
});
