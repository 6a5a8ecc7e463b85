/** Accounts of Google Workspace: found by keys, made once, suspended and brought back, mended where Usher owns them. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ProfileValues } from '../../schemas/owned-attribute.ts';
import type {
  AccountProfile,
  AccountProfileView,
  AccountView,
  CallContext,
  CorrelationKeys,
  EnsureAccountResult,
  FindAccountResult,
  VendorReceipt,
  WriteResult,
} from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { directoryEquals } from '../kit/escape.ts';
import { collectPages, eachPage } from '../kit/paging.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { directoryPath, type GoogleApi, listUsers, mustRead, readUser, readUserBy } from './directory.ts';
import {
  changesOf,
  differences,
  GoogleUser,
  keyOf,
  managerOf,
  newAccountOf,
  profileViewOf,
  viewOf,
} from './profile.ts';
import { settlingRetryMs } from './refusals.ts';

/**
 * By stored id; else by the search, whose hits are read again by id; else, because the search may lag behind, by reading
 * every account. The last is what keeps a second account from being made after a lost answer.
 */
export async function findAccount(api: GoogleApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const guard = { systemId: api.client.systemId, operation };
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known) };
  const wanted = new Set([keys.personId, ...keys.sourceKeys]);
  const isWanted = (user: GoogleUser | null): user is GoogleUser => user !== null && wanted.has(keyOf(user) ?? '');
  const ids = new Set<string>();
  for (const key of wanted) {
    const search = () => directoryEquals('externalId', key);
    const hits = await collectPages((cursor) => listUsers(api, { operation, cursor, search }, ctx), guard);
    for (const { id } of hits) ids.add(id);
  }
  const fresh: GoogleUser[] = [];
  for (const id of ids) {
    const user = await readUser(api, operation, id, ctx);
    if (isWanted(user)) fresh.push(user);
  }
  if (fresh.length === 0) {
    const pages = eachPage((cursor) => listUsers(api, { operation, cursor }, ctx), guard);
    for await (const page of pages) fresh.push(...page.filter(isWanted));
  }
  return uniqueAccount(fresh.map(viewOf));
}

export function ensureAccount(
  api: GoogleApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  return ensureByKeys(api.client, {
    find: () => findAccount(api, keys, ctx),
    findDuplicate: () => findByAddress(api, profile.userName, keys, ctx),
    create: () => create(api, keys, profile, ctx),
    takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
  });
}

async function create(
  api: GoogleApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { client, config } = api;
  // Nobody knows this password: the person begins with single sign-on or a reset.
  const password = randomBytes(30).toString('base64url');
  const { orgUnitPath } = config;
  const account = newAccountOf(profile, keys.personId);
  const body = { ...account, orgUnitPath, password, changePasswordAtNextLogin: true };
  const path = () => directoryPath('users');
  try {
    const { data, receipt } = await client.call({ operation, method: 'POST', path, body, schema: GoogleUser }, ctx);
    return { outcome: 'created', account: viewOf(data), receipt };
  } catch (error) {
    // Nothing that a POST names can be gone but the domain or the organisational unit.
    if (!isConnectorError(error, 'notFound')) throw error;
    throw client.fail('validation', operation, 'the domain or the organisational unit does not exist');
  }
}

/** The account that has the address, be it as an alias, only if its key is one of the person's. */
async function findByAddress(
  api: GoogleApi,
  address: string,
  keys: CorrelationKeys,
  ctx: CallContext,
): Promise<FindAccountResult> {
  const user = await readUserBy(api, 'ensureAccount', address, ctx);
  const wanted = [keys.personId, ...keys.sourceKeys];
  if (user === null || !wanted.includes(keyOf(user) ?? '')) return { outcome: 'none' };
  return { outcome: 'found', account: viewOf(user) };
}

/** Enables what was found and, where Usher made the account, mends the attributes that it owns. */
async function takeOver(
  api: GoogleApi,
  found: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { accountId } = found;
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw settling(api, operation, 'the account is not readable yet');
  const body = {
    ...(keyOf(user) === keys.personId ? differences(user, profile) : {}),
    ...loginChanges(user, 'enabled'),
  };
  const hasChanges = Object.keys(body).length > 0;
  const receipt = hasChanges ? await patch(api, operation, accountId, body, ctx) : noReceipt;
  const outcome = hasChanges ? 'changed' : 'unchanged';
  const account = viewOf({ ...user, suspended: false, archived: false });
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account, receipt };
}

/** Archived accounts cannot log in either; bringing one back takes a full licence. */
function loginChanges(user: GoogleUser, state: 'enabled' | 'disabled'): Record<string, boolean> {
  const { vendorStatus } = viewOf(user);
  if (state === 'disabled') return vendorStatus === 'active' ? { suspended: true } : {};
  return {
    ...(user.suspended === true ? { suspended: false } : {}),
    ...(user.archived === true ? { archived: false } : {}),
  };
}

export async function setLogin(
  api: GoogleApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const changes = loginChanges(await mustRead(api, operation, accountId, ctx), state);
  if (Object.keys(changes).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  return { outcome: 'changed', receipt: await patch(api, operation, accountId, changes, ctx) };
}

export async function readProfile(
  api: GoogleApi,
  accountId: string,
  ctx: CallContext,
): Promise<AccountProfileView | null> {
  const user = await readUser(api, 'readProfile', accountId, ctx);
  if (user === null) return null;
  const manager = managerOf(user);
  const managerAccount = manager === null ? null : await readUserBy(api, 'readProfile', manager, ctx);
  return profileViewOf(user, managerAccount?.id ?? null);
}

export async function updateProfile(
  api: GoogleApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const user = await mustRead(api, operation, accountId, ctx);
  const managerEmail = values.manager === undefined ? null : await addressOf(api, values.manager, ctx);
  const body = changesOf(user, values, managerEmail);
  if (Object.keys(body).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  try {
    return { outcome: 'changed', receipt: await patch(api, operation, accountId, body, ctx) };
  } catch (error) {
    // For a minute after a change of address Google answers every change with 409.
    if (isConnectorError(error, 'conflict') && !('primaryEmail' in body)) {
      throw settling(api, operation, 'an earlier change of the account has not settled yet');
    }
    throw error;
  }
}

async function addressOf(api: GoogleApi, managerId: string, ctx: CallContext): Promise<string> {
  const manager = await readUser(api, 'updateProfile', managerId, ctx);
  if (manager === null) throw api.client.fail('precondition', 'updateProfile', 'the manager has no account here');
  return manager.primaryEmail;
}

async function patch(
  api: GoogleApi,
  operation: string,
  accountId: string,
  body: Record<string, unknown>,
  ctx: CallContext,
): Promise<VendorReceipt> {
  const path = () => directoryPath('users', accountId);
  const { receipt } = await api.client.call({ operation, method: 'PATCH', path, body, schema: z.unknown() }, ctx);
  return receipt;
}

/** What Google was told has not reached all of its parts yet. */
export function settling({ client }: GoogleApi, operation: string, message: string): ConnectorError {
  return new ConnectorError('propagating', message, {
    systemId: client.systemId,
    operation,
    retryAfterMs: settlingRetryMs,
  });
}
