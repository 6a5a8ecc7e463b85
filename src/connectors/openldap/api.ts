/** Reads of OpenLDAP that its operations share: people and groups by entryUUID, and whether a lock has any effect. */
import type { Filter } from 'ldapts';
import type { CallContext, Page } from '../kit/contract.ts';
import { allOf, between, equals, isPresent } from '../kit/ldap/filters.ts';
import { KeyRangeError, readKeyRange } from '../kit/ldap/key-ranges.ts';
import type { LdapClient, LdapConnection } from '../kit/ldap/ldap-client.ts';
import { type LdapEntry, textOf } from '../kit/ldap/ldap-entry.ts';
import { isRefusal, ldapCode } from '../kit/ldap/ldap-errors.ts';
import { hasLock, type LdapPerson, personAttributes, personOf } from './person.ts';

export interface OpenLdapApi {
  client: LdapClient;
  keyAttribute: string;
  baseDn: string;
  accountBaseDn: string;
  groupBaseDn: string;
  groupClass: 'groupOfNames' | 'groupOfUniqueNames';
  /** Takes the place of the last member: the classes allow no empty group. */
  placeholderDn: string;
  defaultPolicyDn: string;
  pageMax: number;
}

export const isPerson = equals('objectClass', 'inetOrgPerson');
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Any other text names nothing, and would make the server refuse the filter. */
export const isEntryId = (text: string): boolean => uuidPattern.test(text);

export interface ReadPerson {
  person: LdapPerson;
  isLockEffective: boolean;
}

/** The person with that entryUUID wherever it stands below the base, or null. */
export async function readPerson(
  api: OpenLdapApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<ReadPerson | null> {
  if (!isEntryId(accountId)) return null;
  const [read, ...others] = await findPeople(api, operation, equals('entryUUID', accountId), ctx);
  if (others.length > 0 || (read !== undefined && read.person.accountId !== accountId)) {
    throw api.client.fail('transient', operation, 'the answer is about another account');
  }
  return read ?? null;
}

export async function mustRead(api: OpenLdapApi, operation: string, accountId: string, ctx: CallContext) {
  const read = await readPerson(api, operation, accountId, ctx);
  if (read === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return read;
}

export async function findPeople(
  api: OpenLdapApi,
  operation: string,
  filter: Filter,
  ctx: CallContext,
): Promise<ReadPerson[]> {
  return api.client.read(
    operation,
    async (connection) => {
      const query = { base: api.baseDn, scope: 'sub' as const, filter: allOf(isPerson, filter) };
      const entries = await connection.search({ ...query, attributes: personAttributes(api.keyAttribute) });
      return withEffect(api, operation, connection, entries);
    },
    ctx,
  );
}

/** The people, and for those who are locked whether their policy makes the lock count: each policy is read once. */
export async function withEffect(
  api: OpenLdapApi,
  operation: string,
  connection: LdapConnection,
  entries: LdapEntry[],
): Promise<ReadPerson[]> {
  const effects = new Map<string, boolean>();
  const read: ReadPerson[] = [];
  for (const entry of entries) {
    const person = mustBePerson(api, operation, entry);
    const dn = person.policyDn ?? api.defaultPolicyDn;
    if (hasLock(person) && !effects.has(dn)) effects.set(dn, await isLockoutOn(connection, dn));
    read.push({ person, isLockEffective: effects.get(dn) ?? true });
  }
  return read;
}

export function mustBePerson(api: OpenLdapApi, operation: string, entry: LdapEntry): LdapPerson {
  const person = personOf(entry, api.keyAttribute);
  if (person === null) {
    // entryUUID is hidden by access rules that name attributes one by one.
    throw api.client.fail('auth', operation, 'entryUUID cannot be read');
  }
  return person;
}

/** slapd looks at `pwdAccountLockedTime` only where the policy says `pwdLockout: TRUE` (slapo-ppolicy(5)). */
export async function isLockoutOn(connection: LdapConnection, policyDn: string): Promise<boolean> {
  const policy = await readObject(connection, policyDn, isPresent('objectClass'), ['pwdLockout']);
  return policy !== null && textOf(policy, 'pwdLockout')?.toUpperCase() === 'TRUE';
}

/** The entry of that name where it fits the filter, or null. */
export async function readObject(
  connection: LdapConnection,
  base: string,
  filter: Filter,
  attributes: string[],
): Promise<LdapEntry | null> {
  try {
    const [entry] = await connection.search({ base, scope: 'base', filter, attributes });
    return entry ?? null;
  } catch (error) {
    if (isRefusal(error, ldapCode.noSuchObject)) return null;
    throw error;
  }
}

const keySpace = { first: 0n, last: 2n ** 128n - 1n };

function uuidText(key: bigint): string {
  const hex = key.toString(16).padStart(32, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** An entry that hides its key falls out of every range; the caller says which right is missing. */
function uuidKey(text: string | null): bigint {
  return text !== null && isEntryId(text) ? BigInt(`0x${text.replaceAll('-', '')}`) : keySpace.last;
}

export interface OpenLdapListing<T> {
  operation: string;
  cursor: string | null;
  base: string;
  filter: Filter;
  attributes: string[];
  /** On the connection of the page. */
  read: (connection: LdapConnection, entries: LdapEntry[]) => Promise<T[]>;
}

/** One page by ranges of entryUUID, the one key that slapd compares by order (UUIDOrderingMatch) on every entry. */
export async function listObjects<T>(
  { client, pageMax }: OpenLdapApi,
  { operation, cursor, base, filter, attributes, read }: OpenLdapListing<T>,
  ctx: CallContext,
): Promise<Page<T>> {
  return client.read(
    operation,
    async (connection) => {
      const search = (from: bigint, to: bigint) => {
        const inRange = allOf(filter, between('entryUUID', uuidText(from), uuidText(to)));
        return connection.searchUpTo(pageMax, { base, scope: 'sub', filter: inRange, attributes });
      };
      try {
        const keyOf = (entry: LdapEntry) => uuidKey(textOf(entry, 'entryUUID'));
        const { items, nextCursor } = await readKeyRange({ cursor, space: () => keySpace, search, keyOf, pageMax });
        return { items: await read(connection, items), nextCursor };
      } catch (error) {
        if (!(error instanceof KeyRangeError)) throw error;
        throw client.fail(error.kind === 'cursor' ? 'validation' : 'transient', operation, error.message);
      }
    },
    ctx,
  );
}
