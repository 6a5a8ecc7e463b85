/**
 * Okta Workforce Identity. An account's key is `profile.employeeNumber`: personId for accounts that Usher made, else
 * the HRIS key that an earlier provisioning wrote there; Usher never changes it. Only reads by id and `filter` count
 * as fresh: Okta's `search` is an index that may lag.
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
  type FindAccountResult,
  type Page,
  type TargetConnector,
  type WriteResult,
} from './kit/contract.ts';
import { oktaEqualsAny, pathOf } from './kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from './kit/http.ts';
import { collectPages, eachPage, nextLinkCursor } from './kit/paging.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';
import { createVendorClient, isConnectorError, type VendorClient } from './kit/vendor-client.ts';
import { asStored, attributesOf, differences, profileChanges, profileViewOf, User } from './okta/profile.ts';

export const OktaConfig = z.strictObject({
  /** Origin of the Okta organisation. */
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().min(1),
  /** Okta mails the activation link to a new person; off where another system sends it. */
  sendActivationMail: z.boolean().default(true),
});
export type OktaConfig = z.infer<typeof OktaConfig>;

const Group = z.object({ id: z.string().min(1), type: z.string(), profile: z.object({ name: z.string() }) });
type Group = z.infer<typeof Group>;

const OktaError = z.object({
  errorCode: z.string().regex(/^E\d{7}$/),
  errorCauses: z.array(z.object({ errorSummary: z.string() })).nullish(),
});

const statuses = 'ACTIVE DEPROVISIONED LOCKED_OUT PASSWORD_EXPIRED PROVISIONED RECOVERY STAGED SUSPENDED'.split(' ');
/** The plain listing leaves out deprovisioned accounts; a filter that names every status does not. */
const everyStatus = oktaEqualsAny('status', statuses);
const pageMax = 200;
/** Access tokens that a resource server checks by signature alone live on for their hour. */
const residualSeconds = 3600;

interface OktaApi {
  client: VendorClient;
  config: OktaConfig;
}

export const okta = defineConnector<'target', OktaConfig>({
  manifest: {
    id: 'okta',
    displayName: 'Okta',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'full',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax,
      profileUpdates: OwnedAttribute.options,
      usage: 'none',
      workEmailWriteBack: false,
    },
    consistency: { reads: 1, delayMs: 1000, windowMs: 10_000 },
    ratePolicy: { callsPerMinute: 600 },
    scopes: ['okta.users.manage', 'okta.groups.manage'],
    provedOn: [],
  },
  configSchema: OktaConfig,
  secretFields: ['token'],
  create: createOkta,
});

function createOkta(runtime: ConnectorRuntime<OktaConfig>): TargetConnector {
  const { config } = runtime;
  const headers = { authorization: `SSWS ${config.token}` };
  const client = createVendorClient(runtime, { baseUrl: config.url, headers }, { dialect: readOktaRefusal });
  const api: OktaApi = { client, config };
  return {
    async check(ctx) {
      await listUsers(api, { operation: 'check', cursor: null, query: { limit: 1 } }, ctx);
      await listGroups(api, ['groups'], { operation: 'check', cursor: null, query: { limit: 1 } }, ctx);
      return { isHealthy: true, findings: [{ level: 'ok', text: 'Users and groups can be read.' }] };
    },
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const user = await readUser(api, 'getAccount', accountId, ctx);
      return user === null ? null : viewOf(user);
    },
    ensureAccount: (keys, profile, ctx) => ensureAccount(api, keys, profile, ctx),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: (accountId, ctx) => revokeSessions(api, accountId, ctx),
    async listAccountEntitlements(accountId, ctx) {
      return (await groupsOf(api, 'listAccountEntitlements', accountId, ctx)).map(({ id }) => id);
    },
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureMember(api, accountId, groupId, state, ctx),
    async listEntitlements(cursor, ctx) {
      const page = await listGroups(api, ['groups'], { operation: 'listEntitlements', cursor }, ctx);
      // Groups that a directory or Okta itself fills cannot be assigned.
      const items = page.items.filter(({ type }) => type === 'OKTA_GROUP');
      return {
        ...page,
        items: items.map(({ id, profile }) => ({ vendorEntitlementId: id, displayName: profile.name })),
      };
    },
    async readProfile(accountId, ctx) {
      const user = await readUser(api, 'readProfile', accountId, ctx);
      return user === null ? null : profileViewOf(user);
    },
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: asStored,
    async listAccounts(cursor, ctx) {
      const page = await listUsers(api, { operation: 'listAccounts', cursor, query: { filter: everyStatus } }, ctx);
      return { ...page, items: page.items.map(viewOf) };
    },
  };
}

async function readUser(api: OktaApi, operation: string, accountId: string, ctx: CallContext): Promise<User | null> {
  const path = () => pathOf('api', 'v1', 'users', accountId);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: User }, ctx);
  // Okta also reads a login in this place: the answer must be about the id that was asked for.
  return reply === null || reply.data.id !== accountId ? null : reply.data;
}

async function mustRead(api: OktaApi, operation: string, accountId: string, ctx: CallContext): Promise<User> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return user;
}

/**
 * By stored id; else by the index, whose hits are read again by id; else, because the index may lag behind, by reading
 * every account. The last is what keeps a second account from being made after a lost answer.
 */
async function findAccount(api: OktaApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const isWanted = (user: User | null): user is User => user !== null && wanted.has(user.profile.employeeNumber ?? '');
  const guard = { systemId: api.client.systemId, operation };
  const search = oktaEqualsAny('profile.employeeNumber', [...wanted]);
  const hits = await collectPages((cursor) => listUsers(api, { operation, cursor, query: { search } }, ctx), guard);
  const fresh: User[] = [];
  for (const { id } of hits) {
    const user = await readUser(api, operation, id, ctx);
    if (isWanted(user)) fresh.push(user);
  }
  if (fresh.length === 0) {
    const pages = eachPage(
      (cursor) => listUsers(api, { operation, cursor, query: { filter: everyStatus } }, ctx),
      guard,
    );
    for await (const page of pages) fresh.push(...page.filter(isWanted));
  }
  return uniqueAccount(fresh.map(viewOf));
}

function ensureAccount(
  api: OktaApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  return ensureByKeys(api.client, {
    find: () => findAccount(api, keys, ctx),
    findDuplicate: () => findByLogin(api, profile.userName, keys, ctx),
    create: () => create(api, keys, profile, ctx),
    takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
  });
}

/** Staged first and activated by a second call: a crash in between leaves an account that the next attempt finds. */
async function create(
  api: OktaApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const slots = { login: profile.userName, email: profile.email, employeeNumber: keys.personId };
  const body = { profile: { ...attributesOf(profile), ...slots } };
  const path = () => pathOf('api', 'v1', 'users');
  const params = () => ({ activate: false });
  const created = await api.client.call({ operation, method: 'POST', path, params, body, schema: User }, ctx);
  const { id } = created.data;
  await setLogin(api, id, 'enabled', ctx);
  const account = viewOf(await mustRead(api, operation, id, ctx));
  return { outcome: 'created', account, receipt: created.receipt };
}

/** The account with that login, only if its key is one of the person's: the login alone proves nothing. */
async function findByLogin(
  api: OktaApi,
  login: string,
  keys: CorrelationKeys,
  ctx: CallContext,
): Promise<FindAccountResult> {
  const filter = oktaEqualsAny('profile.login', [login]);
  const { items } = await listUsers(api, { operation: 'ensureAccount', cursor: null, query: { filter } }, ctx);
  const wanted = [keys.personId, ...keys.sourceKeys];
  return uniqueAccount(items.filter(({ profile }) => wanted.includes(profile.employeeNumber ?? '')).map(viewOf));
}

/** Enables what was found and, where Usher made the account, mends the attributes that it owns. */
async function takeOver(
  api: OktaApi,
  found: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { accountId } = found;
  const login = await setLogin(api, accountId, 'enabled', ctx);
  const user = await mustRead(api, operation, accountId, ctx);
  const changes = user.profile.employeeNumber === keys.personId ? differences(user, profile) : {};
  const hasChanges = Object.keys(changes).length > 0;
  let { receipt } = login;
  if (hasChanges) {
    const path = () => pathOf('api', 'v1', 'users', accountId);
    const body = { profile: changes };
    receipt = (await api.client.call({ operation, method: 'POST', path, body, schema: z.unknown() }, ctx)).receipt;
  }
  const outcome = hasChanges || login.outcome === 'changed' ? 'changed' : 'unchanged';
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account: viewOf(user), receipt };
}

/** A partial update: POST changes only the properties that it names. */
async function updateProfile(
  api: OktaApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const profile = profileChanges(await mustRead(api, operation, accountId, ctx), values);
  if (Object.keys(profile).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  const path = () => pathOf('api', 'v1', 'users', accountId);
  const call = { operation, method: 'POST' as const, path, body: { profile }, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
}

type Transition = 'suspend' | 'unsuspend' | 'activate' | 'deactivate' | 'none' | 'wait';

/** The step from a status to a login that works or does not; `wait` while Okta is still moving the account. */
export function oktaTransition(
  user: { status: string; transitioningToStatus?: string | null | undefined },
  state: 'enabled' | 'disabled',
): Transition {
  if (user.transitioningToStatus != null) {
    const isGoingDown = user.transitioningToStatus === 'DEPROVISIONED';
    return isGoingDown === (state === 'disabled') ? 'none' : 'wait';
  }
  if (state === 'disabled') {
    if (user.status === 'SUSPENDED' || user.status === 'DEPROVISIONED') return 'none';
    // Okta suspends active accounts only; in every other status the person or an administrator could still go on.
    return user.status === 'ACTIVE' ? 'suspend' : 'deactivate';
  }
  if (user.status === 'SUSPENDED') return 'unsuspend';
  // In the remaining statuses the person can go on alone; asking again would void a link that was sent to them.
  return user.status === 'STAGED' || user.status === 'DEPROVISIONED' ? 'activate' : 'none';
}

async function setLogin(
  api: OktaApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const transition = oktaTransition(await mustRead(api, operation, accountId, ctx), state);
  if (transition === 'none') return { outcome: 'unchanged', receipt: noReceipt };
  if (transition === 'wait') throw api.client.fail('propagating', operation, 'another change of status is under way');
  const path = () => pathOf('api', 'v1', 'users', accountId, 'lifecycle', transition);
  const sendEmail = transition === 'activate' && api.config.sendActivationMail;
  const hasMail = transition === 'activate' || transition === 'deactivate';
  const params = () => (hasMail ? { sendEmail } : {});
  try {
    // The answer may hold an activation token: nothing of it is kept.
    const call = { operation, method: 'POST' as const, path, params, schema: z.unknown() };
    return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
  } catch (error) {
    if (!isConnectorError(error, 'precondition')) throw error;
    // Somebody else was faster, or the status changed in between: the next attempt decides on a new read.
    const now = oktaTransition(await mustRead(api, operation, accountId, ctx), state);
    if (now === 'none') return { outcome: 'unchanged', receipt: noReceipt };
    throw now === transition ? error : api.client.fail('propagating', operation, 'the status changed meanwhile');
  }
}

async function revokeSessions(api: OktaApi, accountId: string, ctx: CallContext) {
  const path = () => pathOf('api', 'v1', 'users', accountId, 'sessions');
  const params = () => ({ oauthTokens: true, forgetDevices: true });
  const call = { operation: 'revokeSessions', method: 'DELETE' as const, path, params, schema: z.unknown() };
  const { receipt } = await api.client.call(call, ctx);
  return { outcome: 'changed' as const, receipt, residualSeconds };
}

async function ensureMember(
  api: OktaApi,
  accountId: string,
  groupId: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const isMember = (await groupsOf(api, operation, accountId, ctx)).some(({ id }) => id === groupId);
  if (isMember === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  const path = () => pathOf('api', 'v1', 'groups', groupId, 'users', accountId);
  const method = state === 'present' ? 'PUT' : 'DELETE';
  const { receipt } = await api.client.call({ operation, method, path, schema: z.unknown() }, ctx);
  return { outcome: 'changed', receipt };
}

/** The groups of an account without those that Okta fills by itself, such as Everyone: nobody can leave them. */
async function groupsOf(api: OktaApi, operation: string, accountId: string, ctx: CallContext): Promise<Group[]> {
  const groups = await collectPages(
    (cursor) => listGroups(api, ['users', accountId, 'groups'], { operation, cursor }, ctx),
    {
      systemId: api.client.systemId,
      operation,
    },
  );
  return groups.filter(({ type }) => type !== 'BUILT_IN');
}

interface Listing {
  operation: string;
  cursor: string | null;
  query?: Record<string, string | number>;
}

function listUsers(api: OktaApi, listing: Listing, ctx: CallContext): Promise<Page<User>> {
  return listPage(api, ['users'], User, listing, ctx);
}

function listGroups(api: OktaApi, segments: string[], listing: Listing, ctx: CallContext): Promise<Page<Group>> {
  return listPage(api, segments, Group, listing, ctx);
}

async function listPage<T>(
  { client, config }: OktaApi,
  segments: string[],
  schema: z.ZodType<T>,
  { operation, cursor, query }: Listing,
  ctx: CallContext,
): Promise<Page<T>> {
  const path = () => pathOf('api', 'v1', ...segments);
  const params = () => ({ limit: pageMax, ...query, ...(cursor === null ? {} : { after: cursor }) });
  const { data, header } = await client.call({ operation, method: 'GET', path, params, schema: z.array(schema) }, ctx);
  const guard = { systemId: client.systemId, operation };
  return { items: data, nextCursor: nextLinkCursor(header('link'), 'after', config.url, guard) };
}

/** Okta answers a duplicate with 400 E0000001, and several refusals by status with 403. */
export function readOktaRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = OktaError.safeParse(body);
  if (!parsed.success) return null;
  const { errorCode: vendorCode, errorCauses } = parsed.data;
  const isDuplicate = (errorCauses ?? []).some(({ errorSummary }) => /already exists/i.test(errorSummary));
  if (status === 400 && vendorCode === 'E0000001' && isDuplicate) return { code: 'conflict', vendorCode };
  // E0000016: already active. E0000038: not allowed in the current status.
  if (vendorCode === 'E0000016' || vendorCode === 'E0000038') return { code: 'precondition', vendorCode };
  return { vendorCode };
}

/** A status that is not known here counts as a login that works: a leaver is then looked at, not passed over. */
function canLogIn({ status, transitioningToStatus }: User): boolean {
  const isComingUp = transitioningToStatus === 'ACTIVE' || transitioningToStatus === 'PROVISIONED';
  return isComingUp || !['STAGED', 'SUSPENDED', 'DEPROVISIONED'].includes(status);
}

function viewOf(user: User): AccountView {
  return {
    accountId: user.id,
    userName: user.profile.login,
    correlationKey: user.profile.employeeNumber ?? null,
    vendorStatus: user.status,
    canLogIn: canLogIn(user),
  };
}
