/**
 * OpenLDAP over LDAPS: people are inetOrgPerson, a login is switched off by the lock of the password policy. An account's
 * id is its entryUUID. Its key is `employeeNumber` unless configured otherwise: personId for accounts that Usher made, in
 * their distinguished name too, so that the server itself refuses a second account of one person; else an HRIS key.
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
  type UsageView,
  type WriteResult,
} from './kit/contract.ts';
import { childDn } from './kit/ldap/dn.ts';
import { allOf, anyOf, equals, isPresent, not } from './kit/ldap/filters.ts';
import { createLdapClient, type LdapChange } from './kit/ldap/ldap-client.ts';
import { ldapDn, ldapFields } from './kit/ldap/ldap-config.ts';
import { generalizedTimeMs } from './kit/ldap/ldap-time.ts';
import { textOf } from './kit/ldap/ldap-entry.ts';
import { isRefusal, ldapCode } from './kit/ldap/ldap-errors.ts';
import { ensureByKeys, noReceipt, uniqueAccount } from './kit/target-steps.ts';
import {
  findPeople,
  isLockoutOn,
  isPerson,
  listObjects,
  mustBePerson,
  mustRead,
  type OpenLdapApi,
  readPerson,
  withEffect,
} from './openldap/api.ts';
import { checkDirectory } from './openldap/check.ts';
import { ensureMember, listGroups, listGroupsOf } from './openldap/groups.ts';
import {
  asStored,
  changedAttributes,
  hasLock,
  type LdapPerson,
  lockedForGood,
  newEntry,
  ownedValues,
  personAttributes,
  profileViewOf,
  viewOf,
} from './openldap/person.ts';

export const OpenLdapConfig = z.strictObject({
  ...ldapFields,
  defaultPolicyDn: ldapDn.describe(
    'The default password policy (ppolicy_default or olcPPolicyDefault). It must say pwdLockout: TRUE.',
  ),
  groupClass: z
    .enum(['groupOfNames', 'groupOfUniqueNames'])
    .default('groupOfNames')
    .describe('Object class of the groups.'),
  placeholderDn: ldapDn
    .optional()
    .describe('Entry that stays in a group when its last member leaves. Default: the account that Usher uses.'),
});
export type OpenLdapConfig = z.infer<typeof OpenLdapConfig>;

/** slapd closes no connection of its own accord; clients rarely hold one for longer than a day. */
const residualSeconds = 86_400;

export const openldap = defineConnector<'target', OpenLdapConfig>({
  manifest: {
    id: 'openldap',
    displayName: 'OpenLDAP',
    kind: 'target',
    capabilities: {
      suspend: 'reversible',
      sessionRevocation: 'none',
      residualSessionSeconds: residualSeconds,
      entitlements: true,
      listHidesDisabled: false,
      pageMax: 1000,
      profileUpdates: OwnedAttribute.options,
      usage: 'account',
      workEmailWriteBack: false,
    },
    consistency: { reads: 1, delayMs: 500, windowMs: 10_000 },
    ratePolicy: { callsPerMinute: 6000 },
    scopes: [
      'Read entries with their operational attributes, and the password policy',
      'Add and change entries below the account base, pwdAccountLockedTime included',
      'Change member of groups',
    ],
    provedOn: ['realServer'],
  },
  configSchema: OpenLdapConfig,
  secretFields: ['password'],
  create: createOpenLdap,
});

function createOpenLdap(runtime: ConnectorRuntime<OpenLdapConfig>): TargetConnector {
  const { config } = runtime;
  const { keyAttribute, baseDn, accountBaseDn, groupClass, defaultPolicyDn, pageMax } = config;
  const api: OpenLdapApi = {
    client: createLdapClient(runtime, config),
    ...{ keyAttribute, baseDn, accountBaseDn, groupClass, defaultPolicyDn, pageMax },
    groupBaseDn: config.groupBaseDn ?? baseDn,
    placeholderDn: config.placeholderDn ?? config.bindDn,
  };
  return {
    check: (ctx) => checkDirectory(api, ctx),
    findAccount: (keys, ctx) => findAccount(api, keys, ctx),
    async getAccount(accountId, ctx) {
      const read = await readPerson(api, 'getAccount', accountId, ctx);
      return read === null ? null : viewOf(read.person, read.isLockEffective);
    },
    ensureAccount: (keys, profile, ctx) =>
      ensureByKeys(api.client, {
        find: () => findAccount(api, keys, ctx),
        findDuplicate: () => findAccount(api, keys, ctx),
        create: () => create(api, keys, profile, ctx),
        takeOver: (account) => takeOver(api, account, { keys, profile }, ctx),
      }),
    setLogin: (accountId, state, ctx) => setLogin(api, accountId, state, ctx),
    revokeSessions: () =>
      Promise.reject(api.client.fail('unsupported', 'revokeSessions', 'OpenLDAP cannot end connections of a person')),
    listAccountEntitlements: (accountId, ctx) => listGroupsOf(api, accountId, ctx),
    ensureEntitlement: (accountId, groupId, state, ctx) => ensureMember(api, { accountId, groupId, state }, ctx),
    listEntitlements: (cursor, ctx) => listGroups(api, cursor, ctx),
    async readProfile(accountId, ctx) {
      const read = await readPerson(api, 'readProfile', accountId, ctx);
      if (read === null) return null;
      const managerId = await managerIdOf(api, read.person, ctx);
      return profileViewOf(read.person, managerId);
    },
    async updateProfile(accountId, values, ctx) {
      const { person } = await mustRead(api, 'updateProfile', accountId, ctx);
      return { outcome: await assertProfile(api, 'updateProfile', { person, values }, ctx), receipt: noReceipt };
    },
    profileAsStored: asStored,
    listAccounts(cursor, ctx) {
      const operation = 'listAccounts';
      const listing = { operation, cursor, base: baseDn, filter: isPerson, attributes: personAttributes(keyAttribute) };
      return listObjects(
        api,
        {
          ...listing,
          read: async (connection, entries) =>
            (await withEffect(api, operation, connection, entries)).map((read) =>
              viewOf(read.person, read.isLockEffective),
            ),
        },
        ctx,
      );
    },
    listUsage: (since, cursor, ctx) => listUsage(api, { since, cursor }, ctx),
  };
}

/** By stored id; else by every key of the person, in one search of the whole base, compared again letter by letter. */
async function findAccount(api: OpenLdapApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const known = keys.accountId === null ? null : await readPerson(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known.person, known.isLockEffective) };
  const wanted = [keys.personId, ...keys.sourceKeys].filter((key) => key !== '' && key.isWellFormed());
  const filter = anyOf(...wanted.map((key) => equals(api.keyAttribute, key)));
  const found = await findPeople(api, operation, filter, ctx);
  const own = found.filter(({ person }) => person.correlationKey !== null && wanted.includes(person.correlationKey));
  return uniqueAccount(own.map(({ person, isLockEffective }) => viewOf(person, isLockEffective)));
}

/** Without a password: the person sets one, or logs in through an identity provider that fills it. */
async function create(
  api: OpenLdapApi,
  keys: CorrelationKeys,
  profile: AccountProfile,
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  if ((await findPeople(api, operation, equals('uid', profile.userName), ctx)).length > 0) throw taken(api, operation);
  const dn = childDn(api.keyAttribute, keys.personId, api.accountBaseDn);
  const entry = newEntry(api.keyAttribute, keys.personId, profile);
  try {
    await api.client.write(operation, 'add', (connection) => connection.add(dn, entry), ctx);
  } catch (error) {
    // 19 is also the answer of the unique overlay.
    throw isRefusal(error, ldapCode.constraintViolation)
      ? await nameOrValue(api, operation, profile, error, ctx)
      : error;
  }
  const found = await findAccount(api, { ...keys, accountId: null }, ctx);
  if (found.outcome !== 'found') throw api.client.fail('propagating', operation, 'the account is not readable yet');
  return { outcome: 'created', account: found.account, receipt: noReceipt };
}

const taken = (api: OpenLdapApi, operation: string) =>
  api.client.fail('conflict', operation, 'another account has this login or address');

async function nameOrValue(
  api: OpenLdapApi,
  operation: string,
  { userName, email }: { userName: string; email: string },
  error: unknown,
  ctx: CallContext,
): Promise<unknown> {
  const places = [equals('uid', userName), ...(email === '' ? [] : [equals('mail', email)])];
  return (await findPeople(api, operation, anyOf(...places), ctx)).length > 0 ? taken(api, operation) : error;
}

/** Unlocks what was found and, where Usher made the account, mends the attributes that it owns. */
async function takeOver(
  api: OpenLdapApi,
  { accountId }: AccountView,
  { keys, profile }: { keys: CorrelationKeys; profile: AccountProfile },
  ctx: CallContext,
): Promise<EnsureAccountResult> {
  const operation = 'ensureAccount';
  const login = await setLogin(api, accountId, 'enabled', ctx);
  const { person } = await mustRead(api, operation, accountId, ctx);
  const isOwn = person.correlationKey === keys.personId;
  const mended = isOwn
    ? await assertProfile(api, operation, { person, values: ownedValues(profile) }, ctx)
    : 'unchanged';
  const read = await mustRead(api, operation, accountId, ctx);
  const outcome = mended === 'changed' || login.outcome === 'changed' ? 'changed' : 'unchanged';
  const account = viewOf(read.person, read.isLockEffective);
  return { outcome: keys.accountId === accountId ? outcome : 'adopted', account, receipt: noReceipt };
}

/**
 * Writes or takes away the lock of an administrator. A lock that the policy of the account makes ineffective is written,
 * since it does no harm, and reported as `precondition`: the person could still log in.
 */
async function setLogin(
  api: OpenLdapApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'setLogin';
  const { person } = await mustRead(api, operation, accountId, ctx);
  const isLocked = hasLock(person);
  const attribute = 'pwdAccountLockedTime';
  if (state === 'enabled' && !isLocked) return { outcome: 'unchanged', receipt: noReceipt };
  if (isLocked !== (state === 'disabled')) {
    const values = state === 'disabled' ? [lockedForGood] : [];
    await modify(api, operation, person, [{ operation: 'replace', attribute, values }], ctx);
  }
  if (state === 'disabled') {
    const policyDn = person.policyDn ?? api.defaultPolicyDn;
    const isEffective = await api.client.read(operation, (connection) => isLockoutOn(connection, policyDn), ctx);
    if (!isEffective) {
      throw api.client.fail(
        'precondition',
        operation,
        'no readable policy with pwdLockout TRUE: the lock has no effect',
      );
    }
  }
  return { outcome: isLocked === (state === 'disabled') ? 'unchanged' : 'changed', receipt: noReceipt };
}

async function modify(
  api: OpenLdapApi,
  operation: string,
  person: LdapPerson,
  changes: LdapChange[],
  ctx: CallContext,
): Promise<void> {
  try {
    await api.client.write(operation, 'modify', (connection) => connection.modify(person.dn, changes), ctx);
  } catch (error) {
    if (isRefusal(error, ldapCode.noSuchObject))
      throw api.client.fail('propagating', operation, 'the account was moved meanwhile');
    if (isRefusal(error, ldapCode.undefinedType)) {
      throw api.client.fail('precondition', operation, 'the directory does not know an attribute that this needs');
    }
    // The login is the name of the entry, as entries that others made often have it.
    if (isRefusal(error, ldapCode.notAllowedOnRdn, ldapCode.namingViolation)) {
      throw api.client.fail(
        'precondition',
        operation,
        'the value is part of the name of the entry, which Usher does not change',
      );
    }
    throw error;
  }
}

/** Writes what differs, all of it or nothing. */
async function assertProfile(
  api: OpenLdapApi,
  operation: string,
  { person, values }: { person: LdapPerson; values: ProfileValues },
  ctx: CallContext,
): Promise<'changed' | 'unchanged'> {
  const changed = changedAttributes(person, values);
  if (values.manager !== undefined) {
    const managerDn = (await mustRead(api, operation, values.manager, ctx)).person.dn;
    if (managerDn !== person.managerDn) changed.push(['manager', managerDn]);
  }
  if (changed.length === 0) return 'unchanged';
  const unique = changed.filter(([attribute]) => attribute === 'uid' || attribute === 'mail');
  if (unique.length > 0) {
    const isTaken = anyOf(...unique.map(([attribute, value]) => equals(attribute, value)));
    const others = await findPeople(api, operation, allOf(isTaken, not(equals('entryUUID', person.accountId))), ctx);
    if (others.length > 0) throw taken(api, operation);
  }
  const changes = changed.map(([attribute, value]): LdapChange => ({
    operation: 'replace',
    attribute,
    values: [value],
  }));
  await modify(api, operation, person, changes, ctx);
  return 'changed';
}

async function managerIdOf(api: OpenLdapApi, { managerDn }: LdapPerson, ctx: CallContext): Promise<string | null> {
  if (managerDn === null) return null;
  const operation = 'readProfile';
  const filter = isPresent('entryUUID');
  const query = { base: managerDn, scope: 'base' as const, filter, attributes: ['entryUUID'] };
  try {
    const [entry] = await api.client.read(operation, (connection) => connection.search(query), ctx);
    return entry === undefined ? null : textOf(entry, 'entryUUID');
  } catch (error) {
    if (isRefusal(error, ldapCode.noSuchObject)) return null;
    throw error;
  }
}

/** `pwdLastSuccess` is there where the server keeps it (`lastbind on`). Absent: unknown. */
async function listUsage(
  api: OpenLdapApi,
  { since, cursor }: { since: string | null; cursor: string | null },
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const operation = 'listUsage';
  const attribute = 'pwdLastSuccess';
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const filter = allOf(isPerson, isPresent(attribute));
  const attributes = [...personAttributes(api.keyAttribute), attribute];
  return listObjects(
    api,
    {
      ...{ operation, cursor, base: api.baseDn, filter, attributes },
      read: (_connection, entries) =>
        Promise.resolve(
          entries.flatMap((entry): UsageView[] => {
            const usedAtMs = generalizedTimeMs(textOf(entry, attribute));
            if (usedAtMs === null || usedAtMs < sinceMs) return [];
            const { accountId } = mustBePerson(api, operation, entry);
            return [{ accountId, vendorEntitlementId: null, lastUsedAt: new Date(usedAtMs).toISOString() }];
          }),
        ),
    },
    ctx,
  );
}
