/**
 * Both AWS connectors on moto, with the parts of the conformance suite that moto can answer. It cannot change users of
 * the identity store and has no SCIM endpoint; it never cuts its lists of IAM users into pages, lets one user take the
 * name of another, and forgets the tags of whoever is renamed.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { XmlElement } from '../conformance/small-xml.ts';
import { awsIam } from '../../src/connectors/aws-iam.ts';
import { awsIdentityCenter } from '../../src/connectors/aws-identity-center.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { describeFailures } from '../conformance/describe-failures.ts';
import { describeHostilePerson } from '../conformance/describe-hostile-person.ts';
import {
  describeAccounts,
  describeEntitlements,
  describeListings,
  describeLogins,
  describeLostAnswers,
} from '../conformance/describe-target.ts';
import {
  aProfile,
  clockMs,
  ctx,
  expectFailure,
  keysOf,
  type TargetHarness,
  unlimited,
} from '../conformance/harness.ts';
import { motoServer } from './servers/moto.ts';
import { describeOn } from './support/describe-on.ts';
import { type MotoAccount, openMotoAccount, textsOf } from './support/moto-account.ts';
import { createMotoGateway } from './support/moto-gateway.ts';

const key = { accessKeyId: 'AKIAMOTOMOTOMOTOMOTO', secretAccessKey: 'secret-of-the-integration-test' };
const awsAccountId = '123456789012';
const pageSize = 3;
const timeoutMs = 5_000;
const shared = { systemId: 'aws', now: () => clockMs, rateLimiter: unlimited, timeoutMs };

describeOn(motoServer, (running) => {
  let account: MotoAccount;
  let harness: TargetHarness;
  const current = () => harness;
  beforeAll(() => {
    account = openMotoAccount(running().url);
  });
  afterAll(() => account?.close());

  const gateway = async (gaps: Record<string, string>) => {
    const sandbox = createMotoGateway({ target: running().url, now: () => new Date(clockMs), gaps });
    return { sandbox, url: (await sandbox.listen(0)).url };
  };

  describe('aws-iam', () => {
    const connectTo = (url: string) =>
      openConnector('target', awsIam, { ...shared, config: { awsAccountId, ...key, url, pageMax: pageSize } });
    const denyAll = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}';
    const nameOf = (id: string): string => {
      const users = membersOfList(account.iam('ListUsers'), 'Users');
      return textsOf(users.find((user) => textsOf(user, 'UserId')[0] === id) ?? null, 'UserName')[0] ?? '';
    };
    const isLive = (UserName: string): boolean =>
      account.iam('GetLoginProfile', { UserName }) !== null ||
      textsOf(account.iam('ListAccessKeys', { UserName }), 'Status').includes('Active') ||
      textsOf(account.iam('ListSSHPublicKeys', { UserName }), 'Status').includes('Active');
    const policyOf = (UserName: string, PolicyName: string): string =>
      decodeURIComponent(textsOf(account.iam('GetUserPolicy', { UserName, PolicyName }), 'PolicyDocument')[0] ?? '');

    beforeEach(async () => {
      account.reset();
      // moto has no such credentials: it answers with an error page.
      const none = 'ListServiceSpecificCredentials';
      const { sandbox, url } = await gateway({
        [none]: `<${none}Response><${none}Result><ServiceSpecificCredentials/></${none}Result></${none}Response>`,
      });
      const groupId = textsOf(account.iam('CreateGroup', { GroupName: 'Finance' }), 'GroupId')[0] ?? '';
      const sessions = new Map<string, number[]>();
      harness = {
        connector: connectTo(url),
        connectTo,
        manifest: awsIam.manifest,
        sandbox,
        secrets: [key.secretAccessKey],
        pageSize,
        statuses: ['open', 'all-credentials', 'blocked', 'partly-blocked'],
        groupId: `group:${groupId}`,
        usersPath: '/CreateUser$',
        memberMethod: 'POST',
        memberPath: '/AddUserToGroup$',
        seedAccount({ userName, correlationKey }) {
          const tag =
            correlationKey === null
              ? {}
              : { 'Tags.member.1.Key': 'usher:person', 'Tags.member.1.Value': correlationKey };
          const made = account.iam('CreateUser', { UserName: userName, ...tag });
          return Promise.resolve(textsOf(made, 'UserId')[0] ?? '');
        },
        forceStatus(accountId, status) {
          const UserName = nameOf(accountId);
          if (status !== 'open') {
            const AccessKeyId = textsOf(account.iam('CreateAccessKey', { UserName }), 'AccessKeyId')[0] ?? '';
            if (status === 'blocked') account.iam('UpdateAccessKey', { UserName, AccessKeyId, Status: 'Inactive' });
          }
          if (status === 'all-credentials') {
            account.iam('CreateLoginProfile', { UserName, Password: 'Correct-horse-9' });
            account.iam('UploadSSHPublicKey', { UserName, SSHPublicKeyBody: 'ssh-rsa AAAAB3NzaC1yc2E= a@b' });
          }
          const PolicyName = 'UsherBlocksThisUser';
          if (status.endsWith('blocked'))
            account.iam('PutUserPolicy', { UserName, PolicyName, PolicyDocument: denyAll });
        },
        canLogIn(accountId) {
          const UserName = nameOf(accountId);
          return policyOf(UserName, 'UsherBlocksThisUser') !== denyAll || isLive(UserName);
        },
        accountIds: () => textsOf(account.iam('ListUsers'), 'UserId'),
        membersOf: () => textsOf(account.iam('GetGroup', { GroupName: 'Finance' }), 'UserId'),
        createSession: (id) => void sessions.set(id, [...(sessions.get(id) ?? []), clockMs]),
        sessionCount(id) {
          const end = /"aws:TokenIssueTime":"([^"]+)"/.exec(policyOf(nameOf(id), 'UsherEndsSessions'))?.[1];
          return (sessions.get(id) ?? []).filter((issued) => issued > (end === undefined ? 0 : Date.parse(end))).length;
        },
        replyWithNextLink: null,
      };
    });
    afterEach(() => harness?.sandbox.close());

    test('a healthy account is reported as healthy', async () => {
      expect(await current().connector.check(ctx)).toMatchObject({ isHealthy: true });
    });
    describe('accounts', () => describeAccounts(current));
    describe('logins', () => describeLogins(current));
    describe('entitlements', () => describeEntitlements(current));
    describe('lost and false answers', () => describeLostAnswers(current));
    describe('failures', () =>
      describeFailures<'target'>({ harness: current, read: (connector) => connector.listAccounts(null, ctx) }));
    describe('a hostile person', () => describeHostilePerson(current));

    test('a leaver loses password, access key and SSH key, and gets the keys back that leaving took', async () => {
      const { connector, seedAccount, forceStatus } = current();
      const accountId = await seedAccount({ userName: 'leaver', correlationKey: randomUUID() });
      await forceStatus(accountId, 'all-credentials');
      expect(isLive('leaver')).toBe(true);
      await connector.setLogin(accountId, 'disabled', ctx);
      expect(isLive('leaver')).toBe(false);
      await connector.setLogin(accountId, 'enabled', ctx);
      expect(textsOf(account.iam('ListAccessKeys', { UserName: 'leaver' }), 'Status')).toEqual(['Active']);
      expect(textsOf(account.iam('ListSSHPublicKeys', { UserName: 'leaver' }), 'Status')).toEqual(['Active']);
      expect(account.iam('GetLoginProfile', { UserName: 'leaver' })).toBeNull();
    });

    test('a policy of the company is attached and detached', async () => {
      const { connector, seedAccount } = current();
      const accountId = await seedAccount({ userName: 'ada', correlationKey: randomUUID() });
      const made = account.iam('CreatePolicy', { PolicyName: 'Billing', PolicyDocument: denyAll });
      const id = `policy:${textsOf(made, 'Arn')[0] ?? ''}`;
      await connector.ensureEntitlement(accountId, id, 'present', ctx);
      expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([id]);
      const all = await collectPages((cursor) => connector.listEntitlements(cursor, ctx), {
        systemId: 'aws',
        operation: 'test',
      });
      expect(all).toContainEqual({ vendorEntitlementId: id, displayName: 'Billing' });
      await connector.ensureEntitlement(accountId, id, 'absent', ctx);
      expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([]);
    });

    test('attributes stand in tags, once', async () => {
      const { connector } = current();
      const { account: made } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
      const values = { title: 'Head of Finance', department: 'Treasury', displayName: 'Ada King' };
      expect(await connector.updateProfile(made.accountId, values, ctx)).toMatchObject({ outcome: 'changed' });
      expect(await connector.updateProfile(made.accountId, values, ctx)).toMatchObject({ outcome: 'unchanged' });
      expect((await connector.readProfile(made.accountId, ctx))?.values).toMatchObject(values);
      expect((await connector.getAccount(made.accountId, ctx))?.correlationKey).toBe(made.correlationKey);
    });

    test('last uses are read, and a user that was never seen has no row', async () => {
      const { connector, seedAccount, forceStatus } = current();
      await forceStatus(await seedAccount({ userName: 'ada', correlationKey: null }), 'all-credentials');
      expect(await connector.listUsage?.(null, null, ctx)).toEqual({ items: [], nextCursor: null });
    });
  });

  describe.each(['group', 'assignment'] as const)('aws-identity-center, with a %s', (kind) => {
    const storeId = 'd-1234567890';
    let instanceArn = '';
    const inStore = { IdentityStoreId: storeId };
    const pageMax = pageSize;
    // moto keeps no extensions and no external ids; its users have nick names.
    const connectTo = (url: string) =>
      openConnector('target', awsIdentityCenter, {
        ...shared,
        config: {
          region: 'us-east-1',
          instanceArn,
          identityStoreId: storeId,
          personKey: 'nickName',
          ...key,
          url,
          pageMax,
        },
      });
    const names = { DisplayName: 'Ada Byron', Name: { GivenName: 'Ada', FamilyName: 'Byron' } };
    const store = (operation: string, input: object) =>
      account.json(`AWSIdentityStore.${operation}`, { ...inStore, ...input });
    const sso = (operation: string, input: object) => account.json(`SWBExternalService.${operation}`, input);

    beforeEach(async () => {
      account.reset();
      const [instance] = sso('ListInstances', {})['Instances'] as { InstanceArn: string }[];
      instanceArn = instance?.InstanceArn ?? '';
      const empty = '{}';
      const { sandbox, url } = await gateway({
        ListAccountAssignmentCreationStatus: empty,
        ListAccountAssignmentDeletionStatus: empty,
      });
      const groupId = String(store('CreateGroup', { DisplayName: 'Finance' })['GroupId']);
      const made = sso('CreatePermissionSet', { InstanceArn: instanceArn, Name: 'Billing' });
      const { PermissionSetArn } = made['PermissionSet'] as { PermissionSetArn: string };
      // A permission set is in the catalogue once an account has it.
      const target = { TargetType: 'AWS_ACCOUNT', TargetId: awsAccountId };
      sso('ProvisionPermissionSet', { InstanceArn: instanceArn, PermissionSetArn, ...target });
      harness = {
        connector: connectTo(url),
        connectTo,
        manifest: awsIdentityCenter.manifest,
        sandbox,
        secrets: [key.secretAccessKey],
        pageSize,
        statuses: ['ENABLED'],
        groupId: kind === 'group' ? `group:${groupId}` : `assignment:${awsAccountId}/${PermissionSetArn}`,
        usersPath: '/CreateUser$',
        memberMethod: 'POST',
        memberPath: '/CreateGroupMembership$',
        seedAccount({ userName, correlationKey }) {
          const nick = correlationKey === null ? {} : { NickName: correlationKey };
          return Promise.resolve(String(store('CreateUser', { UserName: userName, ...names, ...nick })['UserId']));
        },
        forceStatus: () => undefined,
        canLogIn: () => true,
        accountIds: () => (store('ListUsers', {})['Users'] as { UserId: string }[]).map(({ UserId }) => UserId),
        membersOf() {
          if (kind === 'group') {
            const { GroupMemberships } = store('ListGroupMemberships', { GroupId: groupId });
            return (GroupMemberships as { MemberId: { UserId: string } }[]).map(({ MemberId }) => MemberId.UserId);
          }
          const set = { InstanceArn: instanceArn, AccountId: awsAccountId, PermissionSetArn };
          const { AccountAssignments } = sso('ListAccountAssignments', set);
          const held = AccountAssignments as { PrincipalType: string; PrincipalId: string }[];
          return held.filter(({ PrincipalType }) => PrincipalType === 'USER').map(({ PrincipalId }) => PrincipalId);
        },
        createSession: () => undefined,
        sessionCount: () => 0,
        replyWithNextLink: null,
      };
    });
    afterEach(() => harness?.sandbox.close());

    test('the check compares the two ids with the instance', async () => {
      // moto gives its stores ids that AWS would not give, so that the configuration has another one.
      await expectFailure(current().connector.check(ctx), 'validation');
    });
    describe('entitlements', () => describeEntitlements(current));
    describe('listings', () => describeListings(current));
    describe('failures', () =>
      describeFailures<'target'>({ harness: current, read: (connector) => connector.listAccounts(null, ctx) }));

    test('a joiner is made once, found by key, and a taken name is a conflict', async () => {
      const { connector, accountIds } = current();
      const keys = keysOf(randomUUID(), '104');
      const profile = aProfile();
      const first = await connector.ensureAccount(keys, profile, ctx);
      expect(first).toMatchObject({ outcome: 'created', account: { correlationKey: keys.personId } });
      expect(await connector.ensureAccount(keys, profile, ctx)).toMatchObject({
        outcome: 'adopted',
        account: { accountId: first.account.accountId },
      });
      await expectFailure(connector.ensureAccount(keysOf(randomUUID()), profile, ctx), 'conflict');
      expect(accountIds()).toEqual([first.account.accountId]);
      expect((await connector.readProfile(first.account.accountId, ctx))?.values).toMatchObject({
        displayName: profile.displayName,
        title: profile.title,
        email: profile.email,
      });
    });

    test('a creation whose answer was lost is adopted, not repeated', async () => {
      const { connector, sandbox, accountIds } = current();
      const keys = keysOf(randomUUID());
      sandbox.faults.add({ kind: 'lostResponse', path: '/CreateUser$' });
      await expectFailure(connector.ensureAccount(keys, aProfile(), ctx), 'unknownOutcome');
      expect(await connector.ensureAccount(keys, aProfile(), ctx)).toMatchObject({ outcome: 'adopted' });
      expect(accountIds()).toHaveLength(1);
    });
  });
});

/** The elements of a list in an answer of IAM. */
function membersOfList(answer: XmlElement | null, list: string): XmlElement[] {
  if (answer === null) return [];
  const found = answer.children.find(({ name }) => name === list);
  return found?.children ?? answer.children.flatMap((child) => membersOfList(child, list));
}
