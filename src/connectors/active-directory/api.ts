/** Reads of Active Directory that its operations share: users and groups by their immutable key, the server's own facts. */
import { createHash } from 'node:crypto';
import type { Filter } from 'ldapts';
import type { CallContext } from '../kit/contract.ts';
import { allOf, equals, isPresent } from '../kit/ldap/filters.ts';
import type { LdapClient, LdapConnection } from '../kit/ldap/ldap-client.ts';
import { bytesOf, type LdapEntry, textOf } from '../kit/ldap/ldap-entry.ts';
import { isRefusal, ldapCode } from '../kit/ldap/ldap-errors.ts';
import { generalizedTimeMs } from '../kit/ldap/ldap-time.ts';
import { guidDn, guidText } from './guid.ts';
import { type AdUser, binaryAttributes, type KeyAttributes, userAttributes, userOf } from './user.ts';

export interface AdApi {
  client: LdapClient;
  keys: KeyAttributes;
  baseDn: string;
  accountBaseDn: string;
  groupBaseDn: string;
  pageMax: number;
  /** Accounts come from a system that masters this one. */
  isMastered: boolean;
}

/** People, not contacts and not computers. */
export const isUser = allOf(equals('objectCategory', 'person'), equals('objectClass', 'user'));
export const isGroup = equals('objectClass', 'group');

/** What a domain controller says of itself. */
export interface ServerFacts {
  nowMs: number;
  /** Differs between domain controllers, as their counters of changes do. */
  counterId: string;
  highestChange: bigint;
}

export async function readServerFacts(api: AdApi, operation: string, connection: LdapConnection): Promise<ServerFacts> {
  const attributes = ['currentTime', 'dsServiceName', 'highestCommittedUSN'];
  const [root] = await connection.search({ base: '', scope: 'base', filter: isPresent('objectClass'), attributes });
  const nowMs = root === undefined ? null : generalizedTimeMs(textOf(root, 'currentTime'));
  const service = root === undefined ? null : textOf(root, 'dsServiceName');
  const change = root === undefined ? null : textOf(root, 'highestCommittedUSN');
  if (nowMs === null || service === null || change === null || !/^\d{1,19}$/.test(change)) {
    throw api.client.fail('transient', operation, 'the server does not answer as a domain controller');
  }
  const counterId = createHash('sha256').update(service).digest('hex').slice(0, 16);
  return { nowMs, counterId, highestChange: BigInt(change) };
}

/** The user with that objectGUID wherever it stands, or null; a text that is no GUID names nobody. */
export async function readUser(
  api: AdApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<{ user: AdUser; nowMs: number } | null> {
  const base = guidDn(accountId);
  if (base === null) return null;
  return api.client.read(
    operation,
    async (connection) => {
      const entry = await readObject(connection, base, isUser, userAttributes(api.keys));
      if (entry === null) return null;
      const user = mustBeUser(api, operation, entry);
      if (user.accountId !== accountId)
        throw api.client.fail('transient', operation, 'the answer is about another account');
      return { user, nowMs: await clockFor(api, operation, connection, [user]) };
    },
    ctx,
  );
}

export async function mustRead(api: AdApi, operation: string, accountId: string, ctx: CallContext) {
  const read = await readUser(api, operation, accountId, ctx);
  if (read === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return read;
}

/** The object of that name that fits the filter, or null where it does not exist. */
export async function readObject(
  connection: LdapConnection,
  base: string,
  filter: Filter,
  attributes: string[],
): Promise<LdapEntry | null> {
  try {
    const [entry] = await connection.search({ base, scope: 'base', filter, attributes, binary: binaryAttributes });
    return entry ?? null;
  } catch (error) {
    if (isRefusal(error, ldapCode.noSuchObject)) return null;
    throw error;
  }
}

export function mustBeUser(api: AdApi, operation: string, entry: LdapEntry): AdUser {
  const user = userOf(entry, api.keys);
  if (user === null) throw api.client.fail('transient', operation, 'the answer does not have the expected shape');
  return user;
}

/** The users that fit, and the time by which their end dates count. */
export async function findUsers(
  api: AdApi,
  operation: string,
  filter: Filter,
  ctx: CallContext,
): Promise<{ users: AdUser[]; nowMs: number }> {
  return api.client.read(
    operation,
    async (connection) => {
      const query = {
        base: api.baseDn,
        scope: 'sub' as const,
        filter: allOf(isUser, filter),
        binary: binaryAttributes,
      };
      const entries = await connection.search({ ...query, attributes: userAttributes(api.keys) });
      const users = entries.map((entry) => mustBeUser(api, operation, entry));
      return { users, nowMs: await clockFor(api, operation, connection, users) };
    },
    ctx,
  );
}

/** An end date counts by the clock of the domain controller, which alone decides about a login. */
async function clockFor(api: AdApi, operation: string, connection: LdapConnection, users: AdUser[]): Promise<number> {
  if (users.every(({ expiresAtMs }) => expiresAtMs === null)) return 0;
  return (await readServerFacts(api, operation, connection)).nowMs;
}

/** objectGUID of an entry. */
export function idOf(api: AdApi, operation: string, entry: LdapEntry): string {
  const guid = bytesOf(entry, 'objectGUID');
  if (guid?.length !== 16) throw api.client.fail('transient', operation, 'the answer does not have the expected shape');
  return guidText(guid);
}
