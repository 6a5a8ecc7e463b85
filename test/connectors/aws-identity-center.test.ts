import { randomUUID } from 'node:crypto';
import { createIdentityCenterSandbox, scimPath } from '../../sandbox/aws-identity-center.ts';
import { awsIdentityCenter } from '../../src/connectors/aws-identity-center.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { openServiceModels } from '../conformance/aws-service-model.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';

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
const groupId = randomUUID();
const permissionSetArn = 'arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef';
const awsAccountId = '444455556666';
const pageSize = 3;

function connectTo(url: string) {
  const ids = { region: 'eu-central-1', instanceArn: instance.arn, identityStoreId: instance.storeId };
  const config = { ...ids, ...key, url, scimUrl: url + scimPath, scimToken, pageMax: pageSize };
  const options = { systemId: 'aws', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', awsIdentityCenter, options);
}

async function start(entitlementId: string): Promise<TargetHarness> {
  const groups = [{ id: groupId, name: 'Finance' }];
  const permissionSets = [{ arn: permissionSetArn, name: 'Billing', accountIds: [awsAccountId] }];
  const now = () => new Date(clockMs);
  const sandbox = createIdentityCenterSandbox({ key, scimToken, instance, groups, permissionSets, now });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const isGroup = entitlementId.startsWith('group:');
  return {
    connector: connectTo(url),
    connectTo,
    manifest: awsIdentityCenter.manifest,
    sandbox,
    secrets: [key.secretAccessKey, scimToken],
    pageSize,
    statuses: ['ENABLED', 'DISABLED'],
    groupId: entitlementId,
    usersPath: '/AWSIdentityStore.CreateUser$',
    memberMethod: 'POST',
    memberPath: isGroup ? 'CreateGroupMembership$' : 'CreateAccountAssignment$',
    seedAccount({ userName, correlationKey }) {
      const UserId = randomUUID();
      const Extensions =
        correlationKey === null ? {} : { 'aws:identitystore:enterprise': { employeeNumber: correlationKey } };
      const names = { UserName: userName, DisplayName: userName, Name: { GivenName: 'Ada', FamilyName: 'Byron' } };
      sandbox.seedUser({ UserId, UserStatus: 'ENABLED', ...names, Extensions });
      return Promise.resolve(UserId);
    },
    forceStatus(accountId, status) {
      const user = sandbox.state.users[accountId];
      if (user !== undefined) user.UserStatus = status as 'ENABLED';
    },
    canLogIn: (accountId) => sandbox.state.users[accountId]?.UserStatus === 'ENABLED',
    accountIds: () => Object.keys(sandbox.state.users),
    membersOf: () =>
      isGroup
        ? sandbox.state.memberships.map(({ userId }) => userId)
        : sandbox.state.assignments.map(({ PrincipalId }) => PrincipalId),
    createSession: () => undefined,
    sessionCount: () => 0,
    replyWithNextLink: null,
  };
}

describeTargetConnector('aws-identity-center, with groups', { start: () => start(`group:${groupId}`) });
describeTargetConnector('aws-identity-center, with assignments', {
  start: () => start(`assignment:${awsAccountId}/${permissionSetArn}`),
});
