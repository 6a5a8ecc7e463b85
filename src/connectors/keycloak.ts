/**
 * Keycloak, by its admin REST (26.x). An account's key is a user attribute, `usherPersonId` unless configured otherwise:
 * personId for accounts that Usher made, else an HRIS key. Disabling alone leaves sessions that live again after enabling;
 * logging out leaves offline tokens. What is said here about Keycloak was measured on 26.7.3.
 */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../schemas/owned-attribute.ts';
import {
  assertSeesUsers,
  KeycloakConfig,
  type KeycloakApi,
  listPage,
  NoBody,
  openKeycloakApi,
  realmPath,
} from './keycloak/api.ts';
import { check, EventsConfig, keepsLogins } from './keycloak/check.ts';
import { revokeSessions } from './keycloak/sessions.ts';
import { ensureEntitlement, listAccountEntitlements, listEntitlements } from './keycloak/entitlements.ts';
import {
  asStored,
  attributeAccess,
  keyOf,
  newUser,
  ownedValues,
  profileViewOf,
  User,
  userChanges,
  UserProfile,
  viewOf,
} from './keycloak/profile.ts';
import {
  type AccountProfile,
  type AccountView,
  type CallContext,
  type ConnectorRuntime,
  type CorrelationKeys,
  defineConnector,
  type EnsureAccountResult,
  type FindAccountResult,
  type Page,
  type TargetConnector,
  type UsageView,
  type WriteResult,
} from './kit/contract.ts';
import { ConnectorError } from './kit/errors.ts';
import { keycloakAttributeQuery } from './kit/escape.ts';
import { collectPages } from './kit/paging.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';
import { isConnectorError } from './kit/vendor-client.ts';

/** Keycloak's default life of an access token, which applications may check by its signature alone. */
const residualSeconds = 300;

export const keycloak = defineConnector<'target', KeycloakConfig>({
  manifest: {
    id: 'keycloak',
    displayName: 'Keycloak',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'full',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 1000,
      profileUpdates: OwnedAttribute.options,
      usage: 'account',
      workEmailWriteBack: false,
    },
    // Reads come from the database; in a cluster another node's cache learns of a change a moment later.
    consistency: { reads: 1, delayMs: 0, windowMs: 10_000 },
    // Keycloak sets no limit of its own.
    ratePolicy: { callsPerMinute: 1200 },
    scopes: ['realm-management: manage-users', 'realm-management: view-realm', 'realm-management: view-events'],
    provedOn: ['realServer'],
  },
  configSchema: KeycloakConfig,
  secretFields: ['clientSecret'],
  create: createKeycloak,
});

function createKeycloak(runtime: ConnectorRuntime<KeycloakConfig>): TargetConnector {
  const api = openKeycloakApi(runtime);
  const { keyAttribute } = api.config;
  return {
    check: (ctx) => check(api, residualSeconds, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user, keyAttribute);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, 'setLogin', accountId, state, ctx),
    async revokeSessions(accountId, ctx) {
      return { ...(await revokeSessions(api, accountId, ctx)), residualSeconds };
    },
    listAccountEntitlements: (accountId, ctx) => listAccountEntitlements(api, accountId, ctx),
    ensureEntitlement: (accountId, id, state, ctx) => ensureEntitlement(api, accountId, id, state, ctx),
    listEntitlements: (cursor, ctx) => listEntitlements(api, cursor, ctx),
    async readProfile(accountId, ctx) {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : profileViewOf(user, keyAttribute);
    },
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: asStored,
    async listAccounts(cursor, ctx) {
      const page = await listUsers(api, { operation: 'listAccounts', cursor }, ctx);
      return { items: page.items.map((user) => viewOf(user, keyAttribute)), nextCursor: page.nextCursor };
    },
    listUsage: (since, cursor, ctx) => listUsage(api, since, cursor, ctx),
  };
}

async function readUser(
  api: KeycloakApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<User | null> {
  const path = () => realmPath(api, 'users', accountId);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: User }, ctx);
  if (reply !== null && reply.data.id !== accountId) {
    throw api.client.fail('transient', operation, 'the answer is about another account');
  }
  return reply?.data ?? null;
}

async function mustRead(api: KeycloakApi, operation: string, accountId: string, ctx: CallContext): Promise<User> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return user;
}

interface UserListing {
  operation: string;
  cursor: string | null;
  query?: Record<string, string | number | boolean>;
}

/** Service accounts are never in it; disabled users are. */
async function listUsers(api: KeycloakApi, listing: UserListing, ctx: CallContext): Promise<Page<User>> {
  await assertSeesUsers(api, listing.operation);
  return listPage(api, { ...listing, segments: ['users'], schema: User, pageSize: api.config.pageMax }, ctx);
}

/** By id first, then by the attribute, never by name or address. */
async function findAccount(api: KeycloakApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const { keyAttribute } = api.config;
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known, keyAttribute) };
  const found: User[] = [];
  for (const key of new Set([keys.personId, ...keys.sourceKeys])) {
    const q = escapedQuery(api, operation, keyAttribute, key);
    const fetchPage = (cursor: string | null) => listUsers(api, { operation, cursor, query: { q } }, ctx);
    const users = await collectPages(fetchPage, { systemId: api.client.systemId, operation });
    // Keycloak compares without case, and lists everybody for a query that it cannot read.
    found.push(...users.filter((user) => keyOf(user, keyAttribute) === key));
  }
  return uniqueAccount(found.map((user) => viewOf(user, keyAttribute)));
}

function escapedQuery({ client }: KeycloakApi, operation: string, attribute: string, value: string): string {
  try {
    return keycloakAttributeQuery(attribute, value);
  } catch {
    throw client.fail('validation', operation, 'a key of the person cannot be searched for');
  }
}

function ensureAccount(
  api: KeycloakApi,
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

/** Keycloak drops an attribute that its user profile does not declare, without a word: such an account would belong to nobody. */
async function assertKeepsKey(api: KeycloakApi, operation: string, ctx: CallContext): Promise<void> {
  const path = () => realmPath(api, 'users', 'profile');
  const { data } = await api.client.call({ operation, method: 'GET', path, schema: UserProfile }, ctx);
  if (attributeAccess(data, api.config.keyAttribute).isKept) return;
  throw api.client.fail('precondition', operation, "the realm's user profile does not keep the attribute of the key");
}

async function create(
  api: KeycloakApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  await assertKeepsKey(api, operation, ctx);
  const { keyAttribute, requiredActions } = api.config;
  const body = newUser(profile, { keyAttribute, key: keys.personId, requiredActions });
  const path = () => realmPath(api, 'users');
  const call = { operation, method: 'POST' as const, path, body, schema: NoBody };
  const { receipt, header } = await api.client.call(call, ctx);
  const accountId = /\/users\/([^/?#]+)$/.exec(header('location') ?? '')?.[1];
  if (accountId === undefined) throw api.client.fail('unknownOutcome', operation, 'the answer names no account');
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('propagating', operation, 'the new account is not readable yet');
  return { outcome: 'created', account: viewOf(user, keyAttribute), receipt };
}

/** Enables what was found and, where Usher made the account and no directory masters it, mends what Usher owns of it. */
async function takeOver(
  api: KeycloakApi,
  { accountId, correlationKey }: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const login = await setLogin(api, operation, accountId, 'enabled', ctx);
  const user = await mustRead(api, operation, accountId, ctx);
  const isOwned = correlationKey === keys.personId && user.federationLink == null;
  const changes = isOwned ? userChanges(user, ownedValues(profile)) : null;
  const receipt = changes === null ? login.receipt : await putUser(api, operation, accountId, changes, ctx);
  const outcome = changes !== null || login.outcome === 'changed' ? 'changed' : 'unchanged';
  return {
    outcome: keys.accountId === accountId ? outcome : 'adopted',
    account: viewOf(user, api.config.keyAttribute),
    receipt,
  };
}

async function putUser(api: KeycloakApi, operation: string, accountId: string, body: object, ctx: CallContext) {
  const path = () => realmPath(api, 'users', accountId);
  return (await api.client.call({ operation, method: 'PUT', path, body, schema: NoBody }, ctx)).receipt;
}

const BruteForce = z.object({ disabled: z.boolean() });

/**
 * Sends the one field, which leaves all others alone. An account that reads as disabled while it is locked after wrong
 * passwords is disabled all the same: earlier versions show the lock as `enabled: false`, and it ends by itself.
 */
async function setLogin(
  api: KeycloakApi,
  operation: string,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const isEnabled = state === 'enabled';
  const user = await mustRead(api, operation, accountId, ctx);
  const isAsWanted = user.enabled === isEnabled;
  if (isAsWanted && (isEnabled || !(await isLocked(api, operation, accountId, ctx)))) {
    return { outcome: 'unchanged', receipt: noReceipt };
  }
  const receipt = await putUser(api, operation, accountId, { enabled: isEnabled }, ctx).catch(explainRefusal);
  return { outcome: isAsWanted ? 'unchanged' : 'changed', receipt };
}

/** Keycloak validates the whole account whatever is changed: one that its user profile would refuse today cannot be disabled. */
function explainRefusal(error: unknown): never {
  if (!isConnectorError(error, 'validation')) throw error;
  const message = "the account does not fit the realm's user profile and cannot be changed until it does";
  throw new ConnectorError('precondition', message, error.detail);
}

async function isLocked(api: KeycloakApi, operation: string, accountId: string, ctx: CallContext): Promise<boolean> {
  const path = () => realmPath(api, 'attack-detection', 'brute-force', 'users', accountId);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: BruteForce }, ctx);
  return reply?.data.disabled ?? false;
}

async function updateProfile(
  api: KeycloakApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const user = await mustRead(api, operation, accountId, ctx);
  const changes = userChanges(user, values);
  if (changes === null) return { outcome: 'unchanged', receipt: noReceipt };
  if (user.federationLink != null) {
    throw api.client.fail('precondition', operation, 'a directory masters this account: change it there');
  }
  return { outcome: 'changed', receipt: await putUser(api, operation, accountId, changes, ctx) };
}

const LoginEvent = z.object({ time: z.number().int().positive(), type: z.string(), userId: z.string().nullish() });
const eventsPerPage = 100;

/**
 * Newest first: a login during the run moves what follows towards the reader, and nothing is missed. Without saved events
 * there is no row, for nothing is known.
 */
async function listUsage(
  api: KeycloakApi,
  since: string | null,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const operation = 'listUsage';
  const read = async <T>(schema: z.ZodType<T>, query: Record<string, string | number>, ...segments: string[]) => {
    const path = () => realmPath(api, ...segments);
    return (await api.client.call({ operation, method: 'GET', path, params: () => query, schema }, ctx)).data;
  };
  if (cursor === null && !keepsLogins(await read(EventsConfig, {}, 'events', 'config'))) {
    return { items: [], nextCursor: null };
  }
  const first = cursor === null ? 0 : Number(cursor);
  const sinceMs = since === null ? 0 : Date.parse(since);
  if (!Number.isSafeInteger(first) || !Number.isFinite(sinceMs)) {
    throw api.client.fail('validation', operation, 'since is no instant, or the cursor none of this listing');
  }
  const dateFrom = since === null ? {} : { dateFrom: sinceMs };
  const query = { type: 'LOGIN', ...dateFrom, direction: 'desc', first, max: eventsPerPage + 1 };
  const events = await read(z.array(LoginEvent), query, 'events');
  const lastMs = new Map<string, number>();
  for (const { userId, time, type } of events.slice(0, eventsPerPage)) {
    if (type === 'LOGIN' && userId != null) lastMs.set(userId, Math.max(time, lastMs.get(userId) ?? 0));
  }
  const items = [...lastMs].map(([accountId, timeMs]) => ({
    accountId,
    vendorEntitlementId: null,
    lastUsedAt: new Date(timeMs).toISOString(),
  }));
  return { items, nextCursor: events.length > eventsPerPage ? String(first + eventsPerPage) : null };
}
