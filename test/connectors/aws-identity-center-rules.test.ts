/** What Identity Center does differently: assignments that take their time, users whom only SCIM disables, keys from outside. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  createIdentityCenterSandbox,
  type IdentityCenterSandbox,
  scimPath,
} from '../../sandbox/aws-identity-center.ts';
import type { IdentityUserRow } from '../../sandbox/aws-identity-state.ts';
import { awsIdentityCenter } from '../../src/connectors/aws-identity-center.ts';
import type { TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { openServiceModels } from '../conformance/aws-service-model.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, timeoutMs, unlimited } from '../conformance/harness.ts';

const gate = openServiceModels('Identity Center', [
  'identitystore-2020-06-15.service-2.nodoc.json',
  'sso-admin-2020-07-20.service-2.nodoc.json',
]);
const key = { accessKeyId: 'AKIAIDENTITYCENTER00', secretAccessKey: 'secret-of-the-test' };
const scimToken = 'scim-token-of-the-test';
const instance = {
  arn: 'arn:aws:sso:::instance/ssoins-1234567890abcdef',
  storeId: 'd-1234567890',
  ownerAccountId: '111122223333',
};
const group = { id: randomUUID(), name: 'Finance' };
const permissionSetArn = 'arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef';
const awsAccountId = '444455556666';
const assignment = `assignment:${awsAccountId}/${permissionSetArn}`;

let sandbox: IdentityCenterSandbox;
let url: string;
let connector: TargetConnector;
let userId: string;

function connect(more: Record<string, unknown> = {}): TargetConnector {
  const ids = { region: 'eu-central-1', instanceArn: instance.arn, identityStoreId: instance.storeId };
  const config = { ...ids, ...key, url, scimUrl: url + scimPath, scimToken, ...more };
  const options = { systemId: 'aws', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', awsIdentityCenter, options);
}

function seed(user: Partial<IdentityUserRow> = {}): string {
  const UserId = randomUUID();
  const names = { UserName: `${UserId}@example.test`, DisplayName: 'Ada', Name: { GivenName: 'A', FamilyName: 'B' } };
  sandbox.seedUser({ UserId, UserStatus: 'ENABLED', ...names, ...user });
  return UserId;
}

const ensure = (state: 'present' | 'absent', by = connector) => by.ensureEntitlement(userId, assignment, state, ctx);
const callsOf = (name: string) => sandbox.calls.filter(({ path }) => path.endsWith(`.${name}`));

beforeEach(async () => {
  sandbox = createIdentityCenterSandbox({
    key,
    scimToken,
    instance,
    groups: [group],
    permissionSets: [{ arn: permissionSetArn, name: 'Billing', accountIds: [awsAccountId] }],
    now: () => new Date(clockMs),
  });
  gate.watch(sandbox);
  ({ url } = await sandbox.listen(0));
  connector = connect();
  userId = seed();
});
afterEach(() => sandbox.close());

test('an assignment that AWS works on is waited for, and asked for once', async () => {
  sandbox.behaviour.polls = 3;
  const error = await expectFailure(ensure('present'), 'propagating');
  expect(error.detail).toMatchObject({ vendorCode: 'IN_PROGRESS', retryAfterMs: 5000 });
  await expectFailure(ensure('present'), 'propagating');
  expect(sandbox.state.assignments).toEqual([]);
  expect(await ensure('present')).toMatchObject({ outcome: 'changed' });
  expect(await ensure('present')).toMatchObject({ outcome: 'unchanged' });
  expect(callsOf('CreateAccountAssignment')).toHaveLength(1);
  expect(await connector.listAccountEntitlements(userId, ctx)).toEqual([assignment]);
});

test('after a restart the operation is found among those that still run', async () => {
  sandbox.behaviour.polls = 4;
  await expectFailure(ensure('present'), 'propagating');
  const restarted = connect();
  await expectFailure(ensure('present', restarted), 'propagating');
  await expectFailure(ensure('present', restarted), 'propagating');
  expect(await ensure('present', restarted)).toMatchObject({ outcome: 'changed' });
  expect(callsOf('CreateAccountAssignment')).toHaveLength(1);
});

test('a removal takes its time in the same way', async () => {
  await ensure('present');
  sandbox.behaviour.polls = 2;
  await expectFailure(ensure('absent'), 'propagating');
  expect(await ensure('absent')).toMatchObject({ outcome: 'changed' });
  expect(sandbox.state.assignments).toEqual([]);
  expect(callsOf('DeleteAccountAssignment')).toHaveLength(1);
});

test.each([true, false])('what is being created is not reported as absent (same process: %p)', async (isSame) => {
  sandbox.behaviour.polls = 3;
  await expectFailure(ensure('present'), 'propagating');
  const by = isSame ? connector : connect();
  await expectFailure(ensure('absent', by), 'propagating');
  sandbox.behaviour.polls = 0;
  expect(await ensure('absent', by)).toMatchObject({ outcome: 'changed' });
  expect(sandbox.state.assignments).toEqual([]);
});

test('where AWS gives up, the code of its reason goes on and its words do not', async () => {
  sandbox.behaviour.polls = 2;
  sandbox.behaviour.failureReason = 'LimitExceededException: role AWSReservedSSO_Ada of Ada Byron cannot be made';
  await expectFailure(ensure('present'), 'propagating');
  const error = await expectFailure(ensure('present'), 'precondition');
  expect(error.detail.vendorCode).toBe('FAILED/LimitExceededException');
  expect(JSON.stringify(error) + String(error.stack)).not.toContain('Ada Byron');
  // Mended: the next attempt begins anew.
  Object.assign(sandbox.behaviour, { polls: 0, failureReason: null });
  expect(await ensure('present')).toMatchObject({ outcome: 'changed' });
});

test('an operation that AWS has forgotten is begun anew', async () => {
  sandbox.behaviour.polls = 5;
  await expectFailure(ensure('present'), 'propagating');
  sandbox.state.operations.length = 0;
  sandbox.behaviour.polls = 0;
  expect(await ensure('present')).toMatchObject({ outcome: 'changed' });
});

test('an operation that ran into another one waits', async () => {
  const path = 'CreateAccountAssignment$';
  sandbox.faults.add({ kind: 'status', status: 409, path });
  const error = await expectFailure(ensure('present'), 'propagating');
  expect(error.detail).toMatchObject({ vendorCode: 'ConflictException', retryAfterMs: 5000 });
});

test('what comes by a group is not of the user', async () => {
  await connector.ensureEntitlement(userId, `group:${group.id}`, 'present', ctx);
  const row = { AccountId: awsAccountId, PermissionSetArn: permissionSetArn, PrincipalId: group.id };
  sandbox.state.assignments.push({ ...row, PrincipalType: 'GROUP' });
  expect(await connector.listAccountEntitlements(userId, ctx)).toEqual([`group:${group.id}`]);
  expect(await ensure('absent')).toMatchObject({ outcome: 'unchanged' });
});

test('the catalogue has groups first, then permission sets on accounts by name', async () => {
  const first = await connector.listEntitlements(null, ctx);
  expect(first.items).toEqual([{ vendorEntitlementId: `group:${group.id}`, displayName: 'Finance' }]);
  const second = await connector.listEntitlements(first.nextCursor, ctx);
  expect(second).toEqual({
    items: [{ vendorEntitlementId: assignment, displayName: 'Billing in 444455556666' }],
    nextCursor: null,
  });
});

test('without SCIM nobody is disabled, and the check says so', async () => {
  const without = connect({ scimUrl: undefined, scimToken: undefined });
  await expectFailure(without.setLogin(userId, 'disabled', ctx), 'unsupported');
  expect(await without.setLogin(userId, 'enabled', ctx)).toMatchObject({ outcome: 'unchanged' });
  const { findings, isHealthy } = await without.check(ctx);
  expect(isHealthy).toBe(true);
  expect(findings).toContainEqual({ level: 'warning', text: expect.stringContaining('SCIM') });
});

test('the check names the permission that is missing, and warns of a key that lives long', async () => {
  sandbox.faults.add({ kind: 'status', status: 403, path: 'ListGroups$' });
  const { findings, isHealthy } = await connector.check(ctx);
  expect(isHealthy).toBe(false);
  expect(findings).toContainEqual({
    level: 'error',
    text: 'The permission identitystore:ListGroups is missing.',
  });
  expect(findings).toContainEqual({ level: 'warning', text: expect.stringContaining('long-lived') });
});

test('a wrong secret is refused by the signature, a foreign instance by the check', async () => {
  await expectFailure(connect({ secretAccessKey: 'another' }).check(ctx), 'auth');
  await expectFailure(connect({ instanceArn: `${instance.arn.slice(0, -4)}0000` }).check(ctx), 'notFound');
});

test('a store that is not there is no proof that a user is not', async () => {
  await expectFailure(connect({ identityStoreId: 'd-0000000000' }).getAccount(userId, ctx), 'auth');
});

test('users of an identity provider are found by its ids, waited for, and never made here', async () => {
  const personKey = { personKey: 'externalId', externalIdIssuer: 'https://idp.example.test' };
  const synced = connect(personKey);
  const keys = keysOf(randomUUID(), '104');
  const error = await expectFailure(synced.ensureAccount(keys, aProfile(), ctx), 'propagating');
  expect(error.detail.retryAfterMs).toBe(300_000);
  const own = seed({ ExternalIds: [{ Issuer: 'https://idp.example.test', Id: '104' }] });
  seed({ ExternalIds: [{ Issuer: 'https://other.example.test', Id: keys.personId }] });
  const found = await synced.ensureAccount(keys, aProfile(), ctx);
  expect(found).toMatchObject({ outcome: 'adopted', account: { accountId: own, correlationKey: '104' } });
  expect(callsOf('CreateUser')).toEqual([]);
  expect(callsOf('UpdateUser')).toEqual([]);
});
