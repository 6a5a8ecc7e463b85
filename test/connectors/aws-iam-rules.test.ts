/** What leaving means for a user of IAM: every credential, what was issued by them, and what comes back afterwards. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createIamSandbox, type IamSandbox } from '../../sandbox/aws-iam.ts';
import { type CredentialRow, newIamUser } from '../../sandbox/aws-iam-state.ts';
import { uniqueId } from '../../sandbox/aws-iam-users.ts';
import { deniesEverything } from '../../src/connectors/aws/iam-block.ts';
import { awsIam } from '../../src/connectors/aws-iam.ts';
import type { TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { openServiceModels } from '../conformance/aws-service-model.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, timeoutMs, unlimited } from '../conformance/harness.ts';

const gate = openServiceModels('IAM', ['iam-2010-05-08.service-2.nodoc.json']);
const key = { accessKeyId: 'AKIAIAMIAMIAMIAMIAM0', secretAccessKey: 'secret-of-the-test' };
const awsAccountId = '111122223333';
const kinds = ['accessKey', 'sshKey', 'serviceCredential', 'certificate'] as const satisfies CredentialRow['kind'][];

let sandbox: IamSandbox;
let url: string;
let connector: TargetConnector;

function connect(more: Record<string, unknown> = {}): TargetConnector {
  const config = { awsAccountId, ...key, url, pageMax: 2, ...more };
  const options = { systemId: 'aws', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', awsIam, options);
}

function seed(name: string) {
  const user = newIamUser(uniqueId('AIDA'), name, clockMs);
  sandbox.state.users.push(user);
  return user;
}

function credential(kind: CredentialRow['kind'], status: CredentialRow['status'] = 'Active'): CredentialRow {
  return { kind, id: uniqueId('AKIA') + uniqueId('X'), status, lastUsedAtMs: null };
}

beforeEach(async () => {
  sandbox = createIamSandbox({ key, awsAccountId, now: () => new Date(clockMs) });
  gate.watch(sandbox);
  ({ url } = await sandbox.listen(0));
  connector = connect();
});
afterEach(() => sandbox.close());

test('leaving takes every credential, and coming back gives only what leaving took', async () => {
  const user = seed('ada');
  const retired = credential('accessKey', 'Inactive');
  user.credentials = [...kinds.map((kind) => credential(kind)), retired];
  user.hasPassword = true;
  const now = () => sandbox.userOf(user.id) ?? user;
  await connector.setLogin(user.id, 'disabled', ctx);
  expect(now().credentials.map(({ status }) => status)).toEqual(Array(5).fill('Inactive'));
  expect(now().hasPassword).toBe(false);
  await connector.setLogin(user.id, 'enabled', ctx);
  expect(now().credentials.map(({ status }) => status)).toEqual([...Array(4).fill('Active'), 'Inactive']);
  expect([now().policies, now().tags, now().hasPassword]).toEqual([{}, {}, false]);
});

test('the block comes first and goes last, so that a failure in between leaves nobody in', async () => {
  const user = seed('ada');
  user.credentials = kinds.map((kind) => credential(kind));
  sandbox.createSession(user.id);
  sandbox.faults.add({ kind: 'status', status: 500, path: '/UpdateSSHPublicKey$' });
  await expectFailure(connector.setLogin(user.id, 'disabled', ctx), 'transient');
  expect(sandbox.sessionsOf(user.id)).toEqual([]);
  expect(await connector.getAccount(user.id, ctx)).toMatchObject({ vendorStatus: 'partly blocked', canLogIn: true });
  expect(await connector.setLogin(user.id, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
  expect(sandbox.canLogIn(user.id)).toBe(false);
  sandbox.faults.add({ kind: 'status', status: 500, path: '/UntagUser$' });
  await expectFailure(connector.setLogin(user.id, 'enabled', ctx), 'transient');
  expect(sandbox.sessionsOf(user.id)).toEqual([]);
  expect(await connector.setLogin(user.id, 'enabled', ctx)).toMatchObject({ outcome: 'changed' });
  expect(await connector.getAccount(user.id, ctx)).toMatchObject({ vendorStatus: 'open', canLogIn: true });
  expect(sandbox.userOf(user.id)?.credentials.every(({ status }) => status === 'Active')).toBe(true);
});

test('a key that somebody switches on for a former employee shows', async () => {
  const user = seed('ada');
  user.credentials = [credential('accessKey')];
  await connector.setLogin(user.id, 'disabled', ctx);
  const [accessKey] = sandbox.userOf(user.id)?.credentials ?? [];
  if (accessKey !== undefined) accessKey.status = 'Active';
  expect(await connector.getAccount(user.id, ctx)).toMatchObject({ vendorStatus: 'partly blocked', canLogIn: true });
  expect(await connector.setLogin(user.id, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
  expect(sandbox.canLogIn(user.id)).toBe(false);
});

test('ended sessions stay ended and later ones work', async () => {
  const user = seed('ada');
  sandbox.createSession(user.id);
  await connector.revokeSessions(user.id, ctx);
  expect(sandbox.sessionsOf(user.id)).toEqual([]);
  user.sessionsIssuedAtMs.push(clockMs + 1);
  expect(sandbox.sessionsOf(user.id)).toEqual([clockMs + 1]);
});

test('a policy with the name of the block that lets something through is no block', async () => {
  const user = seed('ada');
  const narrow = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 's3:*', Resource: '*' }] };
  user.policies['UsherBlocksThisUser'] = JSON.stringify(narrow);
  expect(await connector.getAccount(user.id, ctx)).toMatchObject({ canLogIn: true });
  await connector.setLogin(user.id, 'disabled', ctx);
  expect(sandbox.canLogIn(user.id)).toBe(false);
});

test.each([
  [{ Statement: { Effect: 'Deny', Action: ['*'], Resource: ['*'] } }, true],
  [{ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }, false],
  [{ Statement: [{ Effect: 'Deny', Action: '*', Resource: '*', Condition: { Bool: {} } }] }, false],
  [{ Statement: [{ Effect: 'Deny', NotAction: 'iam:*', Resource: '*' }] }, false],
  ['no policy', false],
])('%j denies everything: %p', (document, isBlock) => {
  expect(deniesEverything(encodeURIComponent(JSON.stringify(document)))).toBe(isBlock);
});

test('a renamed user is the same account, and whoever got the old name is left alone', async () => {
  const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile('ada'), ctx);
  const user = sandbox.userOf(account.accountId);
  if (user !== undefined) user.name = 'ada-old';
  const other = seed('ada');
  await connector.setLogin(account.accountId, 'disabled', ctx);
  expect(await connector.getAccount(account.accountId, ctx)).toMatchObject({ userName: 'ada-old', canLogIn: false });
  expect([other.policies, sandbox.canLogIn(other.id)]).toEqual([{}, true]);
});

test('last uses are the later of sign-in and key; where IAM has no date there is no row', async () => {
  const day = 86_400_000;
  const [bySignIn, byKey, never, early] = ['one', 'two', 'three', 'four'].map(seed);
  if (bySignIn) Object.assign(bySignIn, { passwordLastUsedAtMs: clockMs, hasPassword: true });
  if (byKey) {
    const used = (lastUsedAtMs: number | null) => ({ ...credential('accessKey'), lastUsedAtMs });
    Object.assign(byKey, { passwordLastUsedAtMs: clockMs - 3 * day, credentials: [used(clockMs - day), used(null)] });
  }
  if (never) never.credentials = [credential('accessKey')];
  if (early) early.passwordLastUsedAtMs = clockMs - 90 * day;
  const read = (since: string | null) =>
    collectPages((cursor) => connector.listUsage?.(since, cursor, ctx) ?? Promise.reject(new Error('none')), {
      systemId: 'aws',
      operation: 'test',
    });
  const row = (accountId: string | undefined, ms: number) => ({
    accountId,
    vendorEntitlementId: null,
    lastUsedAt: new Date(ms).toISOString(),
  });
  const recent = [row(bySignIn?.id, clockMs), row(byKey?.id, clockMs - day)];
  expect(await read(null)).toEqual([...recent, row(early?.id, clockMs - 90 * day)]);
  expect(await read(new Date(clockMs - 30 * day).toISOString())).toEqual(recent);
});

test('the check names what is missing, and the wrong AWS account', async () => {
  seed('ada');
  sandbox.faults.add({ kind: 'status', status: 403, path: '/ListGroups$' });
  expect((await connector.check(ctx)).findings).toContainEqual({
    level: 'error',
    text: 'The permission iam:ListGroups is missing.',
  });
  const { isHealthy, findings } = await connect({ awsAccountId: '999999999999' }).check(ctx);
  expect(isHealthy).toBe(false);
  expect(findings).toContainEqual({ level: 'error', text: expect.stringContaining('another AWS account') });
  await expectFailure(connect({ secretAccessKey: 'another' }).check(ctx), 'auth');
});

test('without a key the credentials of the machine are used, and where it has none the call says so', async () => {
  const before = { ...process.env };
  const none = { accessKeyId: undefined, secretAccessKey: undefined };
  try {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey });
    expect(await connect(none).check(ctx)).toEqual({
      isHealthy: true,
      findings: [{ level: 'ok', text: 'Users, groups and policies can be read.' }],
    });
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    const nowhere = { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/nowhere', HOME: '/nowhere' };
    Object.assign(process.env, { ...nowhere, AWS_SHARED_CREDENTIALS_FILE: '/nowhere' });
    sandbox.clearCalls();
    await expectFailure(connect(none).check(ctx), 'auth');
    expect(sandbox.calls).toEqual([]);
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
});
