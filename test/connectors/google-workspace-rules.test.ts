import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createGoogleSandbox, type GoogleSandbox, type GoogleSandboxOptions } from '../../sandbox/google-workspace.ts';
import { googleWorkspace } from '../../src/connectors/google-workspace.ts';
import { readGoogleRefusal } from '../../src/connectors/google-workspace/refusals.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, startPlainServer, unlimited } from '../conformance/harness.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const clientEmail = 'usher@project.iam.gserviceaccount.example';
const adminUser = 'admin@example.test';
const groupId = '03x8tuzt3hqdv5v';
const { scopes } = googleWorkspace.manifest;

let sandbox: GoogleSandbox;
let tokenUrl = '';
let clock = { ms: clockMs };
afterEach(() => sandbox.close());

const keyFile = (key = privateKey) => JSON.stringify({ client_email: clientEmail, private_key: key });

function connectTo(url: string, serviceAccountKey = keyFile()) {
  return openConnector('target', googleWorkspace, {
    systemId: 'google',
    config: { serviceAccountKey, adminUser, url, tokenUrl },
    now: () => clock.ms,
    rateLimiter: unlimited,
  });
}

async function start(options: Partial<GoogleSandboxOptions> = {}, serviceAccountKey = keyFile()) {
  clock = { ms: clockMs };
  const groups = [{ id: groupId, email: 'finance@example.test', name: 'Finance', memberIds: [] }];
  const identity = { clientEmail, publicKey, adminUser, delegatedScopes: scopes, domain: 'example.test', groups };
  sandbox = createGoogleSandbox({ ...identity, now: () => new Date(clock.ms), ...options });
  tokenUrl = await sandbox.listenForTokens();
  return connectTo((await sandbox.listen(0)).url, serviceAccountKey);
}

describe('credentials', () => {
  test('one token serves until it ends, and a refused one is not used again', async () => {
    const connector = await start();
    await connector.listAccounts(null, ctx);
    await connector.listAccounts(null, ctx);
    expect(sandbox.tokenService.calls).toHaveLength(1);
    clock.ms += 3_600_000;
    await connector.listAccounts(null, ctx);
    expect(sandbox.tokenService.calls).toHaveLength(2);
    sandbox.withdrawTokens();
    await expectFailure(connector.listAccounts(null, ctx), 'auth');
    await connector.listAccounts(null, ctx);
  });

  test('a foreign and an unreadable key are our credentials, and are not quoted', async () => {
    const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    for (const key of [
      keyFile(foreign.export({ type: 'pkcs8', format: 'pem' }).toString()),
      keyFile('top-secret'),
      'top-secret',
    ]) {
      const error = await expectFailure((await start({}, key)).listAccounts(null, ctx), 'auth');
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('top-secret');
      await sandbox.close();
    }
  });

  test('the check names each scope that the delegation lacks', async () => {
    const lacking = scopes.slice(1);
    const connector = await start({ delegatedScopes: scopes.slice(0, 1) });
    const result = await connector.check(ctx);
    expect(result.isHealthy).toBe(false);
    expect(result.findings).toHaveLength(lacking.length);
    for (const scope of lacking) expect(result.findings.map(({ text }) => text).join()).toContain(`${scope}.`);
    await expectFailure(connector.listAccounts(null, ctx), 'auth');
  });

  test('a token service that is down is waited for', async () => {
    const connector = await start();
    for (const kind of ['lostResponse', 'status'] as const) {
      sandbox.tokenService.faults.add({ kind });
      await expectFailure(connector.listAccounts(null, ctx), 'transient');
    }
  });
});

describe('accounts', () => {
  test('what is made carries personId under a type of its own, in the unit that was chosen', async () => {
    const connector = await start();
    const personal = keysOf(randomUUID(), '104');
    const profile = { ...aProfile('ada@example.test'), familyName: '', givenName: 'Björk' };
    const { account } = await connector.ensureAccount(personal, profile, ctx);
    expect(sandbox.state.users[account.accountId]).toMatchObject({
      externalIds: [{ type: 'custom', customType: 'usher', value: personal.personId }],
      name: { givenName: 'Björk', familyName: 'Björk', displayName: 'Ada Byron' },
      orgUnitPath: '/',
      organizations: [{ primary: true, title: 'Analyst', department: 'Finance' }],
    });
  });

  test('a hit of the search whose key has changed since is not taken, and one that it does not know is found', async () => {
    const connector = await start();
    const numbered = (value: string) => ({ externalIds: [{ type: 'organization', value }] });
    const moved = sandbox.seedUser('moved@example.test', numbered('104'));
    Object.assign(sandbox.state.users[moved]!, numbered('999'));
    expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toEqual({ outcome: 'none' });
    const late = sandbox.seedUser('late@example.test');
    Object.assign(sandbox.state.users[late]!, numbered('105'));
    const found = await connector.findAccount(keysOf(randomUUID(), '105'), ctx);
    expect(found).toMatchObject({ outcome: 'found', account: { accountId: late } });
  });

  test('an address that is the alias of somebody else, or a group, is a conflict', async () => {
    const connector = await start();
    sandbox.seedUser('married@example.test', { aliases: ['maiden@example.test'] });
    for (const address of ['maiden@example.test', 'finance@example.test']) {
      await expectFailure(connector.ensureAccount(keysOf(randomUUID(), '104'), aProfile(address), ctx), 'conflict');
    }
    const other = sandbox.seedUser('other@example.test');
    await expectFailure(connector.updateProfile(other, { login: 'maiden@example.test' }, ctx), 'conflict');
    expect(Object.keys(sandbox.state.users)).toHaveLength(2);
  });

  test('a change of address leaves the old one as an alias, and the account is the same one', async () => {
    const connector = await start();
    const personal = keysOf(randomUUID());
    const { account } = await connector.ensureAccount(personal, aProfile('maiden@example.test'), ctx);
    await connector.updateProfile(account.accountId, { login: 'married@example.test' }, ctx);
    expect(sandbox.state.users[account.accountId]?.aliases).toEqual(['maiden@example.test']);
    expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({ userName: 'married@example.test' });
  });

  test('an address of another domain is refused, and nothing is taken for gone', async () => {
    const connector = await start();
    const call = connector.ensureAccount(keysOf(randomUUID()), aProfile('ada@elsewhere.test'), ctx);
    await expectFailure(call, 'validation');
  });

  test('a new account that is not ready yet, and one that was just renamed, are waited for', async () => {
    const connector = await start({ creationLagMs: 20_000, renameLagMs: 60_000 });
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    const { accountId } = account;
    const disable = () => connector.setLogin(accountId, 'disabled', ctx);
    const grant = () => connector.ensureEntitlement(accountId, groupId, 'present', ctx);
    expect((await expectFailure(disable(), 'propagating')).detail.retryAfterMs).toBe(10_000);
    await expectFailure(grant(), 'propagating');
    clock.ms += 20_000;
    expect(await grant()).toMatchObject({ outcome: 'changed' });
    await connector.updateProfile(accountId, { login: 'new.name@example.test' }, ctx);
    await expectFailure(connector.updateProfile(accountId, { title: 'Head' }, ctx), 'propagating');
    clock.ms += 60_000;
    expect(await connector.updateProfile(accountId, { title: 'Head' }, ctx)).toMatchObject({ outcome: 'changed' });
  });

  test('what other systems keep in a repeated field stays', async () => {
    const connector = await start();
    const manager = sandbox.seedUser('boss@example.test');
    const assistant = { type: 'assistant', value: 'helper@example.test' };
    const school = { name: 'School', type: 'school', title: 'Pupil' };
    const work = { primary: true, title: 'Analyst', costCenter: '42' };
    const values = {
      relations: [assistant, { type: 'manager', value: 'old@example.test' }],
      organizations: [school, work],
    };
    const accountId = sandbox.seedUser('ada@example.test', values);
    await connector.updateProfile(accountId, { title: 'Head', manager }, ctx);
    expect(sandbox.state.users[accountId]).toMatchObject({
      relations: [assistant, { type: 'manager', value: 'boss@example.test' }],
      organizations: [{ ...work, title: 'Head' }, school],
    });
    expect((await connector.readProfile(accountId, ctx))?.values).toMatchObject({ title: 'Head', manager });
    await expectFailure(connector.updateProfile(accountId, { manager: '123' }, ctx), 'precondition');
  });

  test('nothing of a person is asked for that Usher has no business with', async () => {
    const connector = await start();
    const accountId = sandbox.seedUser('ada@example.test');
    await connector.getAccount(accountId, ctx);
    await connector.listAccounts(null, ctx);
    for (const { query } of sandbox.calls)
      expect(new URLSearchParams(query).get('fields')).not.toMatch(/phone|address/);
    expect(sandbox.calls.every(({ query }) => query.includes('fields='))).toBe(true);
  });
});

describe('sessions', () => {
  test('tokens and application passwords end with the sessions; one that is gone meanwhile is no obstacle', async () => {
    const connector = await start();
    const accountId = sandbox.seedUser('ada@example.test');
    for (const kind of ['web', 'token', 'token', 'password'] as const) sandbox.createSession(accountId, kind);
    sandbox.faults.add({ kind: 'status', status: 404, method: 'DELETE', path: '/tokens/' });
    await connector.revokeSessions(accountId, ctx);
    expect(sandbox.state.sessions.map(({ kind }) => kind)).toEqual(['token']);
    await connector.revokeSessions(accountId, ctx);
    expect(sandbox.state.sessions).toEqual([]);
    await expectFailure(connector.revokeSessions('ada@example.test', ctx), 'notFound');
    await expectFailure(connector.revokeSessions('404', ctx), 'notFound');
  });
});

describe('groups', () => {
  test('absence counts only where the account exists: Google says the same of both', async () => {
    const connector = await start();
    const accountId = sandbox.seedUser('ada@example.test');
    const absent = (id: string) => connector.ensureEntitlement(id, groupId, 'absent', ctx);
    expect(await absent(accountId)).toMatchObject({ outcome: 'unchanged' });
    await expectFailure(absent('404'), 'notFound');
    await expectFailure(connector.listAccountEntitlements('404', ctx), 'notFound');
  });

  test('a membership that somebody else was faster with, either way, is what was asked for', async () => {
    const connector = await start();
    const accountId = sandbox.seedUser('ada@example.test');
    const assert = (state: 'present' | 'absent') => connector.ensureEntitlement(accountId, groupId, state, ctx);
    sandbox.faults.add({ kind: 'status', status: 409, method: 'POST', path: '/members$' });
    expect(await assert('present')).toMatchObject({ outcome: 'unchanged' });
    await assert('present');
    sandbox.faults.add({ kind: 'status', status: 404, method: 'DELETE', path: '/members/' });
    expect(await assert('absent')).toMatchObject({ outcome: 'unchanged' });
  });
});

test('the beginning of the epoch is "never", and what Google does not say is unknown', async () => {
  const connector = await start();
  const never = sandbox.seedUser('never@example.test');
  const used = sandbox.seedUser('used@example.test', { lastLoginTime: '2026-02-01T00:00:00.000Z' });
  const row = (accountId: string, lastUsedAt: string | null) => ({ accountId, vendorEntitlementId: null, lastUsedAt });
  const { items } = await connector.listUsage!(null, null, ctx);
  expect(items).toHaveLength(2);
  expect(items).toEqual(expect.arrayContaining([row(never, null), row(used, '2026-02-01T00:00:00.000Z')]));
  expect((await connector.listUsage!('2026-02-02T00:00:00Z', null, ctx)).items).toEqual([row(never, null)]);
  const vendor = await startPlainServer((response) => response.end(JSON.stringify({ users: [{ id: '1' }] })));
  try {
    expect(await connectTo(vendor.url).listUsage!(null, null, ctx)).toEqual({ items: [], nextCursor: null });
  } finally {
    await vendor.close();
  }
});

test('a 404 that Google did not word is no absence', async () => {
  await start();
  const vendor = await startPlainServer((response) => response.writeHead(404).end('<title>Not Found</title>'));
  try {
    const connector = connectTo(vendor.url);
    await expectFailure(connector.getAccount('1', ctx), 'transient');
    await expectFailure(connector.ensureEntitlement('1', groupId, 'absent', ctx), 'transient');
    await expectFailure(connector.listAccounts(null, ctx), 'transient');
  } finally {
    await vendor.close();
  }
});

describe('refusals', () => {
  const refusal = (status: number, reason: string, message = '') =>
    readGoogleRefusal({ status, header: () => null, body: { error: { message, errors: [{ reason }] } } });

  test.each([
    [403, 'userRateLimitExceeded', '', 'throttled'],
    [403, 'quotaExceeded', '', 'throttled'],
    [429, 'rateLimitExceeded', '', 'throttled'],
    [403, 'forbidden', '', undefined],
    [404, 'notFound', 'Resource Not Found: groupKey', undefined],
    [404, 'somethingElse', '', 'transient'],
    [412, 'conditionNotMet', 'User creation is not complete.', 'propagating'],
    [412, 'conditionNotMet', 'Precondition failed.', undefined],
  ])('%i %s %s', (status, reason, message, code) => {
    expect(refusal(status, reason, message)?.code).toBe(code);
  });

  test('a vendor code never holds free text', () => {
    expect(refusal(400, 'Ada Byron was here')?.vendorCode).toBe('400');
    expect(refusal(404, 'notFound', 'Resource Not Found: groupKey')?.vendorCode).toBe('notFound groupKey');
  });
});
