/**
 * Reads of Microsoft Graph: one object by id, or a listing page by page along `@odata.nextLink`. `/users/delta` is not
 * used: what Usher compares is always the whole inventory, and what it verifies is one object by id.
 */
import { z } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { TokenSource } from '../kit/token-source.ts';
import type { VendorClient } from '../kit/vendor-client.ts';
import type { EntraConfig } from './config.ts';
import { GraphUser, userFields } from './profile.ts';

export interface EntraApi {
  client: VendorClient;
  config: EntraConfig;
  tokens: TokenSource;
}

export const graphVersion = 'v1.0';
export const pageMax = 999;

/** Every object of the directory has a GUID. Graph would read anything else in its place as a user principal name. */
export function isObjectId(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
}

type Query = Record<string, string | number | boolean>;

export interface Listing<T> {
  operation: string;
  /** Below the version. */
  segments: string[];
  schema: z.ZodType<T>;
  cursor: string | null;
  query: () => Query;
  headers?: Record<string, string>;
}

/** One page. The last one is the one without a link; a link to another origin is refused and never called. */
export async function listPage<T>(api: EntraApi, listing: Listing<T>, ctx: CallContext): Promise<Page<T>> {
  const { client } = api;
  const { operation, cursor, headers } = listing;
  const place = cursor === null ? null : placeOf(api, operation, cursor);
  const path = () => pathOf(graphVersion, ...(place?.segments ?? listing.segments));
  const params = place === null ? listing.query : () => place.query;
  const schema = z.object({ value: z.array(listing.schema), '@odata.nextLink': z.string().nullish() });
  const call = {
    operation,
    method: 'GET' as const,
    path,
    params,
    schema,
    ...(headers === undefined ? {} : { headers }),
  };
  const { data } = await client.call(call, ctx);
  return { items: data.value, nextCursor: cursorOf(api, operation, data['@odata.nextLink'] ?? null) };
}

/** What follows the version in a next link. */
export function cursorOf({ client, config }: EntraApi, operation: string, nextLink: string | null): string | null {
  if (nextLink === null) return null;
  const link = URL.parse(nextLink);
  const base = new URL(`${graphVersion}/`, config.url);
  if (link === null || link.origin !== base.origin || !link.pathname.startsWith(base.pathname)) {
    throw client.fail('transient', operation, 'a next link leads to another origin');
  }
  if (link.search === '') throw client.fail('transient', operation, 'a next link has no cursor');
  return link.pathname.slice(base.pathname.length) + link.search;
}

function placeOf({ client }: EntraApi, operation: string, cursor: string): { segments: string[]; query: Query } {
  const [path = '', search = ''] = cursor.split(/\?(.*)/s, 2);
  try {
    if (path === '' || search === '') throw new URIError();
    return {
      segments: path.split('/').map(decodeURIComponent),
      query: Object.fromEntries(new URLSearchParams(search)),
    };
  } catch {
    throw client.fail('validation', operation, 'not a cursor of this connector');
  }
}

/** A fresh read by id; null where Graph says that it does not exist, and for what cannot be an id. */
export async function readUser(
  api: EntraApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
  expand: { $expand?: 'manager' } = {},
): Promise<GraphUser | null> {
  if (!isObjectId(accountId)) return null;
  const path = () => pathOf(graphVersion, 'users', accountId);
  const params = () => ({ $select: userFields, ...expand });
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, params, schema: GraphUser }, ctx);
  if (reply === null) return null;
  if (reply.data.id.toLowerCase() !== accountId.toLowerCase()) {
    throw api.client.fail('transient', operation, 'the answer is about another account');
  }
  return reply.data;
}

export async function mustRead(
  api: EntraApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
  expand: { $expand?: 'manager' } = {},
): Promise<GraphUser> {
  const user = await readUser(api, operation, accountId, ctx, expand);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return user;
}
