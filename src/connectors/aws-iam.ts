/**
 * Users of AWS IAM: people who sign in to an AWS account with a password or with keys of their own, where Identity Center
 * does not stand in front. Most of it is for their leaving: disabling an identity provider stops no access key. An
 * account is the unique id of the user; the person's key stands in a tag, a user name finds nobody.
 */
import { CreateUserCommand, IAMClient, TagUserCommand, UpdateUserCommand } from '@aws-sdk/client-iam';
import { z } from 'zod';
import type { ProfileValues } from '../schemas/owned-attribute.ts';
import { createAwsCaller } from './aws/caller.ts';
import { connectionFields, hasWholeKey, keyFindings, Region, sdkConnection } from './aws/connection.ts';
import { groupEntitlement, parseIamEntitlement, policyEntitlement } from './aws/entitlement-id.ts';
import { type IamApi, knownUser, listUserDetails, listUsers, readUser, type UserDetail } from './aws/iam-api.ts';
import {
  block,
  blockPolicyName,
  type BlockState,
  deniesEverything,
  endSessions,
  readIsBlocked,
  unblock,
} from './aws/iam-block.ts';
import { hasLive, readCredentials } from './aws/iam-credentials.ts';
import {
  ensureIamEntitlement,
  listGroupEntitlements,
  listGroupsOf,
  listPolicyArnsOf,
  listPolicyEntitlements,
} from './aws/iam-entitlements.ts';
import { listUsage } from './aws/iam-usage.ts';
import {
  correlationKeyOf,
  iamProfileAsStored,
  iamProfileAttributes,
  iamProfileViewOf,
  IamUser,
  newUserTags,
  tagChanges,
} from './aws/iam-user.ts';
import { probePermissions } from './aws/permission-probe.ts';
import { collectTokenPages, pageOfTwo } from './aws/token-pages.ts';
import {
  type AccountProfile,
  type AccountView,
  type CallContext,
  type CheckResult,
  type ConnectorRuntime,
  type CorrelationKeys,
  defineConnector,
  type EnsureAccountResult,
  type FindAccountResult,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';

export const IamConfig = z
  .strictObject({
    awsAccountId: z
      .string()
      .regex(/^\d{12}$/)
      .describe('Number of the AWS account whose users these are, twelve digits.'),
    region: Region.default('us-east-1').describe('Any region of the partition: IAM is one for all of them.'),
    tagPrefix: z
      .string()
      .regex(/^[\w.:/=+@-]{1,40}$/)
      .default('usher:')
      .describe('Beginning of the tags that Usher reads and writes; the key of the person is in PREFIXperson.'),
    pageMax: z.number().int().min(1).max(1000).default(100).describe('Users per page.'),
    ...connectionFields,
  })
  .refine(hasWholeKey, { path: ['secretAccessKey'], message: 'an access key is an id and a secret' });
export type IamConfig = z.infer<typeof IamConfig>;

/** IAM takes a change over everywhere within seconds; a minute is assumed. */
const residualSeconds = 60;

export const awsIam = defineConnector<'target', IamConfig>({
  manifest: {
    id: 'aws-iam',
    displayName: 'AWS IAM users',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'full',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 1000,
      profileUpdates: iamProfileAttributes,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 3000, windowMs: 60_000 },
    // AWS publishes no number for IAM; above a few calls a second it begins to refuse.
    ratePolicy: { callsPerMinute: 300 },
    scopes: [
      'iam:GetAccountAuthorizationDetails, ListUsers, GetUser, CreateUser, UpdateUser, TagUser, UntagUser',
      'iam:ListGroups, ListGroupsForUser, AddUserToGroup, RemoveUserFromGroup',
      'iam:ListPolicies, ListAttachedUserPolicies, AttachUserPolicy, DetachUserPolicy',
      'iam:GetUserPolicy, PutUserPolicy, DeleteUserPolicy, GetLoginProfile, DeleteLoginProfile',
      'iam:ListAccessKeys, UpdateAccessKey, GetAccessKeyLastUsed, ListSSHPublicKeys, UpdateSSHPublicKey',
      'iam:ListServiceSpecificCredentials, UpdateServiceSpecificCredential, ListSigningCertificates, UpdateSigningCertificate',
    ],
    provedOn: ['vendorDescription', 'realServer'],
  },
  configSchema: IamConfig,
  secretFields: ['secretAccessKey'],
  create: createIam,
});

function createIam(runtime: ConnectorRuntime<IamConfig>): TargetConnector {
  const { config } = runtime;
  const aws = createAwsCaller(runtime);
  const iam = new IAMClient({ ...sdkConnection(config), ...aws.transport('iam') });
  const api: IamApi = { aws, iam, pageMax: config.pageMax, tagPrefix: config.tagPrefix, names: new Map() };
  const limit = config.pageMax;
  return {
    check: (ctx) => check(api, config, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : freshView(api, 'getAccount', user, ctx);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    async revokeSessions(accountId, ctx) {
      const user = await knownUser(api, 'revokeSessions', accountId, ctx);
      const receipt = await endSessions(api, user.UserName, runtime.now(), ctx);
      return { outcome: 'changed', receipt, residualSeconds };
    },
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, entitlementId, state, ctx) =>
      ensureEntitlement(api, { accountId, entitlementId, state }, ctx),
    listEntitlements(cursor, ctx) {
      const operation = 'listEntitlements';
      return pageOfTwo(
        cursor,
        (token) => listGroupEntitlements(api, { operation, token, limit }, ctx),
        (token) => listPolicyEntitlements(api, { operation, token, limit }, ctx),
      );
    },
    async readProfile(accountId, ctx) {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : iamProfileViewOf(user, api.tagPrefix);
    },
    async updateProfile(accountId, values, ctx) {
      const user = await knownUser(api, 'updateProfile', accountId, ctx);
      return assertValues(api, 'updateProfile', { user, values }, ctx);
    },
    profileAsStored: iamProfileAsStored,
    async listAccounts(cursor, ctx) {
      const page = await listUserDetails(api, { operation: 'listAccounts', token: cursor ?? undefined }, ctx);
      return { ...page, items: page.items.map((user) => listedView(api, user)) };
    },
    listUsage: (since, cursor, ctx) => listUsage(api, since, cursor, ctx),
  };
}

async function check(api: IamApi, config: IamConfig, ctx: CallContext): Promise<CheckResult> {
  const one = { operation: 'check', token: undefined, limit: 1 };
  let isOtherAccount = false;
  const readOne = async () => {
    const [user] = (await listUsers(api, one, ctx)).items;
    isOtherAccount = user !== undefined && user.Arn.split(':')[4] !== config.awsAccountId;
  };
  const missing = await probePermissions([
    { permission: 'iam:ListUsers', read: readOne },
    { permission: 'iam:GetAccountAuthorizationDetails', read: () => listUserDetails(api, one, ctx) },
    { permission: 'iam:ListGroups', read: () => listGroupEntitlements(api, { ...one, limit: 1 }, ctx) },
    { permission: 'iam:ListPolicies', read: () => listPolicyEntitlements(api, { ...one, limit: 1 }, ctx) },
  ]);
  const findings: CheckResult['findings'] = [...missing, ...keyFindings(config)];
  if (isOtherAccount) findings.push({ level: 'error', text: 'The credentials belong to another AWS account.' });
  const fine = { level: 'ok' as const, text: 'Users, groups and policies can be read.' };
  const isHealthy = findings.every(({ level }) => level !== 'error');
  return { isHealthy, findings: missing.length === 0 ? [fine, ...findings] : findings };
}

async function readBlockState(
  api: IamApi,
  operation: string,
  { UserName }: IamUser,
  ctx: CallContext,
): Promise<BlockState> {
  const [isBlocked, credentials] = await Promise.all([
    readIsBlocked(api, operation, UserName, ctx),
    readCredentials(api, operation, UserName, ctx),
  ]);
  return { isBlocked, credentials };
}

/**
 * Nobody without a credential can sign in, but any administrator can hand one out: an account counts as closed only where
 * the block stands and nothing is left that could sign.
 */
async function freshView(api: IamApi, operation: string, user: IamUser, ctx: CallContext): Promise<AccountView> {
  const { isBlocked, credentials } = await readBlockState(api, operation, user, ctx);
  const isClosed = isBlocked && !hasLive(credentials);
  return viewOf(api, user, { isClosed, vendorStatus: isClosed ? 'blocked' : isBlocked ? 'partly blocked' : 'open' });
}

/** A listing goes by the block alone: seven calls for each former employee would be too many. */
function listedView(api: IamApi, user: UserDetail): AccountView {
  const policy = (user.UserPolicyList ?? []).find(({ PolicyName }) => PolicyName === blockPolicyName);
  const isClosed = policy?.PolicyDocument != null && deniesEverything(policy.PolicyDocument);
  return viewOf(api, user, { isClosed, vendorStatus: isClosed ? 'blocked' : 'open' });
}

function viewOf(
  { tagPrefix }: IamApi,
  user: IamUser,
  { isClosed, vendorStatus }: { isClosed: boolean; vendorStatus: string },
): AccountView {
  return {
    accountId: user.UserId,
    userName: user.UserName,
    correlationKey: correlationKeyOf(user, tagPrefix),
    vendorStatus,
    canLogIn: !isClosed,
  };
}

/** By id, else by tag; IAM cannot search for a tag, so that every user is read. */
async function findAccount(api: IamApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: await freshView(api, operation, known, ctx) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const all = await collectTokenPages(api.aws, operation, (token) => listUserDetails(api, { operation, token }, ctx));
  const matching = all.filter((user) => {
    const key = correlationKeyOf(user, api.tagPrefix);
    return key !== null && wanted.has(key);
  });
  const found = uniqueAccount(matching.map((user) => listedView(api, user)));
  if (found.outcome !== 'found') return found;
  const user = await readUser(api, operation, found.account.accountId, ctx);
  if (user === null) return { outcome: 'none' };
  return { outcome: 'found', account: await freshView(api, operation, user, ctx) };
}

function ensureAccount(
  api: IamApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const find = () => findAccount(api, keys, ctx);
  return ensureByKeys(api.aws, {
    find,
    findDuplicate: find,
    create: () => createUser(api, keys.personId, profile, ctx),
    takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
  });
}

/** A user without any credential: an administrator hands out the first one, for Usher keeps no password to pass on. */
async function createUser(
  api: IamApi,
  personId: string,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const { aws, iam, tagPrefix, names } = api;
  const input = { UserName: profile.userName, Tags: newUserTags(profile, personId, tagPrefix) };
  const send = (options: object) => iam.send(new CreateUserCommand(input), options);
  const schema = z.object({ User: IamUser });
  const { data, receipt } = await aws.write({ operation: 'ensureAccount', schema }, send, ctx);
  const { UserId, UserName } = data.User;
  names.set(UserId, UserName);
  const account = {
    accountId: UserId,
    userName: UserName,
    correlationKey: personId,
    vendorStatus: 'open',
    canLogIn: true,
  };
  return { outcome: 'created', account, receipt };
}

/** Lets in whom it finds and mends the names of an account that Usher made. */
async function takeOver(
  api: IamApi,
  found: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { accountId } = found;
  const opened = await setLogin(api, accountId, 'enabled', ctx);
  const user = await knownUser(api, operation, accountId, ctx);
  const { givenName, familyName, displayName, title } = profile;
  const names: ProfileValues = { givenName, familyName, displayName, ...(title === null ? {} : { title }) };
  const values = found.correlationKey === keys.personId ? names : {};
  const { outcome, receipt } = await assertValues(api, operation, { user, values }, ctx);
  const account = viewOf(api, user, { isClosed: false, vendorStatus: 'open' });
  if (keys.accountId !== accountId) return { outcome: 'adopted', account, receipt };
  return { outcome: opened.outcome === 'unchanged' ? outcome : 'changed', account, receipt };
}

async function setLogin(
  api: IamApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const user = await knownUser(api, 'setLogin', accountId, ctx);
  const blockState = await readBlockState(api, 'setLogin', user, ctx);
  return state === 'disabled' ? block(api, user, blockState, ctx) : unblock(api, user, blockState, ctx);
}

/** The name first: where somebody else has it, nothing else is changed either. */
async function assertValues(
  api: IamApi,
  operation: string,
  { user, values }: { user: IamUser; values: ProfileValues },
  ctx: CallContext,
): Promise<WriteResult> {
  const { aws, iam, tagPrefix, names } = api;
  const { login } = values;
  let UserName = user.UserName;
  let receipt = noReceipt;
  if (login !== undefined && login !== UserName) {
    const rename = (options: object) => iam.send(new UpdateUserCommand({ UserName, NewUserName: login }), options);
    receipt = (await aws.write({ operation, schema: z.unknown() }, rename, ctx)).receipt;
    UserName = login;
    names.set(user.UserId, login);
  }
  const Tags = tagChanges(user, values, tagPrefix);
  if (Tags.length > 0) {
    const send = (options: object) => iam.send(new TagUserCommand({ UserName, Tags }), options);
    receipt = (await aws.write({ operation, schema: z.unknown() }, send, ctx)).receipt;
  }
  const isChanged = Tags.length > 0 || UserName !== user.UserName;
  return { outcome: isChanged ? 'changed' : 'unchanged', receipt };
}

async function listAccountEntitlements(api: IamApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const { UserName: userName } = await knownUser(api, operation, accountId, ctx);
  const groups = await listGroupsOf(api, { operation, userName }, ctx);
  const policyArns = await listPolicyArnsOf(api, { operation, userName }, ctx);
  return [...groups.map(({ GroupId }) => groupEntitlement(GroupId)), ...policyArns.map(policyEntitlement)];
}

async function ensureEntitlement(
  api: IamApi,
  { accountId, entitlementId, state }: { accountId: string; entitlementId: string; state: 'present' | 'absent' },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const entitlement = parseIamEntitlement(entitlementId);
  if (entitlement === null) {
    if (state === 'absent') return { outcome: 'unchanged', receipt: noReceipt };
    throw api.aws.fail('notFound', operation, 'the id names neither a group nor a policy');
  }
  const user = await knownUser(api, operation, accountId, ctx);
  return ensureIamEntitlement(api, user.UserName, entitlement, state, ctx);
}
