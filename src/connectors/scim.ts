/**
 * Applications that speak SCIM 2.0 (RFC 7643, RFC 7644). Products differ in what they accept, so that every system
 * carries its quirks. An account's key is `externalId`: personId for accounts that Usher made, else an HRIS key.
 */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../schemas/owned-attribute.ts';
import {
  type AccountProfile,
  type AccountView,
  type CallContext,
  type ConnectorRuntime,
  type CorrelationKeys,
  defineConnector,
  type EnsureAccountResult,
  type EntitlementView,
  type FindAccountResult,
  type Page,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { pathOf, scimEquals, scimValuePath } from './kit/escape.ts';
import { collectPages } from './kit/paging.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';
import { createVendorClient, isConnectorError, type VendorClient } from './kit/vendor-client.ts';
import { differences, profileChanges, profileViewOf, resourceOf, User, userSchema } from './scim/profile.ts';

export const ScimQuirks = z.strictObject({
  /** How `active` is written: with a path, or as an object without one (servers modelled on Okta's client). */
  patchStyle: z.enum(['path', 'value']).default('path'),
  /** How a member is removed: by filter path, or by value array (servers modelled on Entra's client). */
  memberRemoveStyle: z.enum(['filter', 'valueArray']).default('filter'),
  /** Where the groups of an account are read: filtered groups, the account's own `groups`, or all groups. */
  membershipRead: z.enum(['memberFilter', 'userGroups', 'scan']).default('memberFilter'),
  pageMax: z.number().int().min(1).max(1000).default(100),
});
export type ScimQuirks = z.infer<typeof ScimQuirks>;

export const ScimConfig = z.strictObject({
  /** Base URL that `/Users` and `/Groups` follow. */
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().min(1),
  quirks: ScimQuirks.prefault({}),
});
export type ScimConfig = z.infer<typeof ScimConfig>;

const Group = z.object({
  id: z.string().min(1),
  displayName: z.string(),
  members: z.array(z.object({ value: z.string() })).nullish(),
});
type Group = z.infer<typeof Group>;

const listOf = <T extends z.ZodType>(resource: T) =>
  z.object({ totalResults: z.number().int().min(0), Resources: z.array(resource).nullish() });

const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const contentType = 'application/scim+json';

/** Listings, reads and writes of one SCIM service; no decisions. */
interface ScimApi {
  client: VendorClient;
  quirks: ScimQuirks;
}

export const scim = defineConnector<'target', ScimConfig>({
  manifest: {
    id: 'scim',
    displayName: 'SCIM 2.0 application',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'none',
      // SCIM has no word for sessions; a working day is the usual upper bound of a web session.
      residualSessionSeconds: 43_200,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 1000,
      profileUpdates: OwnedAttribute.options,
      usage: 'none',
      workEmailWriteBack: false,
    },
    consistency: { reads: 2, delayMs: 1000, windowMs: 30_000 },
    ratePolicy: { callsPerMinute: 600 },
    scopes: ['read and write Users', 'read Groups and write their members'],
    provedOn: ['vendorDescription'],
  },
  configSchema: ScimConfig,
  secretFields: ['token'],
  create: createScim,
});

function createScim(runtime: ConnectorRuntime<ScimConfig>): TargetConnector {
  const { url, token, quirks } = runtime.config;
  const client = createVendorClient(runtime, {
    baseUrl: url,
    headers: { authorization: `Bearer ${token}`, accept: 'application/scim+json, application/json' },
  });
  const api: ScimApi = { client, quirks };
  const unsupported = () => client.fail('unsupported', 'revokeSessions', 'SCIM cannot end sessions');
  return {
    check: (ctx) => check(api, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    getAccount: async (accountId, ctx) => toView(await readUser(api, 'getAccount', accountId, ctx)),
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: () => Promise.reject(unsupported()),
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureMember(api, { accountId, groupId, state }, ctx),
    listEntitlements: async (cursor, ctx) => {
      const page = await listPage(api, { resource: 'Groups', schema: Group, cursor, withoutMembers: true }, ctx);
      return { ...page, items: page.items.map(toEntitlement) };
    },
    readProfile: async (accountId, ctx) => {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : profileViewOf(user);
    },
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: (values) => values,
    listAccounts: async (cursor, ctx) => {
      const page = await listPage(api, { resource: 'Users', schema: User, cursor }, ctx);
      return { ...page, items: page.items.map(viewOf) };
    },
  };
}

async function check(api: ScimApi, ctx: CallContext) {
  await listPage(api, { resource: 'Users', schema: User, cursor: null, count: 1, operation: 'check' }, ctx);
  await listPage(api, { resource: 'Groups', schema: Group, cursor: null, count: 1, operation: 'check' }, ctx);
  return { isHealthy: true, findings: [{ level: 'ok' as const, text: 'Users and Groups can be read.' }] };
}

async function readUser(api: ScimApi, operation: string, accountId: string, ctx: CallContext): Promise<User | null> {
  const path = () => pathOf('Users', accountId);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: User }, ctx);
  if (reply === null) return null;
  if (reply.data.id !== accountId) throw api.client.fail('transient', operation, 'the answer is about another account');
  return reply.data;
}

async function findAccount(api: ScimApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const known = keys.accountId === null ? null : await readUser(api, 'findAccount', keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known) };
  const found: User[] = [];
  for (const key of new Set([keys.personId, ...keys.sourceKeys])) {
    const filter = () => scimEquals('externalId', key);
    const users = await listAll(api, { resource: 'Users', schema: User, filter, operation: 'findAccount' }, ctx);
    // A server that ignores the filter answers with everybody.
    found.push(...users.filter((user) => user.externalId === key));
  }
  return uniqueAccount(found.map(viewOf));
}

function ensureAccount(
  api: ScimApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const find = () => findAccount(api, keys, ctx);
  return ensureByKeys(api.client, {
    find,
    findDuplicate: find,
    create: () => create(api, keys, profile, ctx),
    takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
  });
}

async function create(
  api: ScimApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const body = { schemas: [userSchema], ...resourceOf(profile), externalId: keys.personId, active: true };
  const path = () => pathOf('Users');
  const call = { operation: 'ensureAccount', method: 'POST' as const, path, body, contentType, schema: User };
  const { data, receipt } = await api.client.call(call, ctx);
  return { outcome: 'created', account: viewOf(data), receipt };
}

/** Enables what was found and, where Usher made the account, mends the attributes that it owns. */
async function takeOver(
  api: ScimApi,
  found: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const { accountId } = found;
  const isKnown = keys.accountId === accountId;
  const wasDisabled = !found.canLogIn;
  if (wasDisabled) await setLogin(api, accountId, 'enabled', ctx);
  const user = await readUser(api, 'ensureAccount', accountId, ctx);
  if (user === null) throw api.client.fail('propagating', 'ensureAccount', 'the account is not readable yet');
  const changes = user.externalId === keys.personId ? differences(user, profile) : {};
  const hasChanges = Object.keys(changes).length > 0;
  const receipt = hasChanges
    ? await patch(api, 'ensureAccount', ['Users', accountId], replacements(api.quirks, changes), ctx)
    : noReceipt;
  const unchangedOrChanged = wasDisabled || hasChanges ? 'changed' : 'unchanged';
  return { outcome: isKnown ? unchangedOrChanged : 'adopted', account: viewOf(user), receipt };
}

async function setLogin(
  api: ScimApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const user = await readUser(api, 'setLogin', accountId, ctx);
  if (user === null) throw api.client.fail('notFound', 'setLogin', 'the account does not exist');
  const active = state === 'enabled';
  if (user.active === active) return { outcome: 'unchanged', receipt: noReceipt };
  const operations = replacements(api.quirks, { active });
  try {
    return { outcome: 'changed', receipt: await patch(api, 'setLogin', ['Users', accountId], operations, ctx) };
  } catch (error) {
    // Some servers hide an account in the very call that disables it.
    if (state === 'disabled' && isConnectorError(error, 'notFound')) return { outcome: 'changed', receipt: noReceipt };
    throw error;
  }
}

async function updateProfile(
  api: ScimApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  const changes = profileChanges(user, values, api.quirks.patchStyle);
  if (Object.keys(changes).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  const operations = replacements(api.quirks, changes);
  return { outcome: 'changed', receipt: await patch(api, operation, ['Users', accountId], operations, ctx) };
}

function replacements({ patchStyle }: ScimQuirks, values: Record<string, unknown>): object[] {
  if (patchStyle === 'value') return [{ op: 'replace', value: values }];
  return Object.entries(values).map(([path, value]) => ({ op: 'replace', path, value }));
}

async function listAccountEntitlements(api: ScimApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  if (api.quirks.membershipRead === 'userGroups') {
    const user = await readUser(api, operation, accountId, ctx);
    if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
    return (user.groups ?? []).filter(({ type }) => type !== 'indirect').map(({ value }) => value);
  }
  const isFiltered = api.quirks.membershipRead === 'memberFilter';
  const filter = () => scimEquals('members.value', accountId);
  const groups = await listAll(
    api,
    { resource: 'Groups', schema: Group, operation, ...(isFiltered ? { filter } : {}) },
    ctx,
  );
  const held: string[] = [];
  for (const group of groups) {
    // Listings may leave the members out, and a server may ignore the filter: only the members themselves count.
    const full = group.members == null ? await readGroup(api, operation, group.id, ctx) : group;
    if (full !== null && hasMember(full, accountId)) held.push(group.id);
  }
  return held;
}

interface Membership {
  accountId: string;
  groupId: string;
  state: 'present' | 'absent';
}

async function ensureMember(
  api: ScimApi,
  { accountId, groupId, state }: Membership,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const group = await readGroup(api, operation, groupId, ctx);
  if (group === null && state === 'present') throw api.client.fail('notFound', operation, 'the group does not exist');
  // Some servers store a member twice when it is added twice, so that one removal does not remove it.
  const isMember = group !== null && hasMember(group, accountId);
  if (isMember === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  const change =
    state === 'present'
      ? { op: 'add', path: 'members', value: [{ value: accountId }] }
      : removal(api.quirks, accountId);
  return { outcome: 'changed', receipt: await patch(api, operation, ['Groups', groupId], [change], ctx) };
}

function removal(quirks: ScimQuirks, accountId: string) {
  return quirks.memberRemoveStyle === 'filter'
    ? { op: 'remove', path: scimValuePath('members', 'value', accountId) }
    : { op: 'remove', path: 'members', value: [{ value: accountId }] };
}

async function readGroup(api: ScimApi, operation: string, groupId: string, ctx: CallContext): Promise<Group | null> {
  const path = () => pathOf('Groups', groupId);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: Group }, ctx);
  if (reply !== null && reply.data.id !== groupId) {
    throw api.client.fail('transient', operation, 'the answer is about another group');
  }
  return reply?.data ?? null;
}

async function patch(api: ScimApi, operation: string, segments: string[], operations: object[], ctx: CallContext) {
  const body = { schemas: [patchSchema], Operations: operations };
  const path = () => pathOf(...segments);
  const call = { operation, method: 'PATCH' as const, path, body, contentType, schema: z.unknown() };
  return (await api.client.call(call, ctx)).receipt;
}

interface ListRequest<T> {
  resource: 'Users' | 'Groups';
  schema: z.ZodType<T>;
  operation?: string;
  filter?: () => string;
  count?: number;
  withoutMembers?: boolean;
}

function listAll<T>(api: ScimApi, request: ListRequest<T> & { operation: string }, ctx: CallContext): Promise<T[]> {
  return collectPages<T>((cursor) => listPage(api, { ...request, cursor }, ctx), {
    systemId: api.client.systemId,
    operation: request.operation,
  });
}

async function listPage<T>(
  api: ScimApi,
  request: ListRequest<T> & { cursor: string | null },
  ctx: CallContext,
): Promise<Page<T>> {
  const operation = request.operation ?? `list${request.resource}`;
  const startIndex = Number(request.cursor ?? '1');
  if (!Number.isSafeInteger(startIndex) || startIndex < 1) {
    throw api.client.fail('validation', operation, 'not a cursor of this connector');
  }
  const params = () => ({
    startIndex,
    count: request.count ?? api.quirks.pageMax,
    ...(request.filter === undefined ? {} : { filter: request.filter() }),
    ...(request.withoutMembers === true ? { excludedAttributes: 'members' } : {}),
  });
  const path = () => pathOf(request.resource);
  const { data } = await api.client.call(
    { operation, method: 'GET', path, params, schema: listOf(request.schema) },
    ctx,
  );
  const items = data.Resources ?? [];
  const next = startIndex + items.length;
  if (next > data.totalResults) return { items, nextCursor: null };
  // An empty page before the announced end: what is missing cannot be told from what does not exist.
  if (items.length === 0) throw api.client.fail('transient', operation, 'the listing ended before its announced end');
  return { items, nextCursor: String(next) };
}

function hasMember(group: Group, accountId: string): boolean {
  return (group.members ?? []).some(({ value }) => value === accountId);
}

function toView(user: User | null): AccountView | null {
  return user === null ? null : viewOf(user);
}

function viewOf(user: User): AccountView {
  const canLogIn = user.active !== false;
  return {
    accountId: user.id,
    userName: user.userName,
    correlationKey: user.externalId ?? null,
    vendorStatus: canLogIn ? 'active' : 'inactive',
    canLogIn,
  };
}

function toEntitlement(group: Group): EntitlementView {
  return { vendorEntitlementId: group.id, displayName: group.displayName };
}
