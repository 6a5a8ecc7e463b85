/** Reads of Google's directory: one account by id, or a listing page by page along its tokens. */
import type { z } from 'zod';
import { z as schemas } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { VendorClient } from '../kit/vendor-client.ts';
import type { GoogleWorkspaceConfig } from './config.ts';
import type { GoogleCredentials } from './credentials.ts';
import { GoogleUser, listFields, userFields } from './profile.ts';

export interface GoogleApi {
  client: VendorClient;
  config: GoogleWorkspaceConfig;
  credentials: GoogleCredentials;
}

export const pageMax = 500;

export const directoryPath = (...segments: string[]): string => pathOf('admin', 'directory', 'v1', ...segments);

/** Accounts and groups have ids of their own; Google would read anything else in their place as an address or an alias. */
export function isUserId(text: string): boolean {
  return /^\d{1,30}$/.test(text);
}

export interface Listing<T> {
  operation: string;
  /** `users`, `groups`: the path, and the member of the answer that holds the items. */
  of: 'users' | 'groups';
  schema: z.ZodType<T>;
  cursor: string | null;
  query: () => Record<string, string | number>;
}

/** One page. The last one is the one without a token; an empty list is left out of the answer. */
export async function listPage<T>({ client }: GoogleApi, listing: Listing<T>, ctx: CallContext): Promise<Page<T>> {
  const { operation, of, cursor, query } = listing;
  const params = () => ({ ...query(), ...(cursor === null ? {} : { pageToken: cursor }) });
  const schema = schemas.object({
    [of]: schemas.array(listing.schema).nullish(),
    nextPageToken: schemas.string().nullish(),
  });
  const path = () => directoryPath(of);
  const { data } = await client.call({ operation, method: 'GET', path, params, schema }, ctx);
  const page = data as { [member in 'users' | 'groups']?: T[] | null } & { nextPageToken?: string | null };
  const next = page.nextPageToken ?? '';
  return { items: page[of] ?? [], nextCursor: next === '' ? null : next };
}

export function listUsers(
  api: GoogleApi,
  { operation, cursor, search, top = pageMax }: UserListing,
  ctx: CallContext,
): Promise<Page<GoogleUser>> {
  const query = () => ({
    customer: api.config.customerId,
    maxResults: top,
    fields: `nextPageToken,users(${listFields})`,
    ...(search === undefined ? {} : { query: search() }),
  });
  return listPage(api, { operation, of: 'users', schema: GoogleUser, cursor, query }, ctx);
}

export interface UserListing {
  operation: string;
  cursor: string | null;
  search?: () => string;
  top?: number;
}

/** By id, address or alias; null only where Google itself says that there is none. */
export async function readUserBy(
  { client }: GoogleApi,
  operation: string,
  userKey: string,
  ctx: CallContext,
): Promise<GoogleUser | null> {
  const path = () => directoryPath('users', userKey);
  const params = () => ({ fields: userFields });
  return (await client.callOrNull({ operation, method: 'GET', path, params, schema: GoogleUser }, ctx))?.data ?? null;
}

/** A fresh read by id; null as well for what cannot be an id. */
export async function readUser(
  api: GoogleApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<GoogleUser | null> {
  if (!isUserId(accountId)) return null;
  const user = await readUserBy(api, operation, accountId, ctx);
  if (user === null || user.id === accountId) return user;
  throw api.client.fail('transient', operation, 'the answer is about another account');
}

export async function mustRead(
  api: GoogleApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<GoogleUser> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return user;
}
