/** The quirks one by one: how a policy names them, what is sent, and which wrong ones are found out before they do harm. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createScimSandbox, type ScimSandbox } from '../../sandbox/scim.ts';
import type { ScimBehaviour } from '../../sandbox/scim-behaviours.ts';
import type { ScimQuirks as ServerQuirks } from '../../sandbox/scim-quirks.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { scim, ScimConfig } from '../../src/connectors/scim.ts';
import { QuirkProfileName, quirkProfiles } from '../../src/connectors/scim/quirk-profiles.ts';
import { rfcQuirks } from '../../src/connectors/scim/quirks.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, startPlainServer, unlimited } from '../conformance/harness.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const at = new Date(clockMs).toISOString();
const times = { created: at, lastModified: at };
const groupIds = ['g1', 'g2'];

function connectTo(url: string, quirks: unknown = {}) {
  const config = { url, token: 't', quirks };
  return openConnector('target', scim, { systemId: 'app', config, now: () => clockMs, rateLimiter: unlimited });
}

interface Server {
  behaviour?: ScimBehaviour;
  server?: Partial<ServerQuirks>;
  userCount?: number;
}

/** A server with users u0, u1, … who are all in g1. */
async function serve({ behaviour, server = {}, userCount = 3 }: Server): Promise<{ url: string; app: ScimSandbox }> {
  const ids = Array.from({ length: userCount }, (_, index) => `u${index}`);
  const users = ids.map((id) => ({
    id,
    userName: `${id}@example.test`,
    active: true,
    ...times,
    attributes: { externalId: `key-${id}` },
  }));
  const groups = groupIds.map((id) => ({
    id,
    displayName: `Group ${id}`,
    externalId: null,
    ...times,
    memberIds: id === 'g1' ? ids : [],
  }));
  const known = behaviour === undefined ? {} : { behaviour };
  const app = createScimSandbox({ token: 't', users, groups, quirks: server, now: () => new Date(clockMs), ...known });
  open.push(app);
  return { url: (await app.listen(0)).url, app };
}

describe('in policy', () => {
  const quirksOf = (quirks?: unknown) =>
    ScimConfig.parse({ url: 'https://a.example', token: 't', ...(quirks === undefined ? {} : { quirks }) }).quirks;

  test('a profile is a word, single quirks come on top of one, and without any the RFC is meant', () => {
    expect(quirksOf()).toEqual(rfcQuirks);
    expect(quirksOf('slack')).toEqual({ ...rfcQuirks, ...quirkProfiles.slack.quirks });
    expect(quirksOf({ profile: 'slack', pageMax: 20 })).toMatchObject({ memberRemoveStyle: 'valueArray', pageMax: 20 });
    expect(quirksOf({ memberRemoveStyle: 'valueArray' })).toEqual({ ...rfcQuirks, memberRemoveStyle: 'valueArray' });
  });

  test.each([
    ['slak', 'quirks.profile'],
    [{ profile: 'slak' }, 'quirks.profile'],
    [{ pageMax: 0 }, 'quirks.pageMax'],
    [{ pageMaximum: 5 }, 'quirks'],
    [5, 'quirks'],
  ])('%j is refused at %s', (quirks, path) => {
    const { error } = ScimConfig.safeParse({ url: 'https://a.example', token: 't', quirks });
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  test('every profile goes through the conformance suite', () => {
    const tested = ['scim.test.ts', 'scim-vendors.test.ts'].flatMap((file) =>
      [
        ...(
          /const profiles = \[(.*)\]/.exec(readFileSync(join(import.meta.dirname, file), 'utf8'))?.[1] ?? ''
        ).matchAll(/'([^']+)'/g),
      ].map((match) => match[1]),
    );
    expect(tested.toSorted()).toEqual(QuirkProfileName.options.toSorted());
  });

  test('every profile says where it is known from', () => {
    for (const name of QuirkProfileName.options) expect(quirkProfiles[name].source).not.toBe('');
  });
});

describe('members', () => {
  test.each(['entra-style', 'slack', 'scimmy', 'rfc'] as const)(
    'of three members at a server like %s one is removed and two remain',
    async (name) => {
      const { url, app } = await serve({ behaviour: name });
      await connectTo(url, name).ensureEntitlement('u1', 'g1', 'absent', ctx);
      expect(app.state.groups['g1']?.memberIds).toEqual(['u0', 'u2']);
    },
  );

  test('the wrong form of removal would take everybody out: that is why it is a quirk', async () => {
    const { url, app } = await serve({ behaviour: 'slack' });
    await connectTo(url, { profile: 'slack', memberRemoveStyle: 'filter' }).ensureEntitlement(
      'u1',
      'g1',
      'absent',
      ctx,
    );
    expect(app.state.groups['g1']?.memberIds).toEqual([]);
  });

  test('a server that takes PUT only gets the whole group back, without the one', async () => {
    const { url, app } = await serve({ behaviour: 'put-only' });
    await connectTo(url, 'put-only').ensureEntitlement('u1', 'g1', 'absent', ctx);
    expect(app.state.groups['g1']).toMatchObject({ displayName: 'Group g1', memberIds: ['u0', 'u2'] });
    await connectTo(url, 'put-only').ensureEntitlement('u1', 'g2', 'present', ctx);
    expect(app.state.groups['g2']?.memberIds).toEqual(['u1']);
  });

  test('a server that never shows members is asked about each group, and one that ignores the question is found out', async () => {
    const { url } = await serve({ behaviour: 'aws-identity-center' });
    expect(await connectTo(url, 'aws-identity-center').listAccountEntitlements('u1', ctx)).toEqual(['g1']);
    const ignoring = await serve({ server: { groupsFilterBy: 'ignored' } });
    const wrong = connectTo(ignoring.url, { membershipRead: 'probe' });
    await expectFailure(wrong.listAccountEntitlements('u1', ctx), 'unsupported');
  });
});

describe('accounts', () => {
  test.each([
    ['boolean', false],
    ['text', 'False'],
  ])('active is sent as %s', async (booleanStyle, expected) => {
    const bodies: string[] = [];
    const vendor = await startPlainServer((response, request) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end(JSON.stringify({ id: 'u1', userName: 'a', active: true })));
    });
    open.push(vendor);
    await connectTo(vendor.url, { booleanStyle }).setLogin('u1', 'disabled', ctx);
    expect(JSON.parse(bodies.join(''))).toMatchObject({
      Operations: [{ op: 'replace', path: 'active', value: expected }],
    });
  });

  test('a PUT sends back what it read, and nothing that only the server writes', async () => {
    const { url, app } = await serve({ behaviour: 'put-only', server: { groupsOnUser: true } });
    const user = app.state.users['u1']!;
    user.attributes = { ...user.attributes, nickName: 'Augusta', timezone: 'Europe/London' };
    await connectTo(url, 'put-only').setLogin('u1', 'disabled', ctx);
    expect(app.state.users['u1']).toMatchObject({
      active: false,
      attributes: { externalId: 'key-u1', nickName: 'Augusta', timezone: 'Europe/London' },
    });
    expect(app.state.users['u1']?.attributes).not.toHaveProperty('meta');
  });

  test('an account that a server hides once it is disabled counts as disabled, and as no account', async () => {
    const { url, app } = await serve({ server: { hidesDisabled: true } });
    const connector = connectTo(url);
    expect(await connector.setLogin('u1', 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
    expect(app.canLogIn('u1')).toBe(false);
    expect(await connector.getAccount('u1', ctx)).toBeNull();
    expect(await connector.findAccount({ ...keysOf('key-u1'), accountId: 'u1' }, ctx)).toEqual({ outcome: 'none' });
  });

  test('at a server that filters by name alone an account is still found by key, and two are ambiguous', async () => {
    const { url, app } = await serve({ behaviour: 'users-only-by-name', userCount: 7 });
    const connector = connectTo(url, { profile: 'users-only-by-name', pageMax: 2 });
    expect(await connector.findAccount(keysOf(randomUUID(), 'key-u5'), ctx)).toMatchObject({
      account: { accountId: 'u5' },
    });
    app.state.users['u2']!.attributes['externalId'] = 'key-u5';
    expect(await connector.findAccount(keysOf(randomUUID(), 'key-u5'), ctx)).toEqual({
      outcome: 'ambiguous',
      accountIds: ['u2', 'u5'],
    });
    await expectFailure(connectTo(url).findAccount(keysOf('key-u5'), ctx), 'validation');
  });

  test('throttled, then a duplicate: the account of the lost answer is adopted', async () => {
    const { url, app } = await serve({ behaviour: 'aws-identity-center', userCount: 0 });
    const connector = connectTo(url, 'aws-identity-center');
    const keys = keysOf(randomUUID());
    const profile = aProfile();
    app.faults.add({ kind: 'throttle', method: 'POST', retryAfterSeconds: 4 });
    const throttled = await expectFailure(connector.ensureAccount(keys, profile, ctx), 'throttled');
    expect(throttled.detail.retryAfterMs).toBe(4000);
    app.faults.add({ kind: 'lostResponse', method: 'POST' });
    await expectFailure(connector.ensureAccount(keys, profile, ctx), 'unknownOutcome');
    expect(await connector.ensureAccount(keys, profile, ctx)).toMatchObject({ outcome: 'adopted' });
    expect(Object.keys(app.state.users)).toHaveLength(1);
  });
});

describe('pages', () => {
  const listAll = (url: string, quirks: unknown) =>
    collectPages((cursor) => connectTo(url, quirks).listAccounts(cursor, ctx), { systemId: 'app', operation: 'test' });

  test.each([
    ['the same page for every startIndex', { paging: 'ignored' as const }, { pageMax: 2 }],
    ['one full page that says it is all', { paging: 'cut' as const, pageMax: 2 }, { paging: 'single', pageMax: 2 }],
    ['one page of several', { paging: 'ignored' as const }, { paging: 'single', pageMax: 4 }],
  ])('a server that shows %s never passes for a whole list', async (_label, server, quirks) => {
    const { url } = await serve({ server, userCount: 5 });
    await expectFailure(listAll(url, quirks), 'transient');
  });

  test('a server that never shows more than twenty is read whole up to there, and not at all beyond', async () => {
    const few = await serve({ behaviour: 'scimmy', userCount: 20 });
    expect(await listAll(few.url, 'scimmy')).toHaveLength(20);
    const many = await serve({ behaviour: 'scimmy', userCount: 21 });
    await expectFailure(listAll(many.url, 'scimmy'), 'transient');
    const { isHealthy, findings } = await connectTo(many.url, 'scimmy').check(ctx);
    expect([isHealthy, findings.map(({ text }) => text).join()]).toEqual([
      false,
      expect.stringContaining('they cannot be listed here'),
    ]);
  });

  test('a server that announces more and names no next page never passes for a whole list', async () => {
    const body = { totalResults: 5, Resources: [{ id: 'u1', userName: 'a' }] };
    const vendor = await startPlainServer((response) => response.end(JSON.stringify(body)));
    open.push(vendor);
    await expectFailure(listAll(vendor.url, { paging: 'cursor' }), 'transient');
  });

  test.each([
    ['startIndex', {}, { pageMax: 2 }],
    ['startIndex at a server that ignores count', { ignoresCount: true, pageMax: 3 }, { pageMax: 100 }],
    ['cursor', { paging: 'cursor' as const }, { paging: 'cursor', pageMax: 2 }],
    ['single', { paging: 'cut' as const, pageMax: 50 }, { paging: 'single', pageMax: 50 }],
  ])('by %s seven users are seven', async (_label, server, quirks) => {
    const { url } = await serve({ server, userCount: 7 });
    const ids = (await listAll(url, quirks)).map(({ accountId }) => accountId);
    expect(ids).toEqual(['u0', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6']);
  });
});

describe('check', () => {
  const textsOf = async (url: string, quirks: unknown) => {
    const { isHealthy, findings } = await connectTo(url, quirks).check(ctx);
    return { isHealthy, text: findings.map(({ level, text }) => `${level}: ${text}`).join('\n') };
  };

  test.each(QuirkProfileName.options)(
    'finds nothing wrong with %s at a server like it, by reads alone',
    async (name) => {
      const { url, app } = await serve({ behaviour: name });
      expect(await textsOf(url, name)).toMatchObject({ isHealthy: true });
      expect(new Set(app.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
    },
  );

  test.each<[string, Server, unknown, string]>([
    ['PATCH is not supported', { behaviour: 'put-only' }, 'okta-style', 'writeMethod: put'],
    ['the key cannot be asked for', { behaviour: 'users-only-by-name' }, 'okta-style', 'accountFind: scan'],
    ['filters do nothing', { server: { usersFilterBy: 'ignored' } }, 'rfc', 'accountFind: scan'],
    ['startIndex does nothing', { server: { paging: 'ignored' } }, 'rfc', 'paging: single'],
    ['pages go by cursor', { server: { paging: 'cursor' } }, 'rfc', 'paging: cursor'],
    ['groups cannot be asked for by member', { behaviour: 'better-auth' }, 'rfc', 'membershipRead: scan'],
    ['groups show on the user', { behaviour: 'atlassian' }, { excludeMembers: false }, 'membershipRead: userGroups'],
    ['groups do not show on the user', { behaviour: 'okta-style' }, 'github-emu', 'membershipRead: scan'],
  ])('where %s it says which quirk would fit', async (_label, server, quirks, advice) => {
    const { url } = await serve(server);
    const { isHealthy, text } = await textsOf(url, quirks);
    expect(isHealthy).toBe(false);
    expect(text).toContain(`quirks: { ${advice} }`);
  });

  test('a token that may not read Groups is named, a wrong one fails', async () => {
    const { url, app } = await serve({});
    app.faults.add({ kind: 'status', status: 403, path: '/Groups' });
    expect(await textsOf(url, {})).toEqual({
      isHealthy: false,
      text: 'error: Users can be read, Groups cannot: the credentials lack the right to read Groups.',
    });
    app.faults.add({ kind: 'status', status: 401 });
    await expectFailure(connectTo(url).check(ctx), 'auth');
  });

  test('an outage in the middle is an outage, not a quirk', async () => {
    const { url, app } = await serve({});
    app.faults.add({ kind: 'status', status: 503, skip: 4, times: null });
    await expectFailure(connectTo(url).check(ctx), 'transient');
  });
});

describe('tokens by client credentials', () => {
  const body = { access_token: 'issued-token', token_type: 'Bearer', expires_in: 3600 };
  const client = { clientId: 'id with space', clientSecret: 'secret-of-the-client', scope: 'scim.write' };

  async function tokenServer(status = 200, answer: object = body) {
    const bodies: string[] = [];
    const vendor = await startPlainServer((response, request) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
      );
    });
    open.push(vendor);
    return { ...vendor, bodies };
  }

  function connectBy(url: string, tokenUrl: string, more: object = {}) {
    const config = { url, tokenUrl, ...client, ...more };
    return openConnector('target', scim, { systemId: 'app', config, now: () => clockMs, rateLimiter: unlimited });
  }

  test.each(['basic', 'body'] as const)('one token, asked for with %s, serves many calls', async (clientAuth) => {
    const issuer = await tokenServer();
    const app = createScimSandbox({ token: 'issued-token' });
    open.push(app);
    const connector = connectBy((await app.listen(0)).url, `${issuer.url}/oauth/token`, { clientAuth });
    expect((await connector.listAccounts(null, ctx)).items).toEqual([]);
    await connector.listEntitlements(null, ctx);
    expect(issuer.requests.map(({ method, url }) => [method, url])).toEqual([['POST', '/oauth/token']]);
    const basic = `Basic ${Buffer.from('id%20with%20space:secret-of-the-client').toString('base64')}`;
    expect(issuer.requests[0]?.headers.authorization).toBe(clientAuth === 'basic' ? basic : undefined);
    const sent = new URLSearchParams(issuer.bodies.join(''));
    expect(Object.fromEntries(sent)).toEqual({
      grant_type: 'client_credentials',
      scope: 'scim.write',
      ...(clientAuth === 'body' ? { client_id: client.clientId, client_secret: client.clientSecret } : {}),
    });
  });

  test('a refused token is fetched anew by the next attempt', async () => {
    const issuer = await tokenServer();
    const app = createScimSandbox({ token: 'issued-token' });
    open.push(app);
    const connector = connectBy((await app.listen(0)).url, issuer.url);
    await connector.listAccounts(null, ctx);
    app.faults.add({ kind: 'status', status: 401 });
    await expectFailure(connector.listAccounts(null, ctx), 'auth');
    await connector.listAccounts(null, ctx);
    expect(issuer.requests).toHaveLength(2);
  });

  test.each([
    [400, { error: 'invalid_client' }, 'auth'],
    [401, { error: 'invalid_client' }, 'auth'],
    [503, {}, 'transient'],
    [200, { token: 'no' }, 'transient'],
  ] as const)('a token endpoint that answers %i %j is %s, without the secret', async (status, answer, code) => {
    const issuer = await tokenServer(status, answer);
    const error = await expectFailure(connectBy('http://127.0.0.1:9', issuer.url).listAccounts(null, ctx), code);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(client.clientSecret);
  });

  test.each([
    [{}, ['token']],
    [{ token: 't', ...client, tokenUrl: 'https://a.example' }, ['clientSecret']],
    [{ clientSecret: 's' }, ['tokenUrl', 'clientId']],
    [{ token: 't', clientId: 'i', scope: 's' }, ['clientId', 'scope']],
  ])('%j does not say how to log in', (config, fields) => {
    const { error } = ScimConfig.safeParse({ url: 'https://a.example', ...config });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(fields);
  });
});
