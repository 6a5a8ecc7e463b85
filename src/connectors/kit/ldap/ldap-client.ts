/**
 * Calls to a directory over LDAPS. Each call has a connection of its own, which ends with the call: a bound connection
 * that is kept would go on working after its account was locked, and would hold an identity that nobody sees.
 */
import { Attribute, Change, Client, type Filter, type SearchOptions } from 'ldapts';
import type { CallContext, ConnectorRuntime } from '../contract.ts';
import { ConnectorError, type ConnectorErrorCode } from '../errors.ts';
import { EscapeError } from '../escape.ts';
import { type LdapEntry, toLdapEntry } from './ldap-entry.ts';
import { toLdapError } from './ldap-errors.ts';

export interface LdapOptions {
  /** `ldaps://host[:port]`. */
  url: string;
  /** PEM; absent: the authorities that Node trusts. */
  ca?: string | undefined;
  bindDn: string;
  password: string;
}

export interface LdapQuery {
  base: string;
  scope: 'base' | 'sub';
  filter: Filter;
  attributes: string[];
  /** Of `attributes`, those whose values are bytes. */
  binary?: string[];
}

/** One attribute's change; all changes of one `modify` are made or none. */
export interface LdapChange {
  operation: 'add' | 'delete' | 'replace';
  attribute: string;
  values: string[] | Buffer[];
}

/** What a bounded search found. */
export interface Hits {
  items: LdapEntry[];
  isWhole: boolean;
}

/** What a call does on its connection. Throws ConnectorErrors. */
export interface LdapConnection {
  /** Every hit. A server that would cut the answer at its limit says so, and the search fails. */
  search(query: LdapQuery): Promise<LdapEntry[]>;
  /** Every hit (`isWhole`), or some of them where there are more than `max`. */
  searchUpTo(max: number, query: LdapQuery): Promise<Hits>;
  /** At most one hit, whichever: for probes. */
  searchSome(query: LdapQuery): Promise<LdapEntry[]>;
  add(dn: string, attributes: Record<string, string[]>): Promise<void>;
  modify(dn: string, changes: LdapChange[]): Promise<void>;
}

export interface LdapClient {
  /** A read: one or several searches on one connection. */
  read<T>(operation: string, work: (connection: LdapConnection) => Promise<T>, ctx: CallContext): Promise<T>;
  /** A change, and the searches that it needs. */
  write<T>(
    operation: string,
    method: 'add' | 'modify',
    work: (connection: LdapConnection) => Promise<T>,
    ctx: CallContext,
  ): Promise<T>;
  fail(code: ConnectorErrorCode, operation: string, message: string, retryAfterMs?: number): ConnectorError;
  systemId: string;
}

/** Makes the client; nothing is sent before the first call. */
export function createLdapClient(
  runtime: Pick<ConnectorRuntime<unknown>, 'systemId' | 'callOver'>,
  options: LdapOptions,
): LdapClient {
  const { systemId } = runtime;
  const run = <T>(
    { operation, method }: { operation: string; method: 'search' | 'add' | 'modify' },
    work: (connection: LdapConnection) => Promise<T>,
    ctx: CallContext,
  ): Promise<T> => {
    const call = { operation, method, isWrite: method !== 'search' };
    return runtime.callOver(call, (signal) => onConnection(options, { systemId, operation }, work, signal), ctx);
  };
  return {
    systemId,
    read: (operation, work, ctx) => run({ operation, method: 'search' }, work, ctx),
    write: (operation, method, work, ctx) => run({ operation, method }, work, ctx),
    fail: (code, operation, message, retryAfterMs) =>
      new ConnectorError(code, message, {
        systemId,
        operation,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
  };
}

async function onConnection<T>(
  { url, ca, bindDn, password }: LdapOptions,
  detail: { systemId: string; operation: string },
  work: (connection: LdapConnection) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const tlsOptions = { minVersion: 'TLSv1.2' as const, ...(ca === undefined ? {} : { ca: [ca] }) };
  const client = new Client({ url, tlsOptions });
  const hangUp = (): void => void client.unbind().catch(() => undefined);
  signal.addEventListener('abort', hangUp, { once: true });
  const sent = { write: false };
  try {
    signal.throwIfAborted();
    await client.bind(bindDn, password);
    return await work(connectionOf(client, { detail, sent }));
  } catch (error) {
    if (error instanceof EscapeError) throw new ConnectorError('validation', error.message, detail);
    throw toLdapError(error, { ...detail, wasWriteSent: sent.write });
  } finally {
    signal.removeEventListener('abort', hangUp);
    // Also after a refused bind: the socket would stay open and keep the process alive.
    await client.unbind().catch(() => undefined);
  }
}

function connectionOf(
  client: Client,
  { detail, sent }: { detail: { systemId: string; operation: string }; sent: { write: boolean } },
): LdapConnection {
  /** Here and not only around the call, so that connectors can look at a refusal and go on. */
  const translated = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      throw toLdapError(error, { ...detail, wasWriteSent: sent.write });
    }
  };
  const write = async (call: () => Promise<void>): Promise<void> => {
    sent.write = true;
    await translated(call());
    sent.write = false;
  };
  return {
    search: (query) => translated(searchAll(client, query)),
    searchUpTo: (max, query) => translated(searchUpTo(client, max, query)),
    searchSome: (query) => translated(searchSome(client, query)),
    add: (dn, attributes) => write(() => client.add(dn, attributes)),
    modify: (dn, changes) => write(() => client.modify(dn, changes.map(toChange))),
  };
}

async function searchAll(client: Client, query: LdapQuery): Promise<LdapEntry[]> {
  // Without a limit of our own: with one, the library takes a cut answer for a whole one.
  const { searchEntries } = await client.search(query.base, searchOptions(query));
  return searchEntries.map(toLdapEntry);
}

async function searchSome(client: Client, query: LdapQuery): Promise<LdapEntry[]> {
  const { searchEntries } = await client.search(query.base, { ...searchOptions(query), sizeLimit: 1 });
  return searchEntries.map(toLdapEntry);
}

/** Reads by pages, so that a directory of any size answers with a bounded number of entries. */
async function searchUpTo(client: Client, max: number, query: LdapQuery): Promise<Hits> {
  const items: LdapEntry[] = [];
  let isLastPageEmpty = false;
  const pages = client.searchPaginated(query.base, { ...searchOptions(query), paged: { pageSize: max + 1 } });
  for await (const page of pages) {
    items.push(...page.searchEntries.map(toLdapEntry));
    isLastPageEmpty = page.searchEntries.length === 0;
    if (items.length > max) return { items, isWhole: false };
  }
  // The library takes an empty page for the end whether or not the server has more.
  if (!isLastPageEmpty) return { items, isWhole: true };
  const whole = await searchAll(client, query);
  return { items: whole, isWhole: whole.length <= max };
}

function searchOptions({ scope, filter, attributes, binary = [] }: LdapQuery): SearchOptions {
  return { scope, filter, attributes, explicitBufferAttributes: binary };
}

function toChange({ operation, attribute, values }: LdapChange): Change {
  return new Change({ operation, modification: new Attribute({ type: attribute, values }) });
}
