/** Okta beyond what every target does: credentials, rights, groups that others fill, sessions, sign-ins. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import { createOktaSandbox, type OktaSandbox } from '../../sandbox/okta.ts';
import { recordSignIn } from '../../sandbox/okta-logs.ts';
import type { TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { okta } from '../../src/connectors/okta.ts';
import {
  aProfile,
  clockMs,
  ctx,
  expectFailure,
  keysOf,
  startPlainServer,
  timeoutMs,
  unlimited,
} from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const token = 'okta-token-of-the-test';
const clientId = '0oausher0000000000001';
const dayMs = 86_400_000;
const gate = openVendorDescription({
  vendor: 'Okta',
  files: ['okta/okta-management.pruned.json'],
  undescribed: [{ method: 'POST', path: '/oauth2/v1/token', reason: 'the description has the management API only' }],
  exceptions: [
    {
      operation: 'GET /api/v1/users',
      place: 'answer 401 status',
      reason: 'no operation describes it: wrong credentials',
    },
  ],
});
const groupOf = (id: string, type: 'OKTA_GROUP' | 'APP_GROUP', name: string) => {
  const created = new Date(clockMs).toISOString();
  return { id, type, name, description: '', created, memberIds: [] };
};
const groups = [
  groupOf('00gfinance', 'OKTA_GROUP', 'Finance'),
  groupOf('00gruled', 'OKTA_GROUP', 'Ruled'),
  groupOf('00gimported', 'APP_GROUP', 'Imported'),
];

let keys: { privateJwk: JWK; publicJwk: JWK; pem: string };
let sandbox: OktaSandbox;
let url: string;
let nowMs: number;

const connect = (credentials: object): TargetConnector =>
  openConnector('target', okta, {
    systemId: 'okta',
    config: { url, ...credentials },
    now: () => nowMs,
    rateLimiter: unlimited,
    timeoutMs,
  });
const application = () => ({ clientId, privateKey: JSON.stringify(keys.privateJwk) });
const writes = () =>
  sandbox.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);

async function start(scopes: string[] = okta.manifest.scopes): Promise<void> {
  nowMs = clockMs;
  const own = { clientId, publicKey: keys.publicJwk, scopes };
  sandbox = createOktaSandbox({ token, application: own, groups, now: () => new Date(nowMs) });
  gate.watch(sandbox);
  ({ url } = await sandbox.listen(0));
}

async function makeAccount(connector: TargetConnector): Promise<string> {
  return (await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx)).account.accountId;
}

beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true });
  const [privateJwk, publicJwk] = [await exportJWK(pair.privateKey), await exportJWK(pair.publicKey)];
  keys = {
    privateJwk: { ...privateJwk, kid: 'key-1', alg: 'RS256' },
    publicJwk,
    pem: await exportPKCS8(pair.privateKey),
  };
});
beforeEach(() => start());
afterEach(() => sandbox.close());

describe('an application with a private key', () => {
  const tokenCalls = () => sandbox.calls.filter(({ path }) => path === '/oauth2/v1/token').length;

  test('does everything with one token, and asks for the next one before it ends', async () => {
    const connector = connect(application());
    const accountId = await makeAccount(connector);
    await connector.ensureEntitlement(accountId, '00gfinance', 'present', ctx);
    await connector.revokeSessions(accountId, ctx);
    expect(await connector.check(ctx)).toMatchObject({ isHealthy: true });
    expect(tokenCalls()).toBe(1);
    nowMs += 59.5 * 60_000;
    expect(await connector.getAccount(accountId, ctx)).toMatchObject({ accountId });
    expect(tokenCalls()).toBe(2);
  });

  test('may give its key as PEM, also with the line ends of an environment variable', async () => {
    for (const privateKey of [keys.pem, keys.pem.replaceAll('\n', '\\n')]) {
      const connector = connect({ clientId, keyId: 'key-1', privateKey });
      expect(await connector.check(ctx)).toMatchObject({ isHealthy: true });
    }
  });

  test('a token that Okta forgot is a refusal of credentials once, and then a new one', async () => {
    const connector = connect(application());
    await connector.listAccounts(null, ctx);
    sandbox.faults.add({ kind: 'status', status: 401, path: '/users' });
    await expectFailure(connector.listAccounts(null, ctx), 'auth');
    expect(await connector.listAccounts(null, ctx)).toMatchObject({ items: [] });
    expect(tokenCalls()).toBe(2);
  });

  test('a wrong key, or none that can be read, is a refusal of credentials that holds no secret', async () => {
    const { privateKey: other } = await generateKeyPair('RS256', { extractable: true });
    const wrong = JSON.stringify(await exportJWK(other));
    for (const privateKey of [wrong, '{"kty":"oct"}', '-----BEGIN PRIVATE KEY-----\nAAAA', 'top-secret']) {
      const error = await expectFailure(connect({ clientId, privateKey }).listAccounts(null, ctx), 'auth');
      expect(`${error.message} ${JSON.stringify(error)}`).not.toContain(privateKey);
    }
    expect(sandbox.calls.filter(({ path }) => path.startsWith('/api'))).toEqual([]);
  });

  test('a lost answer of the token endpoint is passing, and no write', async () => {
    sandbox.faults.add({ kind: 'lostResponse', path: '/oauth2' });
    await expectFailure(connect(application()).setLogin('u1', 'disabled', ctx), 'transient');
  });

  test('names each scope that was not granted', async () => {
    await sandbox.close();
    await start(['okta.users.manage']);
    const { isHealthy, findings } = await connect(application()).check(ctx);
    expect(isHealthy).toBe(false);
    expect(findings.map(({ text }) => text)).toEqual([
      'The application was not granted the scope okta.groups.manage.',
      'The application was not granted the scope okta.logs.read.',
    ]);
  });
});

test.each([{}, { token, clientId, privateKey: 'k' }, { clientId }, { privateKey: 'k' }, { token, privateKey: 'k' }])(
  'credentials of one kind are wanted, not %j',
  (credentials) => {
    expect(() => connect(credentials)).toThrow(expect.objectContaining({ code: 'validation' }));
  },
);

describe('the check', () => {
  async function findingsWhere(refused: string, headers: Record<string, string>, body: object) {
    const vendor = await startPlainServer((response, request) => {
      const isRefused = request.url?.startsWith(`/api/v1/${refused}`) === true;
      response.writeHead(isRefused ? 403 : 200, headers).end(JSON.stringify(isRefused ? body : []));
    });
    try {
      url = vendor.url;
      return await connect({ token }).check(ctx);
    } finally {
      await vendor.close();
    }
  }

  test('without the log, everything but the sign-ins works', async () => {
    const { isHealthy, findings } = await findingsWhere('logs', {}, { errorCode: 'E0000006' });
    expect(isHealthy).toBe(true);
    expect(findings).toEqual([
      { level: 'ok', text: 'Users and groups can be read.' },
      { level: 'warning', text: expect.stringContaining('The system log cannot be read: the role') },
    ]);
  });

  test.each(['users', 'groups'])('a token without the scope for %s is told which', async (resource) => {
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope"' };
    const { isHealthy, findings } = await findingsWhere(resource, headers, {});
    expect(isHealthy).toBe(false);
    expect(findings.map(({ text }) => text).join()).toContain(`lacks the scope okta.${resource}.manage`);
  });

  test('wrong credentials are no matter of rights', async () => {
    await expectFailure(connect({ token: 'wrong' }).check(ctx), 'auth');
  });
});

describe('groups', () => {
  const give = (ruledUserId: string) =>
    sandbox.state.rules.push({
      id: '0pr1',
      name: 'By department',
      status: 'ACTIVE',
      groupIds: ['00gruled'],
      userIds: [ruledUserId],
    });

  test('only those that Usher can write are entitlements, and those that a rule fills say so', async () => {
    give('nobody');
    const { items } = await connect({ token }).listEntitlements(null, ctx);
    expect(items.map(({ displayName }) => displayName)).toEqual(['Finance', 'Ruled (filled by a group rule)']);
  });

  test('members of a group that an application or Okta fills are not written', async () => {
    const connector = connect({ token });
    const accountId = await makeAccount(connector);
    sandbox.clearCalls();
    const imported = connector.ensureEntitlement(accountId, '00gimported', 'present', ctx);
    expect((await expectFailure(imported, 'unsupported')).message).toContain(
      'the application that it was imported from',
    );
    const everyone = connector.ensureEntitlement(accountId, '00geveryone000000001', 'present', ctx);
    expect((await expectFailure(everyone, 'unsupported')).message).toContain('Okta itself');
    expect(writes()).toEqual([]);
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([]);
  });

  test('a membership that a rule gives is held, and cannot be taken as long as the rule gives it', async () => {
    const connector = connect({ token });
    const accountId = await makeAccount(connector);
    give(accountId);
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual(['00gruled']);
    const taking = connector.ensureEntitlement(accountId, '00gruled', 'absent', ctx);
    expect((await expectFailure(taking, 'precondition')).message).toContain('a group rule');
    sandbox.state.rules = [];
    expect(await connector.ensureEntitlement(accountId, '00gruled', 'absent', ctx)).toMatchObject({
      outcome: 'unchanged',
    });
  });

  test('a refusal that no rule explains stays what it is', async () => {
    const connector = connect({ token });
    const accountId = await makeAccount(connector);
    await connector.ensureEntitlement(accountId, '00gfinance', 'present', ctx);
    sandbox.faults.add({ kind: 'status', status: 403, method: 'DELETE' });
    await expectFailure(connector.ensureEntitlement(accountId, '00gfinance', 'absent', ctx), 'auth');
  });
});

describe('administrator roles', () => {
  const adminRoles = true;

  test('are given and taken where the configuration asks for them, with a scope of their own', async () => {
    await sandbox.close();
    await start([...okta.manifest.scopes, 'okta.roles.manage']);
    const connector = connect({ ...application(), adminRoles });
    expect(await connector.check(ctx)).toMatchObject({ isHealthy: true });
    const accountId = await makeAccount(connector);
    for (const outcome of ['changed', 'unchanged']) {
      const given = await connector.ensureEntitlement(accountId, 'role:HELP_DESK_ADMIN', 'present', ctx);
      expect(given).toMatchObject({ outcome });
    }
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual(['role:HELP_DESK_ADMIN']);
    for (const outcome of ['changed', 'unchanged']) {
      const taken = await connector.ensureEntitlement(accountId, 'role:HELP_DESK_ADMIN', 'absent', ctx);
      expect(taken).toMatchObject({ outcome });
    }
    expect(sandbox.state.roleAssignments).toEqual([]);
    const { items } = await connector.listEntitlements(null, ctx);
    expect(items.map(({ vendorEntitlementId }) => vendorEntitlementId)).toEqual(
      expect.arrayContaining(['00gfinance', 'role:SUPER_ADMIN']),
    );
  });

  test('one that a group gives is held, and cannot be taken from the person', async () => {
    const connector = connect({ token, adminRoles });
    const accountId = await makeAccount(connector);
    sandbox.state.roleAssignments.push({ id: 'ra1', userId: accountId, type: 'ORG_ADMIN', assignmentType: 'GROUP' });
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual(['role:ORG_ADMIN']);
    await expectFailure(connector.ensureEntitlement(accountId, 'role:ORG_ADMIN', 'absent', ctx), 'precondition');
    await expectFailure(connector.ensureEntitlement(accountId, 'role:NO_SUCH', 'present', ctx), 'notFound');
  });

  test('are none of our business otherwise', async () => {
    const connector = connect({ token });
    const accountId = await makeAccount(connector);
    sandbox.state.roleAssignments.push({ id: 'ra1', userId: accountId, type: 'ORG_ADMIN', assignmentType: 'USER' });
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([]);
    await expectFailure(connector.ensureEntitlement(accountId, 'role:ORG_ADMIN', 'absent', ctx), 'unsupported');
  });

  test('the check names the scope that they lack', async () => {
    const { findings } = await connect({ ...application(), adminRoles }).check(ctx);
    expect(findings.map(({ text }) => text)).toEqual(['The application was not granted the scope okta.roles.manage.']);
  });
});

test('sessions, tokens of clients and consents end, of this account only', async () => {
  const connector = connect({ token });
  const [accountId, other] = [await makeAccount(connector), await makeAccount(connector)];
  for (const userId of [accountId, other]) {
    sandbox.createSession(userId, 'oauth');
    sandbox.createSession(userId, 'sso');
    for (const kind of ['refreshToken', 'consent'] as const) {
      sandbox.state.clientGrants.push({ userId, clientId: '0oamail', kind });
    }
  }
  sandbox.clearCalls();
  await connector.revokeSessions(accountId, ctx);
  expect([sandbox.sessionsOf(accountId), sandbox.sessionsOf(other)]).toEqual([
    [],
    [expect.any(String), expect.any(String)],
  ]);
  expect(sandbox.state.clientGrants.map(({ userId }) => userId)).toEqual([other, other]);
  // What counts at a cut-off comes first.
  expect(writes()[0]).toBe(`DELETE /api/v1/users/${accountId}/sessions`);
  await connector.revokeSessions(accountId, ctx);
});

describe('sign-ins', () => {
  const usage = (since: string | null) => {
    const connector = connect({ token });
    const fetchPage = (cursor: string | null) => {
      if (connector.listUsage === undefined) throw new Error('There is no usage.');
      return connector.listUsage(since, cursor, ctx);
    };
    return collectPages(fetchPage, { systemId: 'okta', operation: 'test' });
  };
  const isoOf = (ms: number) => new Date(ms).toISOString();
  const signIn = (id: string, happenedMs: number, storedMs = happenedMs) => {
    const user = sandbox.state.users[id];
    if (user === undefined) throw new Error('There is no such user.');
    user.lastLogin = isoOf(happenedMs);
    const times = { published: new Date(happenedMs), persisted: new Date(storedMs) };
    recordSignIn({ data: sandbox.state } as Parameters<typeof recordSignIn>[0], user, times);
  };

  test('everything: the last one of every account, and null for those who never came', async () => {
    const connector = connect({ token });
    const [seen, never] = [await makeAccount(connector), await makeAccount(connector)];
    signIn(seen, clockMs - 400 * dayMs);
    const rows = await usage(null);
    expect(rows.toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))).toEqual(
      [
        { accountId: seen, vendorEntitlementId: null, lastUsedAt: isoOf(clockMs - 400 * dayMs) },
        { accountId: never, vendorEntitlementId: null, lastUsedAt: null },
      ].toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1)),
    );
  });

  test('since a time: only what was stored since, however late, over all pages, to an end', async () => {
    const connector = connect({ token });
    const [early, late, busy] = [
      await makeAccount(connector),
      await makeAccount(connector),
      await makeAccount(connector),
    ];
    const since = clockMs - dayMs;
    signIn(early, since - 60_000);
    signIn(late, since - 60_000, since + 60_000);
    for (let minute = 0; minute < 1001; minute += 1) signIn(busy, since + minute * 60_000);
    sandbox.clearCalls();
    const rows = await usage(isoOf(since));
    const latest = new Map(rows.map(({ accountId, lastUsedAt }) => [accountId, lastUsedAt]));
    expect(latest).toEqual(
      new Map([
        [late, isoOf(since - 60_000)],
        [busy, isoOf(since + 1000 * 60_000)],
      ]),
    );
    expect(sandbox.calls).toHaveLength(3);
    expect(await usage(isoOf(clockMs))).toEqual([]);
  });

  test('what reaches back further than the log is read from the accounts', async () => {
    const accountId = await makeAccount(connect({ token }));
    signIn(accountId, clockMs - 100 * dayMs);
    expect(await usage(isoOf(clockMs - 200 * dayMs))).toEqual([
      { accountId, vendorEntitlementId: null, lastUsedAt: isoOf(clockMs - 100 * dayMs) },
    ]);
  });
});
