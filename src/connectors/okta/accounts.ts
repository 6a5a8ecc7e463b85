/** Making an account, taking one over, and changing its attributes. */
import { z } from 'zod';
import type { ProfileValues } from '../../schemas/owned-attribute.ts';
import type {
  AccountProfile,
  AccountView,
  CallContext,
  CorrelationKeys,
  EnsureAccountResult,
  VendorReceipt,
  WriteResult,
} from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { ensureByKeys, noReceipt } from '../kit/target-steps.ts';
import { mustRead, type OktaApi, viewOf } from './api.ts';
import { findAccount, findByLogin } from './find-account.ts';
import { setLogin } from './logins.ts';
import { attributesOf, differences, profileChanges, User } from './profile.ts';

export function ensureAccount(
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
  const receipt = hasChanges ? await writeProfile(api, operation, accountId, changes, ctx) : login.receipt;
  const outcome = hasChanges || login.outcome === 'changed' ? 'changed' : 'unchanged';
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account: viewOf(user), receipt };
}

export async function updateProfile(
  api: OktaApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  const changes = profileChanges(await mustRead(api, operation, accountId, ctx), values);
  if (Object.keys(changes).length === 0) return { outcome: 'unchanged', receipt: noReceipt };
  return { outcome: 'changed', receipt: await writeProfile(api, operation, accountId, changes, ctx) };
}

/** A partial update: POST changes only the properties that it names. */
async function writeProfile(
  api: OktaApi,
  operation: string,
  accountId: string,
  profile: Record<string, string>,
  ctx: CallContext,
): Promise<VendorReceipt> {
  const path = () => pathOf('api', 'v1', 'users', accountId);
  const call = { operation, method: 'POST' as const, path, body: { profile }, schema: z.unknown() };
  return (await api.client.call(call, ctx)).receipt;
}
