/** Accounts of a SCIM service: found by key, made, taken over, enabled and disabled, kept up to date. */
import type {
  AccountProfile,
  AccountView,
  CallContext,
  CorrelationKeys,
  EnsureAccountResult,
  FindAccountResult,
  WriteResult,
} from '../kit/contract.ts';
import { pathOf, scimEquals } from '../kit/escape.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import type { ProfileValues } from '../../schemas/owned-attribute.ts';
import { contentTypeOf, eachListPage, knownUser, listAll, readUser, type ScimApi } from './api.ts';
import { differences, profileChanges, resourceOf, User, userSchema } from './profile.ts';
import { namingOf, withBooleans, writeUser } from './write.ts';

/** By stored id, then by every key in `externalId`; whatever a filter lets through is compared here. */
export async function findAccount(api: ScimApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const known = keys.accountId === null ? null : await readUser(api, 'findAccount', keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const found = api.quirks.accountFind === 'scan' ? await scanFor(api, wanted, ctx) : await askFor(api, wanted, ctx);
  return uniqueAccount(found.map(viewOf));
}

async function askFor(api: ScimApi, wanted: ReadonlySet<string>, ctx: CallContext): Promise<User[]> {
  const found: User[] = [];
  for (const key of wanted) {
    const filter = () => scimEquals('externalId', key);
    const users = await listAll(api, { resource: 'Users', schema: User, filter, operation: 'findAccount' }, ctx);
    // A server that ignores the filter answers with everybody.
    found.push(...users.filter((user) => user.externalId === key));
  }
  return found;
}

async function scanFor(api: ScimApi, wanted: ReadonlySet<string>, ctx: CallContext): Promise<User[]> {
  const found: User[] = [];
  for await (const page of eachListPage(api, { resource: 'Users', schema: User, operation: 'findAccount' }, ctx)) {
    found.push(...page.filter(({ externalId }) => externalId != null && wanted.has(externalId)));
  }
  return found;
}

/** As the contract says; a duplicate is adopted only where one of the person's keys finds it. */
export function ensureAccount(
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
  const values = { ...resourceOf(profile), externalId: keys.personId, active: true };
  const body = { schemas: [userSchema], ...withBooleans(api.quirks, values) };
  const path = () => pathOf('Users');
  const contentType = contentTypeOf(api);
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
  const operation = 'ensureAccount';
  const isKnown = keys.accountId === accountId;
  const wasDisabled = !found.canLogIn;
  if (wasDisabled) await setLogin(api, accountId, 'enabled', ctx);
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('propagating', operation, 'the account is not readable yet');
  const values = user.externalId === keys.personId ? differences(user, profile) : {};
  const hasChanges = Object.keys(values).length > 0;
  const receipt = hasChanges ? await writeUser(api, { operation, accountId, values }, ctx) : noReceipt;
  const unchangedOrChanged = wasDisabled || hasChanges ? 'changed' : 'unchanged';
  return { outcome: isKnown ? unchangedOrChanged : 'adopted', account: viewOf(user), receipt };
}

/** Sets `active`; where it is so already nothing is sent. */
export async function setLogin(
  api: ScimApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const user = await knownUser(api, operation, accountId, ctx);
  const active = state === 'enabled';
  if (user.active === active) return { outcome: 'unchanged', receipt: noReceipt };
  try {
    return { outcome: 'changed', receipt: await writeUser(api, { operation, accountId, values: { active } }, ctx) };
  } catch (error) {
    // Some servers hide an account in the very call that disables it.
    if (state === 'disabled' && isConnectorError(error, 'notFound')) return { outcome: 'changed', receipt: noReceipt };
    throw error;
  }
}

/** Asserts the named values; one request, so that a refused login changes nothing. */
export async function updateProfile(
  api: ScimApi,
  accountId: string,
  wanted: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const user = await knownUser(api, operation, accountId, ctx);
  const values = profileChanges(user, wanted, namingOf(api.quirks));
  if (Object.keys(values).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  return { outcome: 'changed', receipt: await writeUser(api, { operation, accountId, values }, ctx) };
}

export function viewOf(user: User): AccountView {
  const canLogIn = user.active !== false;
  return {
    accountId: user.id,
    userName: user.userName,
    correlationKey: user.externalId ?? null,
    vendorStatus: canLogIn ? 'active' : 'inactive',
    canLogIn,
  };
}
