/** Accounts of Entra: found by keys, made once, switched on and off, mended where Usher owns them. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ProfileValues } from '../../schemas/owned-attribute.ts';
import type {
  AccountProfile,
  AccountView,
  CallContext,
  CorrelationKeys,
  EnsureAccountResult,
  FindAccountResult,
  VendorReceipt,
  WriteResult,
} from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { odataEquals, pathOf } from '../kit/escape.ts';
import { collectPages, eachPage } from '../kit/paging.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { slotOf } from './config.ts';
import { type EntraApi, graphVersion, isObjectId, listPage, mustRead, pageMax, readUser } from './graph.ts';
import {
  attributesOf,
  differences,
  employeeIdMaxLength,
  GraphUser,
  keyOf,
  listFields,
  nicknameOf,
  profileChanges,
  userFields,
  viewOf,
} from './profile.ts';
import { duplicateOf, replicaRetryMs } from './refusals.ts';

/** Without continuous access evaluation, an access token lives for 60 to 90 minutes whatever is revoked. */
export const residualSeconds = 5400;
/** Graph takes no more than 15 terms in one filter. */
const maxTerms = 12;

/**
 * By stored id; else by the index, whose hits are read again by id; else, because the index may lag behind, by reading
 * every account. The last is what keeps a second account from being made after a lost answer.
 */
export async function findAccount(api: EntraApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const slot = slotOf(api.config);
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known, slot) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const isWanted = (user: GraphUser): boolean => wanted.has(keyOf(user, slot) ?? '');
  const hits = new Set<string>();
  for (const filter of filtersOf(api, keys)) for (const id of await findByIndex(api, filter, ctx)) hits.add(id);
  const fresh: GraphUser[] = [];
  for (const id of hits) {
    const user = await readUser(api, operation, id, ctx);
    if (user !== null && isWanted(user)) fresh.push(user);
  }
  if (fresh.length === 0) {
    const fetchPage = (cursor: string | null) => listUsers(api, operation, cursor, ctx);
    const pages = eachPage(fetchPage, { systemId: api.client.systemId, operation });
    for await (const page of pages) fresh.push(...page.filter(isWanted));
  }
  return uniqueAccount(fresh.map((user) => viewOf(user, slot)));
}

function filtersOf({ config }: EntraApi, { personId, sourceKeys }: CorrelationKeys): (() => string)[] {
  const terms = [
    () => odataEquals(`onPremisesExtensionAttributes/${slotOf(config)}`, personId),
    ...[...new Set(sourceKeys)]
      .filter((key) => key !== '' && key.length <= employeeIdMaxLength)
      .map((key) => () => odataEquals('employeeId', key)),
  ];
  const chunks = Array.from({ length: Math.ceil(terms.length / maxTerms) }, (_, index) =>
    terms.slice(index * maxTerms, (index + 1) * maxTerms),
  );
  return chunks.map((chunk) => () => chunk.map((term) => term()).join(' or '));
}

/** Filters on these properties need the index (`ConsistencyLevel: eventual` with `$count`). */
function findByIndex(api: EntraApi, filter: () => string, ctx: CallContext): Promise<string[]> {
  const operation = 'findAccount';
  const query = () => ({ $filter: filter(), $count: true, $select: 'id', $top: pageMax });
  const headers = { ConsistencyLevel: 'eventual' };
  const schema = z.object({ id: z.string() }).transform(({ id }) => id);
  return collectPages(
    (cursor) => listPage(api, { operation, segments: ['users'], schema, cursor, query, headers }, ctx),
    { systemId: api.client.systemId, operation },
  );
}

export function listUsers(api: EntraApi, operation: string, cursor: string | null, ctx: CallContext, top = pageMax) {
  const query = () => ({ $select: listFields, $top: top });
  return listPage(api, { operation, segments: ['users'], schema: GraphUser, cursor, query }, ctx);
}

export function ensureAccount(
  api: EntraApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  let isTaken = false;
  return ensureByKeys(api.client, {
    find: () => findAccount(api, keys, ctx),
    findDuplicate: () => findByName(api, { userName: profile.userName, keys, isTaken }, ctx),
    create: async () => {
      try {
        return await create(api, keys, profile, ctx);
      } catch (error) {
        isTaken = isNameTaken(error);
        throw error;
      }
    },
    takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
  });
}

/** One call makes the account with its key; the answer shows few properties, so that the rest is what was sent. */
async function create(
  api: EntraApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const slot = slotOf(api.config);
  const sent = {
    ...attributesOf(profile),
    accountEnabled: true,
    userPrincipalName: profile.userName,
    mail: profile.email,
    mailNickname: nicknameOf(profile.userName, keys.personId),
    onPremisesExtensionAttributes: { [slot]: keys.personId },
  };
  // Nobody knows this password: the person begins with a temporary access pass or a reset.
  const passwordProfile = {
    password: `${randomBytes(24).toString('base64url')}aA1!`,
    forceChangePasswordNextSignIn: true,
  };
  const path = () => pathOf(graphVersion, 'users');
  const schema = z.object({ id: z.string().min(1) });
  const body = { ...sent, passwordProfile };
  const { data, receipt } = await api.client.call(
    { operation: 'ensureAccount', method: 'POST', path, body, schema },
    ctx,
  );
  return { outcome: 'created', account: viewOf({ ...sent, id: data.id }, slot), receipt };
}

/**
 * The account with that name, only if its key is one of the person's. Graph names the property that is taken: where it is
 * the name and no account shows it, a replica does not know yet what another one refused (a deleted account gives its
 * name back at once).
 */
async function findByName(
  api: EntraApi,
  { userName, keys, isTaken }: { userName: string; keys: CorrelationKeys; isTaken: boolean },
  ctx: CallContext,
): Promise<FindAccountResult> {
  const operation = 'ensureAccount';
  const slot = slotOf(api.config);
  const path = () => pathOf(graphVersion, 'users', userName);
  const params = () => ({ $select: userFields });
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, params, schema: GraphUser }, ctx);
  if (reply === null && isTaken)
    throw propagating(api, operation, 'a name is taken by an account that does not show yet');
  const wanted = [keys.personId, ...keys.sourceKeys];
  if (reply === null || !wanted.includes(keyOf(reply.data, slot) ?? '')) return { outcome: 'none' };
  return { outcome: 'found', account: viewOf(reply.data, slot) };
}

/** Enables what was found and, where Usher made the account, mends the attributes that it owns. */
async function takeOver(
  api: EntraApi,
  found: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { accountId } = found;
  const slot = slotOf(api.config);
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw propagating(api, operation, 'the account is not readable yet');
  const changes = keyOf(user, slot) === keys.personId ? differences(user, profile) : {};
  const wasDisabled = user.accountEnabled === false;
  const body = { ...changes, ...(wasDisabled ? { accountEnabled: true } : {}) };
  const hasChanges = Object.keys(body).length > 0;
  const receipt = hasChanges ? await patch(api, operation, user, body, ctx) : noReceipt;
  const outcome = hasChanges ? 'changed' : 'unchanged';
  const account = viewOf({ ...user, accountEnabled: true }, slot);
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account, receipt };
}

export async function setLogin(
  api: EntraApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const user = await mustRead(api, operation, accountId, ctx);
  const accountEnabled = state === 'enabled';
  if ((user.accountEnabled !== false) === accountEnabled) return { outcome: 'unchanged', receipt: noReceipt };
  return { outcome: 'changed', receipt: await patch(api, operation, user, { accountEnabled }, ctx) };
}

/** Ends refresh tokens and browser sessions. Those of a guest belong to the guest's own directory: Graph's call does nothing. */
export async function revokeSessions(
  api: EntraApi,
  accountId: string,
  ctx: CallContext,
): Promise<WriteResult & { residualSeconds: number }> {
  const operation = 'revokeSessions';
  const user = await mustRead(api, operation, accountId, ctx);
  if (user.userType === 'Guest') return { outcome: 'unchanged', receipt: noReceipt, residualSeconds };
  const path = () => pathOf(graphVersion, 'users', accountId, 'revokeSignInSessions');
  const { receipt } = await api.client.call({ operation, method: 'POST', path, schema: z.unknown() }, ctx);
  return { outcome: 'changed', receipt, residualSeconds };
}

export async function updateProfile(
  api: EntraApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const user = await mustRead(api, operation, accountId, ctx, { $expand: 'manager' });
  const { properties, manager } = profileChanges(user, values);
  let receipt: VendorReceipt = noReceipt;
  const hasProperties = Object.keys(properties).length > 0;
  if (!hasProperties && manager === null) return { outcome: 'unchanged', receipt };
  if (hasProperties) receipt = await patch(api, operation, user, properties, ctx);
  if (manager !== null) receipt = await setManager(api, user, manager, ctx);
  return { outcome: 'changed', receipt };
}

async function setManager(api: EntraApi, user: GraphUser, manager: string, ctx: CallContext): Promise<VendorReceipt> {
  const operation = 'updateProfile';
  assertCloudMastered(api, operation, user);
  const refused = () => api.client.fail('precondition', operation, 'the manager has no account here');
  if (!isObjectId(manager)) throw refused();
  const path = () => `${pathOf(graphVersion, 'users', user.id, 'manager')}/$ref`;
  const body = { '@odata.id': `${new URL(api.config.url).origin}/${pathOf(graphVersion, 'users', manager)}` };
  try {
    return (await api.client.call({ operation, method: 'PUT', path, body, schema: z.unknown() }, ctx)).receipt;
  } catch (error) {
    throw isConnectorError(error, 'notFound') ? refused() : error;
  }
}

/** A partial update of an account that was just read. */
async function patch(
  api: EntraApi,
  operation: string,
  user: GraphUser,
  body: Record<string, unknown>,
  ctx: CallContext,
): Promise<VendorReceipt> {
  assertCloudMastered(api, operation, user);
  const path = () => pathOf(graphVersion, 'users', user.id);
  try {
    return (await api.client.call({ operation, method: 'PATCH', path, body, schema: z.unknown() }, ctx)).receipt;
  } catch (error) {
    if (isConnectorError(error, 'notFound'))
      throw propagating(api, operation, 'a replica does not know the account yet');
    throw error;
  }
}

/** Graph refuses writes to what a directory on premises masters; the policy names that system as `masteredBy`. */
function assertCloudMastered({ client }: EntraApi, operation: string, user: GraphUser): void {
  if (user.onPremisesSyncEnabled !== true) return;
  throw client.fail(
    'precondition',
    operation,
    'the account is synchronised from a directory on premises: change it there',
  );
}

export function propagating({ client }: EntraApi, operation: string, message: string): ConnectorError {
  const detail = { systemId: client.systemId, operation, retryAfterMs: replicaRetryMs };
  return new ConnectorError('propagating', message, detail);
}

/** The vendor's refusal of a name that is taken. */
function isNameTaken(error: unknown): boolean {
  return isConnectorError(error, 'conflict') && error.detail.vendorCode === duplicateOf('userPrincipalName');
}
