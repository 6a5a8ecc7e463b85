/** Groups (`group:UUID`) and realm roles (`role:NAME`) as entitlements: direct memberships and assignments only. */
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { collectPages } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { type KeycloakApi, listPage, NoBody, realmPath } from './api.ts';

const Group = z.object({ id: z.string().min(1), name: z.string(), path: z.string().nullish() });
const Role = z.object({ id: z.string().min(1), name: z.string().min(1) });
type Role = z.infer<typeof Role>;
const Count = z.object({ count: z.number().int().min(0) });
const pageSize = 100;

type Entitlement = { kind: 'group'; groupId: string } | { kind: 'role'; name: string };

/** Null for what cannot be one of Keycloak's. */
function readEntitlement(id: string): Entitlement | null {
  const [, kind, rest = ''] = /^(group|role):(.+)$/s.exec(id) ?? [];
  if (kind === 'group') return { kind, groupId: rest };
  return kind === 'role' ? { kind, name: rest } : null;
}

const groupEntitlementId = (groupId: string): string => `group:${groupId}`;
const roleEntitlementId = (name: string): string => `role:${name}`;

/** Everybody in the realm has the role of its defaults: it is no entitlement. */
const isDefaultRole = ({ config }: KeycloakApi, { name }: Role): boolean =>
  name.toLowerCase() === `default-roles-${config.realm.toLowerCase()}`;

export async function listAccountEntitlements(
  api: KeycloakApi,
  accountId: string,
  ctx: CallContext,
): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const [groups, roles] = [
    await groupIdsOf(api, operation, accountId, ctx),
    await rolesOf(api, operation, accountId, ctx),
  ];
  return [...groups.map(groupEntitlementId), ...roles.map(({ name }) => roleEntitlementId(name))];
}

async function groupIdsOf(api: KeycloakApi, operation: string, accountId: string, ctx: CallContext): Promise<string[]> {
  const listing = { operation, segments: ['users', accountId, 'groups'], schema: Group, pageSize };
  const fetchPage = (cursor: string | null) => listPage(api, { ...listing, cursor }, ctx);
  const groups = await collectPages(fetchPage, { systemId: api.client.systemId, operation });
  return groups.map(({ id }) => id);
}

/** What is assigned to the account itself; what comes with a group or inside another role is not listed here. */
async function rolesOf(api: KeycloakApi, operation: string, accountId: string, ctx: CallContext): Promise<Role[]> {
  const path = () => realmPath(api, 'users', accountId, 'role-mappings', 'realm');
  const call = { operation, method: 'GET' as const, path, schema: z.array(Role) };
  const { data } = await api.client.call(call, ctx);
  return data.filter((role) => !isDefaultRole(api, role));
}

export async function ensureEntitlement(
  api: KeycloakApi,
  accountId: string,
  vendorEntitlementId: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const entitlement = readEntitlement(vendorEntitlementId);
  if (entitlement?.kind === 'group') return ensureMember(api, accountId, entitlement.groupId, state, ctx);
  if (entitlement?.kind === 'role') return ensureRole(api, accountId, entitlement.name, state, ctx);
  if (state === 'absent') return { outcome: 'unchanged', receipt: noReceipt };
  throw api.client.fail('notFound', 'ensureEntitlement', 'entitlements here are called group:UUID or role:NAME');
}

async function ensureMember(
  api: KeycloakApi,
  accountId: string,
  groupId: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const isMember = (await groupIdsOf(api, operation, accountId, ctx)).includes(groupId);
  if (isMember === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  const path = () => realmPath(api, 'users', accountId, 'groups', groupId);
  const method = state === 'present' ? ('PUT' as const) : ('DELETE' as const);
  const { receipt } = await api.client.call({ operation, method, path, schema: NoBody }, ctx);
  return { outcome: 'changed', receipt };
}

async function ensureRole(
  api: KeycloakApi,
  accountId: string,
  name: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const held = (await rolesOf(api, operation, accountId, ctx)).find((role) => role.name === name);
  if ((held !== undefined) === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  const { id } = held ?? (await roleByName(api, operation, name, ctx));
  const path = () => realmPath(api, 'users', accountId, 'role-mappings', 'realm');
  const method = state === 'present' ? ('POST' as const) : ('DELETE' as const);
  const call = { operation, method, path, body: [{ id, name }], schema: NoBody };
  return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
}

async function roleByName(api: KeycloakApi, operation: string, name: string, ctx: CallContext): Promise<Role> {
  const path = () => realmPath(api, 'roles', name);
  const { data } = await api.client.call({ operation, method: 'GET', path, schema: Role }, ctx);
  if (data.name !== name) throw api.client.fail('transient', operation, 'the answer is about another role');
  return data;
}

const rolesCursor = 'roles';

/** First all groups, subgroups included, then the realm roles. The cursor tells which part it belongs to. */
export async function listEntitlements(
  api: KeycloakApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const operation = 'listEntitlements';
  const isRoles = cursor?.startsWith(rolesCursor) === true;
  const inner = isRoles ? cursor.slice(rolesCursor.length) || null : cursor;
  if (isRoles) {
    const page = await listPage(api, { operation, segments: ['roles'], schema: Role, cursor: inner, pageSize }, ctx);
    const items = page.items
      .filter((role) => !isDefaultRole(api, role))
      .map(({ name }) => ({ vendorEntitlementId: roleEntitlementId(name), displayName: name }));
    return { items, nextCursor: page.nextCursor === null ? null : rolesCursor + page.nextCursor };
  }
  // Without a search only the top of the tree is listed; with this one every group is, flat.
  const query = { search: '*', populateHierarchy: false, briefRepresentation: true };
  const listing = { operation, segments: ['groups'], schema: Group, cursor: inner, pageSize, query };
  const page = await listPage(api, listing, ctx);
  if (page.nextCursor === null) await assertAllGroups(api, operation, page.seen, ctx);
  const items = page.items.map(({ id, name, path }) => ({
    vendorEntitlementId: groupEntitlementId(id),
    displayName: path?.replace(/^\//, '') ?? name,
  }));
  return { items, nextCursor: page.nextCursor ?? rolesCursor };
}

async function assertAllGroups(api: KeycloakApi, operation: string, seen: number, ctx: CallContext): Promise<void> {
  const path = () => realmPath(api, 'groups', 'count');
  const { data } = await api.client.call({ operation, method: 'GET', path, schema: Count }, ctx);
  if (data.count > seen) throw api.client.fail('transient', operation, 'the realm counts more groups than it lists');
}
