/** What is special at GitHub, beside what the conformance suite asks of everybody. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createGithubSandbox, type GithubSandbox, type GithubSandboxOptions } from '../../sandbox/github.ts';
import { addInvitation, addUser, type GithubTeam } from '../../sandbox/github-state.ts';
import { readGithubRefusal } from '../../src/connectors/github/refusals.ts';
import { github } from '../../src/connectors/github.ts';
import type { TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const token = 'github-token-of-the-test';
const organization = 'acme';
const teamId = '77';

const gate = openVendorDescription({
  vendor: 'GitHub',
  files: ['github/ghec.pruned.json'],
  undescribed: [
    { method: 'POST', path: '/graphql', reason: 'the description has the REST interface only' },
    { method: 'GET', path: '/user/{account_id}', reason: 'cut from the description; GitHub documents it' },
    { method: 'POST', path: '/app/installations/{id}/access_tokens', reason: 'cut from the description' },
  ],
});

let sandbox: GithubSandbox;
afterEach(() => sandbox.close());

async function start(
  options: Partial<GithubSandboxOptions> = {},
  config: object = { token },
): Promise<{ connector: TargetConnector; team: () => GithubTeam }> {
  const teams = [{ id: Number(teamId), slug: 'backend', name: 'Backend' }];
  sandbox = createGithubSandbox({ token, organization, teams, now: () => new Date(clockMs), ...options });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const limits = { now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  const opened = { systemId: 'code', config: { url, organization, pageMax: 2, ...config }, ...limits };
  return { connector: openConnector('target', github, opened), team: () => sandbox.state.teams[teamId] as GithubTeam };
}

const listAll = (connector: TargetConnector) =>
  collectPages((cursor) => connector.listAccounts(cursor, ctx), { systemId: 'code', operation: 'test' });

function seedMember(login: string) {
  const user = addUser(sandbox.state, login);
  sandbox.state.members[user.id] = { state: 'active', isDirect: true, enterpriseTeams: [] };
  return user;
}

describe('an invitation', () => {
  test('gives an account that waits for the person, and a team once they accepted', async () => {
    const { connector, team } = await start();
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({
      vendorStatus: 'invited',
      canLogIn: true,
    });
    const grant = () => connector.ensureEntitlement(account.accountId, teamId, 'present', ctx);
    await expectFailure(grant(), 'awaitingHuman');
    expect(await connector.listAccountEntitlements(account.accountId, ctx)).toEqual([]);
    const userId = sandbox.accept(account.accountId);
    expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({ vendorStatus: 'active' });
    expect(await grant()).toMatchObject({ outcome: 'changed' });
    expect(Object.keys(team().members)).toEqual([String(userId)]);
  });

  test('of a leaver is cancelled; whoever comes back is invited anew', async () => {
    const { connector } = await start();
    const keys = keysOf(randomUUID());
    const { account } = await connector.ensureAccount(keys, aProfile('ada@example.test'), ctx);
    expect(await connector.setLogin(account.accountId, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
    expect(Object.keys(sandbox.state.invitations)).toEqual([]);
    expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({
      vendorStatus: 'removed',
      canLogIn: false,
    });
    const known = { ...keys, accountId: account.accountId };
    const again = await connector.ensureAccount(known, aProfile('ada@example.test'), ctx);
    expect(again).toMatchObject({ outcome: 'created', account: { correlationKey: keys.personId, canLogIn: true } });
    expect(Object.keys(sandbox.state.identities)).toEqual([again.account.accountId]);
  });

  test('to somebody who was removed leaves the team waiting, once', async () => {
    const { connector, team } = await start();
    const keys = keysOf(randomUUID());
    const { account } = await connector.ensureAccount(keys, aProfile(), ctx);
    const userId = sandbox.accept(account.accountId) ?? 0;
    await connector.setLogin(account.accountId, 'disabled', ctx);
    const back = await connector.ensureAccount({ ...keys, accountId: account.accountId }, aProfile(), ctx);
    expect(back).toMatchObject({ outcome: 'changed', account: { vendorStatus: 'pending', canLogIn: true } });
    const grant = () => connector.ensureEntitlement(account.accountId, teamId, 'present', ctx);
    await expectFailure(grant(), 'awaitingHuman');
    await expectFailure(grant(), 'awaitingHuman');
    expect(sandbox.calls.filter(({ method, path }) => method === 'PUT' && path.includes('/teams/'))).toHaveLength(1);
    sandbox.acceptMembership(userId);
    expect(await grant()).toMatchObject({ outcome: 'unchanged' });
    expect(team().members).toEqual({ [userId]: 'active' });
  });

  test('over the limit of the day waits an hour and is no refusal', async () => {
    const { connector } = await start({ invitationsPerDay: 1 });
    const keys = keysOf(randomUUID());
    const { account } = await connector.ensureAccount(keys, aProfile(), ctx);
    const error = await expectFailure(connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx), 'throttled');
    expect(error.detail).toMatchObject({ vendorCode: 'invitationLimit', retryAfterMs: 3_600_000 });
    sandbox.accept(account.accountId);
    await connector.setLogin(account.accountId, 'disabled', ctx);
    await expectFailure(connector.setLogin(account.accountId, 'enabled', ctx), 'throttled');
  });
});

describe('what no call of ours can change', () => {
  test('a team that an identity provider owns is a precondition, no matter of our credentials', async () => {
    const { connector, team } = await start({ acceptsAtOnce: true });
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    team().isSynchronised = true;
    const error = await expectFailure(
      connector.ensureEntitlement(account.accountId, teamId, 'present', ctx),
      'precondition',
    );
    expect(error.detail.vendorCode).toBe('teamOwnedElsewhere');
  });

  test('an enterprise team survives the removal: the login still works, and the next attempt says why', async () => {
    const { connector } = await start();
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    const userId = sandbox.accept(account.accountId) ?? 0;
    Object.assign(sandbox.state.members[userId] ?? {}, { enterpriseTeams: ['everybody'] });
    await connector.setLogin(account.accountId, 'disabled', ctx);
    expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({ canLogIn: true });
    await expectFailure(connector.setLogin(account.accountId, 'disabled', ctx), 'precondition');
  });

  test('a parent team that a child brings along is not held, and a team of the enterprise is not offered', async () => {
    const { connector, team } = await start({ acceptsAtOnce: true });
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    const userId = sandbox.state.identities[account.accountId]?.userId ?? 0;
    const shared = { type: 'organization' as const, isSynchronised: false };
    sandbox.state.teams[78] = { ...shared, id: 78, slug: 'child', name: 'Child', parentId: 77, members: {} };
    sandbox.state.teams[79] = { ...team(), id: 79, slug: 'all', name: 'All', type: 'enterprise', members: {} };
    await connector.ensureEntitlement(account.accountId, '78', 'present', ctx);
    expect(await connector.listAccountEntitlements(account.accountId, ctx)).toEqual(['78']);
    expect(sandbox.state.teams[78]?.members).toEqual({ [userId]: 'active' });
    const offered = await collectPages((cursor) => connector.listEntitlements(cursor, ctx), {
      systemId: 'code',
      operation: 'test',
    });
    expect(offered.map(({ vendorEntitlementId }) => vendorEntitlementId)).toEqual(['77', '78']);
    await expectFailure(connector.ensureEntitlement(account.accountId, '79', 'present', ctx), 'precondition');
  });
});

test('members whom nothing provisioned, outside collaborators and open invitations are listed and can be shut out', async () => {
  const { connector } = await start();
  const member = seedMember('old-hand');
  const outside = addUser(sandbox.state, 'freelancer');
  sandbox.state.outsideCollaborators.push(outside.id);
  const open = addInvitation(
    sandbox.state,
    { login: null, email: 'guest@example.test', source: 'member' },
    new Date(clockMs),
  );
  const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
  const expected = {
    [account.accountId]: 'invited',
    [member.id]: 'active',
    [outside.id]: 'outsideCollaborator',
    [`invitation:${open.id}`]: 'invited',
  };
  const shown = (await listAll(connector)).map(({ accountId, vendorStatus }) => [accountId, vendorStatus]);
  expect(Object.fromEntries(shown)).toEqual(expected);
  expect(shown).toHaveLength(4);
  for (const accountId of Object.keys(expected)) {
    expect(await connector.getAccount(accountId, ctx)).toMatchObject({ vendorStatus: expected[accountId] });
    expect(await connector.setLogin(accountId, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
    expect((await connector.getAccount(accountId, ctx))?.canLogIn ?? false).toBe(false);
  }
  expect((await listAll(connector)).filter(({ canLogIn }) => canLogIn)).toEqual([]);
});

test('an identity whose user name and NameID differ is found all the same', async () => {
  const { connector } = await start();
  const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
  sandbox.accept(account.accountId);
  Object.assign(sandbox.state.identities[account.accountId] ?? {}, { nameId: 'renamed@example.test' });
  expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({ vendorStatus: 'active' });
});

test('without SCIM a person is known by the NameID, if that is an HR key, and nobody is invited', async () => {
  const { connector } = await start({}, { token, identities: 'saml' });
  const at = new Date(clockMs).toISOString();
  const shared = { invitationId: null, attributes: {}, at };
  const known = seedMember('ada');
  const addressed = seedMember('bob');
  const names = { a: 'HR-104', b: 'bob@example.test' };
  sandbox.state.identities['a'] = { ...shared, id: 'a', userName: 'a', userId: known.id, nameId: names.a };
  sandbox.state.identities['b'] = { ...shared, id: 'b', userName: 'b', userId: addressed.id, nameId: names.b };
  expect(await connector.findAccount(keysOf(randomUUID(), names.a), ctx)).toMatchObject({
    account: { accountId: String(known.id), correlationKey: names.a },
  });
  const keys = (await listAll(connector)).map(({ correlationKey }) => correlationKey);
  expect(keys).toEqual([names.a, null]);
  await expectFailure(connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx), 'unsupported');
});

test('an App signs for its installation, and its token serves many calls', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const app = { appId: '12', installationId: '34', publicKey };
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' });
  const { connector } = await start({ app }, { appId: '12', installationId: '34', privateKey: pem });
  expect(await connector.check(ctx)).toMatchObject({ isHealthy: true });
  await listAll(connector);
  expect(sandbox.calls.filter(({ path }) => path.startsWith('/app/'))).toHaveLength(1);
});

test('a key that is none is a matter of credentials and is not quoted', async () => {
  const { connector } = await start({}, { appId: '12', installationId: '34', privateKey: 'no-such-key' });
  const error = await expectFailure(connector.listAccounts(null, ctx), 'auth');
  expect(JSON.stringify(error) + String(error.stack)).not.toContain('no-such-key');
});

test('check names the right that is missing', async () => {
  const { connector } = await start();
  sandbox.faults.add({ kind: 'status', status: 403, path: 'credential-authorizations' });
  const result = await connector.check(ctx);
  expect(result.isHealthy).toBe(false);
  expect(result.findings.filter(({ level }) => level === 'error')).toEqual([
    { level: 'error', text: expect.stringContaining('administration: read') },
  ]);
});

describe('readGithubRefusal', () => {
  const refusal = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    readGithubRefusal({ status, header: (name) => headers[name] ?? null, body });

  test.each([
    [403, { message: 'You have exceeded a secondary rate limit.' }, 'throttled', 60_000],
    [
      422,
      { message: 'Validation Failed', errors: [{ message: 'Over invitation rate limit' }] },
      'throttled',
      3_600_000,
    ],
    [403, { message: 'Resource not accessible by integration' }, undefined, undefined],
    [422, { message: 'Validation Failed' }, undefined, undefined],
    [400, { scimType: 'uniqueness' }, 'conflict', undefined],
    [400, { scimType: 'invalidValue' }, undefined, undefined],
  ])('%i %j has the code %s', (status, body, code, retryAfterMs) => {
    expect([refusal(status, body)?.code, refusal(status, body)?.retryAfterMs]).toEqual([code, retryAfterMs]);
  });

  test('where GitHub says how long to wait, that counts', () => {
    const verdict = refusal(403, { message: 'secondary rate limit' }, { 'retry-after': '7' });
    expect(verdict).toEqual({ code: 'throttled', vendorCode: 'secondaryLimit' });
  });
});
