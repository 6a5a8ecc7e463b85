/** Reads of one SCIM service: single resources and whole lists, in the form that its quirks ask for. No decisions. */
import { z } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { collectPages, eachPage } from '../kit/paging.ts';
import type { VendorClient } from '../kit/vendor-client.ts';
import { listOf, nextOf, pageParams, readCursor } from './list-pages.ts';
import { User } from './profile.ts';
import type { ScimQuirks } from './quirks.ts';

export interface ScimApi {
  client: VendorClient;
  quirks: ScimQuirks;
}

export const Group = z.object({
  id: z.string().min(1),
  displayName: z.string(),
  members: z.array(z.object({ value: z.string() })).nullish(),
});
export type Group = z.infer<typeof Group>;

export interface ListRequest<T> {
  resource: 'Users' | 'Groups';
  schema: z.ZodType<T>;
  operation?: string;
  filter?: () => string;
  /** Default: as many as the quirks allow. */
  count?: number;
  withoutMembers?: boolean;
}

/** The media type of bodies. */
export function contentTypeOf({ quirks }: ScimApi): string {
  return quirks.mediaType === 'scim' ? 'application/scim+json' : 'application/json';
}

/** Fresh read by id; null only where the server says that there is no such user. */
export function readUser(api: ScimApi, operation: string, accountId: string, ctx: CallContext): Promise<User | null> {
  return readOne(api, { resource: 'Users', schema: User, operation }, accountId, ctx);
}

/** As {@link readUser}; throws `notFound` where there is none. */
export async function knownUser(api: ScimApi, operation: string, accountId: string, ctx: CallContext): Promise<User> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return user;
}

/** Fresh read by id; null only where the server says that there is no such group. */
export function readGroup(api: ScimApi, operation: string, groupId: string, ctx: CallContext): Promise<Group | null> {
  return readOne(api, { resource: 'Groups', schema: Group, operation }, groupId, ctx);
}

interface OneRequest<T> {
  resource: 'Users' | 'Groups';
  schema: z.ZodType<T>;
  operation: string;
}

async function readOne<T extends { id: string }>(
  { client }: ScimApi,
  { resource, schema, operation }: OneRequest<T>,
  id: string,
  ctx: CallContext,
): Promise<T | null> {
  const path = () => pathOf(resource, id);
  const reply = await client.callOrNull({ operation, method: 'GET', path, schema }, ctx);
  if (reply === null) return null;
  if (reply.data.id !== id) throw client.fail('transient', operation, 'the answer is about another resource');
  return reply.data;
}

/** Every resource of a list. Throws where its end cannot be proved. */
export function listAll<T extends { id: string }>(
  api: ScimApi,
  request: ListRequest<T> & { operation: string },
  ctx: CallContext,
): Promise<T[]> {
  const { operation } = request;
  return collectPages((cursor) => listPage(api, { ...request, cursor }, ctx), pagingOf(api, operation));
}

/** The same page by page, for lists of which little is kept. */
export function eachListPage<T extends { id: string }>(
  api: ScimApi,
  request: ListRequest<T> & { operation: string },
  ctx: CallContext,
): AsyncGenerator<T[]> {
  const { operation } = request;
  return eachPage((cursor) => listPage(api, { ...request, cursor }, ctx), pagingOf(api, operation));
}

const pagingOf = ({ client: { systemId } }: ScimApi, operation: string) => ({ systemId, operation });

/** One page; `cursor` is null for the first or the `nextCursor` of the page before. */
export async function listPage<T extends { id: string }>(
  api: ScimApi,
  request: ListRequest<T> & { cursor: string | null },
  ctx: CallContext,
): Promise<Page<T>> {
  const { client, quirks } = api;
  const operation = request.operation ?? `list${request.resource}`;
  const fail = (message: string) => client.fail('transient', operation, message);
  const at = readCursor(quirks.paging, request.cursor);
  if (at === null) throw client.fail('validation', operation, 'not a cursor of this connector');
  const count = request.count ?? quirks.pageMax;
  const params = () => ({
    ...pageParams(at, count),
    ...(request.filter === undefined ? {} : { filter: request.filter() }),
    ...(request.withoutMembers === true && quirks.excludeMembers ? { excludedAttributes: 'members' } : {}),
  });
  const path = () => pathOf(request.resource);
  const schema = listOf(request.schema);
  const { data } = await client.call({ operation, method: 'GET', path, params, schema }, ctx);
  return {
    items: data.Resources ?? [],
    nextCursor: nextOf({ at, count, data, isFiltered: 'filter' in request }, fail),
  };
}
