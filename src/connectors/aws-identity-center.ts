/**
 * AWS IAM Identity Center: users and groups of the identity store, permission sets on AWS accounts. An account's key
 * stands in a configured attribute: personId for accounts that Usher made, else an HRIS key; a user name finds nobody.
 * The API has no call that disables a user: that is done over the instance's SCIM endpoint, where the system has one.
 */
import { CreateUserCommand, IdentitystoreClient, UpdateUserCommand } from '@aws-sdk/client-identitystore';
import { ListInstancesCommand, SSOAdminClient } from '@aws-sdk/client-sso-admin';
import { z } from 'zod';
import type { ProfileValues } from '../schemas/owned-attribute.ts';
import { ensureAssignment, listAssignments } from './aws/assignments.ts';
import { createAwsCaller } from './aws/caller.ts';
import { connectionFields, hasWholeKey, keyFindings, Region, sdkConnection } from './aws/connection.ts';
import { assignmentEntitlement, groupEntitlement, parseIdentityEntitlement } from './aws/entitlement-id.ts';
import { type IdentityApi, knownUser, listUsers, readUser, readUserByExternalId } from './aws/identity-api.ts';
import {
  type IdentityUser,
  keyOf,
  newUser,
  operationsFor,
  ownedValues,
  PersonKey,
  profileAsStored,
  profileAttributes,
  profileViewOf,
  viewOf,
} from './aws/identity-user.ts';
import { ensureMember, listGroupIds, listGroups } from './aws/memberships.ts';
import { type PermissionProbe, probePermissions } from './aws/permission-probe.ts';
import { listAssignable, listPermissionSetArns } from './aws/permission-sets.ts';
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
import { pathOf } from './kit/escape.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';
import { createVendorClient } from './kit/vendor-client.ts';

export const IdentityCenterConfig = z
  .strictObject({
    region: Region.describe('AWS region of the Identity Center instance, for example eu-central-1.'),
    instanceArn: z
      .string()
      .regex(/^arn:aws(-[a-z]{1,5}){0,3}:sso:::instance\/(sso)?ins-[a-zA-Z0-9-.]{16}$/)
      .describe('Instance ARN, from Identity Center > Settings > Details.'),
    identityStoreId: z
      .string()
      .regex(/^(d-[0-9a-f]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/)
      .describe('Identity store id, from Identity Center > Settings > Identity source; begins with d-.'),
    personKey: PersonKey.default('employeeNumber').describe(
      'Attribute that holds the key of the person. externalId where an identity provider makes the users.',
    ),
    externalIdIssuer: z
      .string()
      .min(1)
      .optional()
      .describe('With personKey externalId: the issuer of these ids, as describe-user shows it.'),
    scimUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('SCIM endpoint, from Settings > Automatic provisioning. Without it Usher cannot disable users here.'),
    scimToken: z.string().min(1).optional().describe('Access token of the SCIM endpoint; it lasts a year.'),
    pageMax: z.number().int().min(1).max(100).default(100).describe('Users or groups per page.'),
    ...connectionFields,
  })
  .refine(hasWholeKey, { path: ['secretAccessKey'], message: 'an access key is an id and a secret' })
  .refine(({ scimUrl, scimToken }) => (scimUrl === undefined) === (scimToken === undefined), {
    path: ['scimToken'],
    message: 'the SCIM endpoint needs an address and a token',
  })
  .refine(({ personKey, externalIdIssuer }) => (personKey === 'externalId') === (externalIdIssuer !== undefined), {
    path: ['externalIdIssuer'],
    message: 'the issuer belongs to personKey externalId',
  });
export type IdentityCenterConfig = z.infer<typeof IdentityCenterConfig>;

/** An identity provider may take up to 40 minutes between two rounds of provisioning. */
const providerRetryMs = 5 * 60_000;

export const awsIdentityCenter = defineConnector<'target', IdentityCenterConfig>({
  manifest: {
    id: 'aws-identity-center',
    displayName: 'AWS IAM Identity Center',
    kind: 'target',
    capabilities: {
      // Over the SCIM endpoint; a system without one refuses as unsupported.
      suspend: 'reversible',
      sessionRevocation: 'none',
      // The longest session that a permission set can give: what a role session may do ends with it.
      residualSessionSeconds: 43_200,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 100,
      profileUpdates: profileAttributes,
      usage: 'none',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 2000, windowMs: 120_000 },
    // The identity store's own limit is 20 calls a second for all callers of an account together.
    ratePolicy: { callsPerMinute: 600 },
    scopes: [
      'identitystore:ListUsers, DescribeUser, GetUserId, CreateUser, UpdateUser',
      'identitystore:ListGroups, ListGroupMembershipsForMember, GetGroupMembershipId, CreateGroupMembership, DeleteGroupMembership',
      'sso:ListInstances, ListPermissionSets, DescribePermissionSet, ListAccountsForProvisionedPermissionSet',
      'sso:ListAccountAssignmentsForPrincipal, CreateAccountAssignment, DeleteAccountAssignment',
      'sso:DescribeAccountAssignmentCreationStatus, DescribeAccountAssignmentDeletionStatus, ListAccountAssignmentCreationStatus, ListAccountAssignmentDeletionStatus',
    ],
    provedOn: ['vendorDescription', 'realServer'],
  },
  configSchema: IdentityCenterConfig,
  secretFields: ['secretAccessKey', 'scimToken'],
  create: createIdentityCenter,
});

function openApi(runtime: ConnectorRuntime<IdentityCenterConfig>): IdentityApi {
  const { config } = runtime;
  const aws = createAwsCaller(runtime);
  const connection = sdkConnection(config);
  const { scimUrl, scimToken } = config;
  const scim =
    scimUrl === undefined || scimToken === undefined
      ? null
      : createVendorClient(runtime, {
          baseUrl: scimUrl,
          headers: { authorization: `Bearer ${scimToken}`, accept: 'application/scim+json, application/json' },
        });
  return {
    aws,
    scim,
    store: new IdentitystoreClient({ ...connection, ...aws.transport('identitystore') }),
    sso: new SSOAdminClient({ ...connection, ...aws.transport('sso-admin') }),
    storeId: config.identityStoreId,
    instanceArn: config.instanceArn,
    pageMax: config.pageMax,
    place: config,
    underWay: new Map(),
  };
}

function createIdentityCenter(runtime: ConnectorRuntime<IdentityCenterConfig>): TargetConnector {
  const api = openApi(runtime);
  const { aws, place } = api;
  const limit = api.pageMax;
  return {
    check: (ctx) => check(api, runtime.config, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user, place);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: () => Promise.reject(aws.fail('unsupported', 'revokeSessions', 'no API of AWS ends the sessions')),
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, entitlementId, state, ctx) =>
      ensureEntitlement(api, { accountId, entitlementId, state }, ctx),
    listEntitlements(cursor, ctx) {
      const operation = 'listEntitlements';
      return pageOfTwo(
        cursor,
        (token) => listGroups(api, { operation, token, limit }, ctx),
        (token) => listAssignable(api, { operation, token, limit }, ctx),
      );
    },
    async readProfile(accountId, ctx) {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : profileViewOf(user, place);
    },
    async updateProfile(accountId, values, ctx) {
      const user = await knownUser(api, 'updateProfile', accountId, ctx);
      return assertValues(api, 'updateProfile', { user, values }, ctx);
    },
    profileAsStored,
    async listAccounts(cursor, ctx) {
      const page = await listUsers(api, { operation: 'listAccounts', token: cursor ?? undefined }, ctx);
      return { ...page, items: page.items.map((user) => viewOf(user, place)) };
    },
  };
}

async function check(api: IdentityApi, config: IdentityCenterConfig, ctx: CallContext): Promise<CheckResult> {
  const one = { operation: 'check', token: undefined, limit: 1 };
  const probes: PermissionProbe[] = [
    { permission: 'identitystore:ListUsers', read: () => listUsers(api, one, ctx) },
    { permission: 'identitystore:ListGroups', read: () => listGroups(api, one, ctx) },
    { permission: 'sso:ListPermissionSets', read: () => listPermissionSetArns(api, one, ctx) },
    { permission: 'sso:ListInstances', read: () => assertInstance(api, ctx) },
  ];
  const missing = await probePermissions(probes);
  const findings = [...missing, ...keyFindings(config), ...(await scimFindings(api, ctx))];
  const isHealthy = findings.every(({ level }) => level !== 'error');
  const fine = { level: 'ok' as const, text: 'Users, groups and permission sets can be read.' };
  return { isHealthy, findings: missing.length === 0 ? [fine, ...findings] : findings };
}

/** Throws `validation` where the two ids of the configuration belong to different instances. */
async function assertInstance({ aws, sso, instanceArn, storeId }: IdentityApi, ctx: CallContext): Promise<void> {
  const schema = z.object({
    Instances: z.array(z.object({ InstanceArn: z.string(), IdentityStoreId: z.string().nullish() })),
  });
  const send = (options: object) => sso.send(new ListInstancesCommand({}), options);
  const { data } = await aws.read({ operation: 'check', schema }, send, ctx);
  const ours = data.Instances.find(({ InstanceArn }) => InstanceArn === instanceArn);
  if (ours?.IdentityStoreId !== storeId) {
    throw aws.fail('validation', 'check', 'instanceArn and identityStoreId are not of one instance in this region');
  }
}

async function scimFindings({ scim }: IdentityApi, ctx: CallContext): Promise<CheckResult['findings']> {
  if (scim === null) {
    const text = 'Users cannot be disabled without the SCIM endpoint; a leaver loses groups and assignments only.';
    return [{ level: 'warning', text }];
  }
  const path = () => pathOf('ServiceProviderConfig');
  await scim.call({ operation: 'check', method: 'GET', path, schema: z.looseObject({}) }, ctx);
  return [];
}

/** By id, else by the key in its place; the store searches no such attribute, so that everybody is read. */
async function findAccount(api: IdentityApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const { place } = api;
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known, place) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const candidates = await candidatesFor(api, wanted, operation, ctx);
  const matching = candidates.filter((user) => {
    const key = keyOf(user, place);
    return key !== null && wanted.has(key);
  });
  return uniqueAccount(matching.map((user) => viewOf(user, place)));
}

async function candidatesFor(
  api: IdentityApi,
  wanted: ReadonlySet<string>,
  operation: string,
  ctx: CallContext,
): Promise<IdentityUser[]> {
  const { personKey, externalIdIssuer } = api.place;
  if (personKey !== 'externalId' || externalIdIssuer === undefined) {
    return collectTokenPages(api.aws, operation, (token) => listUsers(api, { operation, token }, ctx));
  }
  const found: IdentityUser[] = [];
  for (const id of wanted) {
    const user = await readUserByExternalId(api, operation, { issuer: externalIdIssuer, id }, ctx);
    if (user !== null) found.push(user);
  }
  return found;
}

function ensureAccount(
  api: IdentityApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const find = () => findAccount(api, keys, ctx);
  return ensureByKeys(api.aws, {
    find,
    findDuplicate: find,
    create: () => createAccount(api, keys.personId, profile, ctx),
    takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
  });
}

async function createAccount(
  api: IdentityApi,
  personId: string,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { aws, store, storeId, place } = api;
  if (place.personKey === 'externalId') {
    const detail = { retryAfterMs: providerRetryMs };
    throw aws.fail('propagating', operation, 'the identity provider has not made the account yet', detail);
  }
  const input = { IdentityStoreId: storeId, ...newUser(profile, personId, place.personKey) };
  const send = (options: object) => store.send(new CreateUserCommand(input), options);
  const schema = z.object({ UserId: z.string().min(1) });
  const { data, receipt } = await aws.write({ operation, schema }, send, ctx);
  const accountId = data.UserId;
  const { userName } = profile;
  const account = { accountId, userName, correlationKey: personId, vendorStatus: 'ENABLED', canLogIn: true };
  return { outcome: 'created', account, receipt };
}

/** Enables what was found and mends the names of an account that Usher made. */
async function takeOver(
  api: IdentityApi,
  found: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { accountId } = found;
  const wasDisabled = !found.canLogIn;
  if (wasDisabled) await setLogin(api, accountId, 'enabled', ctx);
  const user = await knownUser(api, operation, accountId, ctx);
  const isOwn = found.correlationKey === keys.personId && api.place.personKey !== 'externalId';
  const values = isOwn ? ownedValues(profile) : {};
  const { outcome, receipt } = await assertValues(api, operation, { user, values }, ctx);
  const account = viewOf(user, api.place);
  if (keys.accountId !== accountId) return { outcome: 'adopted', account, receipt };
  return { outcome: wasDisabled ? 'changed' : outcome, account, receipt };
}

async function assertValues(
  { aws, store, storeId, place }: IdentityApi,
  operation: string,
  { user, values }: { user: IdentityUser; values: ProfileValues },
  ctx: CallContext,
): Promise<WriteResult> {
  const Operations = operationsFor(user, values, place);
  if (Operations.length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  const input = { IdentityStoreId: storeId, UserId: user.UserId, Operations };
  const send = (options: object) => store.send(new UpdateUserCommand(input), options);
  const { receipt } = await aws.write({ operation, schema: z.unknown() }, send, ctx);
  return { outcome: 'changed', receipt };
}

/** AWS takes one operation on `active` in a PATCH and nothing beside it. */
async function setLogin(
  api: IdentityApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const user = await knownUser(api, operation, accountId, ctx);
  const active = state === 'enabled';
  if (viewOf(user, api.place).canLogIn === active) return { outcome: 'unchanged', receipt: noReceipt };
  if (api.scim === null) {
    throw api.aws.fail('unsupported', operation, 'users are disabled over SCIM, which this system has no address of');
  }
  const call = {
    operation,
    method: 'PATCH' as const,
    path: () => pathOf('Users', accountId),
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: active }],
    },
    contentType: 'application/scim+json',
    schema: z.unknown(),
  };
  return { outcome: 'changed', receipt: (await api.scim.call(call, ctx)).receipt };
}

async function listAccountEntitlements(api: IdentityApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  await knownUser(api, operation, accountId, ctx);
  const groupIds = await listGroupIds(api, operation, accountId, ctx);
  const assignments = await listAssignments(api, { operation, accountId }, ctx);
  return [
    ...groupIds.map(groupEntitlement),
    ...assignments.map(({ AccountId, PermissionSetArn }) => assignmentEntitlement(AccountId, PermissionSetArn)),
  ];
}

async function ensureEntitlement(
  api: IdentityApi,
  { accountId, entitlementId, state }: { accountId: string; entitlementId: string; state: 'present' | 'absent' },
  ctx: CallContext,
): Promise<WriteResult> {
  const entitlement = parseIdentityEntitlement(entitlementId);
  if (entitlement === null) {
    if (state === 'absent') return { outcome: 'unchanged', receipt: noReceipt };
    throw api.aws.fail('notFound', 'ensureEntitlement', 'the id names neither a group nor an assignment');
  }
  switch (entitlement.kind) {
    case 'group':
      return ensureMember(api, { accountId, groupId: entitlement.groupId, state }, ctx);
    case 'assignment':
      return ensureAssignment(api, { accountId, ...entitlement }, state, ctx);
    default:
      return entitlement satisfies never;
  }
}
