/**
 * What a SCIM server shows of its own habits, by reads alone: its ServiceProviderConfig and Schemas, and answers to questions
 * whose right answer is known. What cannot be told from outside stays undecided (`null`).
 */
import { z } from 'zod';
import type { CallContext } from '../kit/contract.ts';
import { pathOf, scimEquals } from '../kit/escape.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { Group, type ScimApi } from './api.ts';
import { listOf } from './list-pages.ts';
import { User } from './profile.ts';

const operation = 'check';

const ServiceProviderConfig = z.object({
  patch: z.object({ supported: z.boolean() }).optional(),
  filter: z.object({ supported: z.boolean(), maxResults: z.number().int().optional() }).optional(),
  // RFC 9865, section 4.
  pagination: z.object({ cursor: z.boolean().optional(), maxPageSize: z.number().int().optional() }).optional(),
});
export type ServiceProviderConfig = z.infer<typeof ServiceProviderConfig>;

const SchemaList = listOf(z.object({ id: z.string(), attributes: z.array(z.object({ name: z.string() })).optional() }));

/** True where the server refuses the question as such; an outage or a throttle is thrown. */
async function orRefused<T>(call: Promise<T>): Promise<T | 'refused'> {
  try {
    return await call;
  } catch (error) {
    if (isConnectorError(error, 'validation', 'notFound', 'unsupported', 'auth', 'precondition')) return 'refused';
    throw error;
  }
}

/** Null where the server has none, or one of another shape. */
export async function readProviderConfig({ client }: ScimApi, ctx: CallContext): Promise<ServiceProviderConfig | null> {
  const path = () => pathOf('ServiceProviderConfig');
  const reply = await orRefused(client.call({ operation, method: 'GET', path, schema: z.unknown() }, ctx));
  if (reply === 'refused') return null;
  return ServiceProviderConfig.safeParse(reply.data).data ?? null;
}

/** Lower-case attribute names by schema URN in lower case; null where the server publishes no schemas. */
export async function readSchemas({ client }: ScimApi, ctx: CallContext): Promise<Map<string, Set<string>> | null> {
  const path = () => pathOf('Schemas');
  const reply = await orRefused(client.call({ operation, method: 'GET', path, schema: z.unknown() }, ctx));
  const schemas = reply === 'refused' ? undefined : SchemaList.safeParse(reply.data).data?.Resources;
  if (schemas == null || schemas.length === 0) return null;
  const names = (attributes: { name: string }[] = []) => new Set(attributes.map(({ name }) => name.toLowerCase()));
  return new Map(schemas.map(({ id, attributes }) => [id.toLowerCase(), names(attributes)]));
}

function ask<T extends z.ZodType>(
  { client }: ScimApi,
  { resource, schema, params }: { resource: 'Users' | 'Groups'; schema: T; params: Record<string, string | number> },
  ctx: CallContext,
) {
  const path = () => pathOf(resource);
  return client.call({ operation, method: 'GET', path, params: () => params, schema: listOf(schema) }, ctx);
}

/** Whether users, or groups, can be read at all; throws what stands in the way. */
export async function readsAny(api: ScimApi, resource: 'Users' | 'Groups', ctx: CallContext): Promise<void> {
  await ask(api, { resource, schema: resource === 'Users' ? User : Group, params: { count: 1 } }, ctx);
}

/** Whether one page holds every user, and does not merely look so. */
export async function showsAllAtOnce(api: ScimApi, ctx: CallContext): Promise<boolean> {
  const count = api.quirks.pageMax;
  const { data } = await ask(api, { resource: 'Users', schema: User, params: { count } }, ctx);
  const shown = (data.Resources ?? []).length;
  return shown < count && (data.totalResults ?? shown) <= shown;
}

/** A key that no account has: whoever answers with an account does not filter. */
const nobody = 'usher-check-no-such-key';

/** Whether accounts can be asked for by `externalId`. */
export async function filtersByKey(api: ScimApi, ctx: CallContext): Promise<'yes' | 'refused' | 'ignored'> {
  const params = { filter: scimEquals('externalId', nobody), count: 1 };
  const reply = await orRefused(ask(api, { resource: 'Users', schema: User, params }, ctx));
  if (reply === 'refused') return reply;
  return (reply.data.Resources ?? []).length > 0 ? 'ignored' : 'yes';
}

/** Whether the second page is another one than the first; null with fewer than two users. */
export async function honoursStartIndex(api: ScimApi, ctx: CallContext): Promise<boolean | null> {
  const at = (startIndex: number) =>
    orRefused(ask(api, { resource: 'Users', schema: User, params: { startIndex, count: 1 } }, ctx));
  const [first, second] = [await at(1), await at(2)];
  if (first === 'refused' || second === 'refused') return false;
  const [one, two] = [first, second].map(({ data }) => data.Resources?.[0]?.id);
  return one === undefined || two === undefined ? null : one !== two;
}

/** Whether groups can be asked for by member; null without a user to ask for. */
export async function filtersByMember(api: ScimApi, ctx: CallContext): Promise<boolean | null> {
  const users = await ask(api, { resource: 'Users', schema: User, params: { count: 1 } }, ctx);
  const id = users.data.Resources?.[0]?.id;
  if (id === undefined) return null;
  const params = { filter: scimEquals('members.value', id), count: 1 };
  return (await orRefused(ask(api, { resource: 'Groups', schema: Group, params }, ctx))) !== 'refused';
}

/** How a membership that exists shows: in the group, on the user; null where none was found to look at. */
export async function showsMemberships(
  api: ScimApi,
  ctx: CallContext,
): Promise<{ inGroup: boolean; onUser: boolean } | null> {
  const one = <T>(resource: 'Users' | 'Groups', id: string, schema: z.ZodType<T>) =>
    orRefused(api.client.call({ operation, method: 'GET', path: () => pathOf(resource, id), schema }, ctx));
  const groups = (await ask(api, { resource: 'Groups', schema: Group, params: { count: 10 } }, ctx)).data.Resources;
  for (const { id } of (groups ?? []).slice(0, 10)) {
    const group = await one('Groups', id, Group);
    const memberId = group === 'refused' ? undefined : group.data.members?.[0]?.value;
    if (memberId === undefined) continue;
    const user = await one('Users', memberId, User);
    if (user === 'refused') continue;
    return { inGroup: true, onUser: (user.data.groups ?? []).some(({ value }) => value === id) };
  }
  const users = (await ask(api, { resource: 'Users', schema: User, params: { count: 10 } }, ctx)).data.Resources;
  const hasGroups = (users ?? []).some((user) => (user.groups ?? []).length > 0);
  return hasGroups ? { inGroup: false, onUser: true } : null;
}
