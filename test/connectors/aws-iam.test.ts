import { createIamSandbox } from '../../sandbox/aws-iam.ts';
import { type CredentialRow, newIamUser } from '../../sandbox/aws-iam-state.ts';
import { uniqueId } from '../../sandbox/aws-iam-users.ts';
import { awsIam } from '../../src/connectors/aws-iam.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { openServiceModels } from '../conformance/aws-service-model.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';

const gate = openServiceModels('IAM', ['iam-2010-05-08.service-2.nodoc.json']);
const key = { accessKeyId: 'AKIAIAMIAMIAMIAMIAM0', secretAccessKey: 'secret-of-the-test' };
const awsAccountId = '111122223333';
const group = { id: uniqueId('AGPA'), name: 'Finance' };
const policy = { arn: `arn:aws:iam::${awsAccountId}:policy/Billing`, name: 'Billing' };
const pageSize = 3;

const denyAll = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}';
const kinds = ['accessKey', 'sshKey', 'serviceCredential', 'certificate'] as const satisfies CredentialRow['kind'][];

function connectTo(url: string) {
  const config = { awsAccountId, ...key, url, pageMax: pageSize };
  const options = { systemId: 'aws', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', awsIam, options);
}

async function start(entitlementId: string): Promise<TargetHarness> {
  const now = () => new Date(clockMs);
  const sandbox = createIamSandbox({ key, awsAccountId, groups: [group], policies: [policy], now });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const isGroup = entitlementId.startsWith('group:');
  return {
    connector: connectTo(url),
    connectTo,
    manifest: awsIam.manifest,
    sandbox,
    secrets: [key.secretAccessKey],
    pageSize,
    statuses: ['open', 'all-credentials', 'blocked', 'partly-blocked'],
    groupId: entitlementId,
    usersPath: '/CreateUser$',
    memberMethod: 'POST',
    memberPath: isGroup ? '/AddUserToGroup$' : '/AttachUserPolicy$',
    seedAccount({ userName, correlationKey }) {
      const user = newIamUser(uniqueId('AIDA'), userName, clockMs);
      if (correlationKey !== null) user.tags['usher:person'] = correlationKey;
      sandbox.state.users.push(user);
      return Promise.resolve(user.id);
    },
    forceStatus(accountId, status) {
      const user = sandbox.userOf(accountId);
      if (user === undefined) return;
      user.policies = status.endsWith('blocked') ? { UsherBlocksThisUser: denyAll } : {};
      const hasLive = status !== 'blocked' && status !== 'open';
      user.hasPassword = status === 'all-credentials';
      user.credentials = kinds.map((kind) => ({
        kind,
        id: uniqueId('AKIA') + uniqueId('X'),
        status: hasLive ? 'Active' : 'Inactive',
        lastUsedAtMs: null,
      }));
    },
    canLogIn: (accountId) => sandbox.canLogIn(accountId),
    accountIds: () => sandbox.state.users.map(({ id }) => id),
    membersOf: () =>
      sandbox.state.users
        .filter(({ groupIds, attachedArns }) => (isGroup ? groupIds : attachedArns).length > 0)
        .map(({ id }) => id),
    createSession: (accountId) => sandbox.createSession(accountId),
    sessionCount: (accountId) => sandbox.sessionsOf(accountId).length,
    replyWithNextLink: null,
  };
}

describeTargetConnector('aws-iam, with groups', { start: () => start(`group:${group.id}`) });
describeTargetConnector('aws-iam, with attached policies', { start: () => start(`policy:${policy.arn}`) });
