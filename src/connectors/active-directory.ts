/**
 * Active Directory over LDAPS. An account's id is its objectGUID. Its key is `employeeNumber` unless configured otherwise:
 * personId for accounts that Usher made, else an HRIS key, which may also stand in `employeeID`; Usher never changes it.
 * (`employeeID` holds 16 characters, too few for personId.) Disabling keeps every other flag of the account.
 */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../schemas/owned-attribute.ts';
import { type AdApi, findUsers, isUser, mustBeUser, mustRead, readUser } from './active-directory/api.ts';
import { checkDirectory } from './active-directory/check.ts';
import { ensureMember, listGroups, listGroupsOf } from './active-directory/groups.ts';
import { listObjects } from './active-directory/lists.ts';
import { randomPassword, unicodePwd } from './active-directory/password.ts';
import { assertProfile, readProfile } from './active-directory/profile.ts';
import {
  type AdUser,
  asStored,
  fileTimeMs,
  fileTimeOf,
  isExpired,
  isSwitchedOff,
  newAccountControl,
  ownedValues,
  principalName,
  samAccountName,
  userAttributes,
  viewOf,
  withLogin,
} from './active-directory/user.ts';
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
import { childDn } from './kit/ldap/dn.ts';
import { allOf, anyOf, atLeast, equals, isPresent } from './kit/ldap/filters.ts';
import { createLdapClient, type LdapChange, type LdapConnection } from './kit/ldap/ldap-client.ts';
import { ldapAttributeName, ldapFields } from './kit/ldap/ldap-config.ts';
import { textOf } from './kit/ldap/ldap-entry.ts';
import { isRefusal, ldapCode } from './kit/ldap/ldap-errors.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';

export const ActiveDirectoryConfig = z.strictObject({
  ...ldapFields,
  matchAttributes: z
    .array(ldapAttributeName)
    .max(5)
    .default(['employeeID'])
    .describe('Further attributes in which accounts that exist already carry the key of the HR system.'),
  accountsFrom: z
    .enum(['usher', 'master'])
    .default('usher')
    .describe(
      '`master` where another identity provider (Okta’s agent, provisioning from Entra) makes the accounts here.',
    ),
});
export type ActiveDirectoryConfig = z.infer<typeof ActiveDirectoryConfig>;

/** Kerberos tickets live for 10 hours unless the domain policy says otherwise, and open LDAP connections may as well. */
const residualSeconds = 36_000;
/** Agents that bring accounts run every few minutes up to every half hour. */
const masterRetryAfterMs = 300_000;

export const activeDirectory = defineConnector<'target', ActiveDirectoryConfig>({
  manifest: {
    id: 'active-directory',
    displayName: 'Active Directory',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'refreshOnly',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 1000,
      profileUpdates: OwnedAttribute.options,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 1, delayMs: 1000, windowMs: 15_000 },
    ratePolicy: { callsPerMinute: 3000 },
    scopes: [
      'Create user objects, in the account OU',
      'Write userAccountControl, accountExpires, userPrincipalName, names and the key attribute of users',
      'Reset password of users',
      'Write member of the groups that Usher manages',
    ],
    provedOn: ['realServer'],
  },
  configSchema: ActiveDirectoryConfig,
  secretFields: ['password'],
  create: createActiveDirectory,
});

function createActiveDirectory(runtime: ConnectorRuntime<ActiveDirectoryConfig>): TargetConnector {
  const { config } = runtime;
  const api: AdApi = {
    client: createLdapClient(runtime, config),
    keys: { own: config.keyAttribute, matched: config.matchAttributes },
    baseDn: config.baseDn,
    accountBaseDn: config.accountBaseDn,
    groupBaseDn: config.groupBaseDn ?? config.baseDn,
    pageMax: config.pageMax,
    isMastered: config.accountsFrom === 'master',
  };
  return {
    check: (ctx) => checkDirectory(api, new URL(config.url).hostname, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const read = await readUser(api, 'getAccount', accountId, ctx);
      return read === null ? null : viewOf(read.user, read.nowMs);
    },
    ensureAccount: (keys, profile, ctx) =>
      ensureByKeys(api.client, {
        find: () => findAccount(api, keys, ctx),
        findDuplicate: () => findAccount(api, keys, ctx),
        create: () => create(api, keys, profile, ctx),
        takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
      }),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: (accountId, ctx) => revokeSessions(api, accountId, ctx),
    listAccountEntitlements: (accountId, ctx) => listGroupsOf(api, accountId, ctx),
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureMember(api, { accountId, groupId, state }, ctx),
    listEntitlements: (cursor, ctx) => listGroups(api, cursor, ctx),
    readProfile: (accountId, ctx) => readProfile(api, accountId, ctx),
    updateProfile: (accountId, values, ctx) => updateProfile(api, accountId, values, ctx),
    profileAsStored: asStored,
    async listAccounts(cursor, ctx) {
      const listing = { operation: 'listAccounts', cursor, filter: isUser, attributes: userAttributes(api.keys) };
      const { items, nextCursor, nowMs } = await listObjects(api, { ...listing, base: api.baseDn }, ctx);
      return { items: items.map((entry) => viewOf(mustBeUser(api, 'listAccounts', entry), nowMs)), nextCursor };
    },
    listUsage: (since, cursor, ctx) => listUsage(api, { since, cursor }, ctx),
  };
}

/** By stored id; else by every key of the person, in one search of the whole base, compared again letter by letter. */
async function findAccount(api: AdApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const known = keys.accountId === null ? null : await readUser(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known.user, known.nowMs) };
  const wanted = [keys.personId, ...keys.sourceKeys].filter((key) => key !== '' && key.isWellFormed());
  const places = [api.keys.own, ...api.keys.matched];
  const filter = anyOf(...places.flatMap((attribute) => wanted.map((key) => equals(attribute, key))));
  const { users, nowMs } = await findUsers(api, operation, filter, ctx);
  // The directory compares without case; a key in a place behind another key does not count.
  const own = users.filter(({ correlationKey }) => correlationKey !== null && wanted.includes(correlationKey));
  return uniqueAccount(own.map((user) => viewOf(user, nowMs)));
}

/**
 * Switched off first, then a password, then switched on: a crash in between leaves an account that nobody can use and
 * that the next attempt finds by its key.
 */
async function create(
  api: AdApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const { client } = api;
  if (api.isMastered) {
    throw client.fail('propagating', operation, 'its master has not brought the account yet', masterRetryAfterMs);
  }
  const sam = samAccountName(profile.userName, keys.personId);
  const upn = principalName(profile.userName, api.baseDn);
  const isTaken = anyOf(equals('sAMAccountName', sam), equals('userPrincipalName', upn));
  if ((await findUsers(api, operation, isTaken, ctx)).users.length > 0) throw nameTaken(api, operation);
  const dn = childDn('CN', sam, api.accountBaseDn);
  const attributes = {
    objectClass: ['user'],
    sAMAccountName: [sam],
    userPrincipalName: [upn],
    userAccountControl: [String(newAccountControl)],
    [api.keys.own]: [keys.personId],
    ...(profile.email === '' ? {} : { mail: [profile.email] }),
    ...namesOf(profile),
  };
  try {
    await client.write(operation, 'add', (connection) => connection.add(dn, attributes), ctx);
  } catch (error) {
    // 000021C8: another account of the forest has the userPrincipalName.
    const isDuplicate =
      isRefusal(error, ldapCode.constraintViolation) && /\/000021C[78]/.test(error.detail.vendorCode ?? '');
    throw isDuplicate ? nameTaken(api, operation) : error;
  }
  const { users } = await findUsers(api, operation, equals('sAMAccountName', sam), ctx);
  const made = users.find(({ correlationKey }) => correlationKey === keys.personId);
  if (made === undefined) throw client.fail('propagating', operation, 'the account is not readable yet');
  await switchOn(api, operation, made, { isExpired: false }, ctx);
  const { user, nowMs } = await mustRead(api, operation, made.accountId, ctx);
  return { outcome: 'created', account: viewOf(user, nowMs), receipt: noReceipt };
}

const nameTaken = (api: AdApi, operation: string) =>
  api.client.fail('conflict', operation, 'another account has this login name');

function namesOf(profile: AccountProfile): Record<string, string[]> {
  const stored = asStored(ownedValues(profile));
  const named = { displayName: stored.displayName, givenName: stored.givenName, sn: stored.familyName };
  const all = { ...named, title: stored.title, department: stored.department };
  const given = Object.entries(all).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(given.map(([name, value]) => [name, [value ?? '']]));
}

/** Enables what was found and, where Usher made the account, mends the attributes that it owns. */
async function takeOver(
  api: AdApi,
  { accountId }: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const login = await setLogin(api, accountId, 'enabled', ctx);
  const { user } = await mustRead(api, operation, accountId, ctx);
  const isOwn = user.correlationKey === keys.personId && !api.isMastered;
  const mended = isOwn ? await assertProfile(api, operation, { user, values: ownedValues(profile) }, ctx) : 'unchanged';
  const read = await mustRead(api, operation, accountId, ctx);
  const outcome = mended === 'changed' || login.outcome === 'changed' ? 'changed' : 'unchanged';
  const account = viewOf(read.user, read.nowMs);
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account, receipt: noReceipt };
}

async function updateProfile(
  api: AdApi,
  accountId: string,
  values: ProfileValues,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'updateProfile';
  if (api.isMastered) throw api.client.fail('precondition', operation, 'its master overwrites the attributes');
  const { user } = await mustRead(api, operation, accountId, ctx);
  return { outcome: await assertProfile(api, operation, { user, values }, ctx), receipt: noReceipt };
}

async function setLogin(
  api: AdApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const { user, nowMs } = await mustRead(api, operation, accountId, ctx);
  const hasEnded = isExpired(user, nowMs);
  if (state === 'enabled') {
    if (!isSwitchedOff(user.control) && !hasEnded) return { outcome: 'unchanged', receipt: noReceipt };
    await switchOn(api, operation, user, { isExpired: hasEnded }, ctx);
    return { outcome: 'changed', receipt: noReceipt };
  }
  if (isSwitchedOff(user.control)) return { outcome: 'unchanged', receipt: noReceipt };
  await modify(api, operation, user, [controlChange(user, 'disabled')], ctx);
  return { outcome: 'changed', receipt: noReceipt };
}

/** A password first where there is none; an end date that is over goes, or the login would stay shut. */
async function switchOn(
  api: AdApi,
  operation: string,
  user: AdUser,
  { isExpired }: { isExpired: boolean },
  ctx: CallContext,
): Promise<void> {
  if (isSwitchedOff(user.control) && !user.hasPassword) await modify(api, operation, user, [newPassword()], ctx);
  const expiry: LdapChange = { operation: 'replace', attribute: 'accountExpires', values: ['0'] };
  const changes = isSwitchedOff(user.control) ? controlChange(user, 'enabled') : [];
  await modify(api, operation, user, [[...changes, ...(isExpired ? [expiry] : [])]], ctx);
}

/** Deleting the old number and adding the new one in one change fails where somebody else was faster. */
function controlChange({ control }: AdUser, state: 'enabled' | 'disabled'): LdapChange[] {
  const attribute = 'userAccountControl';
  return [
    { operation: 'delete', attribute, values: [String(control)] },
    { operation: 'add', attribute, values: [String(withLogin(control, state))] },
  ];
}

const newPassword = (): LdapChange[] => [
  { operation: 'replace', attribute: 'unicodePwd', values: [unicodePwd(randomPassword())] },
];

/** One change after the other, on one connection. */
async function modify(
  api: AdApi,
  operation: string,
  user: AdUser,
  steps: LdapChange[][],
  ctx: CallContext,
): Promise<void> {
  const work = async (connection: LdapConnection): Promise<void> => {
    for (const changes of steps) await connection.modify(user.dn, changes);
  };
  try {
    await api.client.write(operation, 'modify', work, ctx);
  } catch (error) {
    // Renamed, moved or changed since it was read: the next attempt decides on a new read.
    if (!isRefusal(error, ldapCode.noSuchAttribute, ldapCode.noSuchObject)) throw error;
    throw api.client.fail('propagating', operation, 'the account changed meanwhile');
  }
}

/**
 * Ends what a remembered password opens. Twice, because for an hour domain controllers still take the password before the
 * present one. Tickets and connections that are open live on: nothing in LDAP ends them.
 */
async function revokeSessions(api: AdApi, accountId: string, ctx: CallContext) {
  const operation = 'revokeSessions';
  const { user } = await mustRead(api, operation, accountId, ctx);
  await modify(api, operation, user, [newPassword(), newPassword()], ctx);
  return { outcome: 'changed' as const, receipt: noReceipt, residualSeconds };
}

/** `lastLogonTimestamp` reaches all domain controllers, but is renewed only when it is 9 to 14 days old. Absent: unknown. */
async function listUsage(
  api: AdApi,
  { since, cursor }: { since: string | null; cursor: string | null },
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const operation = 'listUsage';
  const attribute = 'lastLogonTimestamp';
  const from = since === null ? isPresent(attribute) : atLeast(attribute, fileTimeOf(Date.parse(since)));
  const attributes = [...userAttributes(api.keys), attribute];
  const listing = { operation, cursor, base: api.baseDn, filter: allOf(isUser, from), attributes };
  const { items, nextCursor } = await listObjects(api, listing, ctx);
  const rows = items.map((entry): UsageView | null => {
    const usedAtMs = fileTimeMs(textOf(entry, attribute) ?? '0');
    if (usedAtMs === null || usedAtMs <= 0) return null;
    const { accountId } = mustBeUser(api, operation, entry);
    return { accountId, vendorEntitlementId: null, lastUsedAt: new Date(usedAtMs).toISOString() };
  });
  return { items: rows.filter((row) => row !== null), nextCursor };
}
