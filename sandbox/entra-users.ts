/**
 * Graph's users: create, find, change, end sessions.
 * https://learn.microsoft.com/graph/api/resources/user
 */
import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { z } from 'zod';
import { compileODataFilter, graphError, graphNotFound, graphPageMax, linkedPage, selected } from './entra-http.ts';
import { type EntraParts, type EntraUser, indexedUsers, newUser, queueForIndex, visibleUser } from './entra-state.ts';
import { readJson, type SandboxContext, type SandboxEnv } from './kit.ts';

const bounded = (max: number) => z.string().min(1).max(max);
const Changes = z.strictObject({
  accountEnabled: z.boolean().optional(),
  userPrincipalName: bounded(113).optional(),
  mail: bounded(320).optional(),
  mailNickname: bounded(64)
    .regex(/^[\x21-\x7e]+$/)
    .optional(),
  employeeId: bounded(16).optional(),
  displayName: bounded(256).optional(),
  givenName: bounded(64).optional(),
  surname: bounded(64).optional(),
  jobTitle: bounded(128).optional(),
  department: bounded(64).optional(),
  onPremisesExtensionAttributes: z
    .record(z.string().regex(/^extensionAttribute([1-9]|1[0-5])$/), bounded(1024).nullable())
    .optional(),
  passwordProfile: z
    .strictObject({ password: z.string().min(8).max(256), forceChangePasswordNextSignIn: z.boolean() })
    .optional(),
});
type Changes = z.infer<typeof Changes>;
const NewUser = Changes.required({
  accountEnabled: true,
  displayName: true,
  mailNickname: true,
  userPrincipalName: true,
  passwordProfile: true,
});

const defaultFields = 'id,displayName,givenName,jobTitle,mail,surname,userPrincipalName'.split(',');
const signInPageMax = 500;

export interface UserRouteOptions {
  /** Without it, last sign-ins are refused. */
  hasPremium: boolean;
}

export function addUserRoutes(app: Hono<SandboxEnv>, parts: EntraParts, options: UserRouteOptions): void {
  app.get('/v1.0/users', (c) => listUsers(c, parts, options));
  app.post('/v1.0/users', (c) => createUser(c, parts));
  app.get('/v1.0/users/:id', (c) => {
    const user = userAt(c, parts);
    return user === undefined ? graphNotFound(c, c.req.param('id')) : c.json(viewOf(c, parts, user));
  });
  app.patch('/v1.0/users/:id', (c) => changeUser(c, parts));
  app.delete('/v1.0/users/:id', (c) => {
    const user = userAt(c, parts);
    if (user === undefined) return graphNotFound(c, c.req.param('id'));
    delete parts.store.data.users[user.id];
    return c.body(null, 204);
  });
  app.post('/v1.0/users/:id/revokeSignInSessions', (c) => {
    const user = userAt(c, parts);
    if (user === undefined) return graphNotFound(c, c.req.param('id'));
    const { data } = parts.store;
    if (user.userType === 'Member') data.sessions = data.sessions.filter(({ userId }) => userId !== user.id);
    return c.json({ value: true });
  });
  app.put('/v1.0/users/:id/manager/:ref', (c) => setManager(c, parts));
}

/** By id or by user principal name, as Graph reads this place. */
function userAt(c: SandboxContext, parts: EntraParts): EntraUser | undefined {
  const key = (c.req.param('id') ?? '').toLowerCase();
  const all = Object.values(parts.store.data.users);
  const user = all.find(({ id, userPrincipalName }) => id === key || userPrincipalName.toLowerCase() === key);
  return user === undefined ? undefined : visibleUser(parts, user.id);
}

function viewOf(c: SandboxContext, { store, now }: EntraParts, user: EntraUser): object {
  const { managerId, ...stored } = user;
  const licenceStates = store.data.licenceStates.filter(
    ({ userId, visibleAtMs }) => userId === user.id && visibleAtMs <= now().getTime(),
  );
  const properties = {
    ...stored,
    licenseAssignmentStates: licenceStates.map(({ groupId, skuId, state, error }) => ({
      assignedByGroup: groupId,
      skuId,
      state,
      error,
      disabledPlans: [],
    })),
  };
  const manager = managerId === null ? undefined : store.data.users[managerId];
  const isExpanded = c.req.query('$expand') === 'manager' && manager !== undefined;
  const expanded = isExpanded
    ? { manager: { '@odata.type': '#microsoft.graph.user', id: manager.id, displayName: manager.displayName } }
    : {};
  return { ...selected(c, properties, defaultFields), ...expanded };
}

function listUsers(c: SandboxContext, parts: EntraParts, { hasPremium }: UserRouteOptions): Response {
  const asksForSignIns = (c.req.query('$select') ?? '').split(',').includes('signInActivity');
  if (asksForSignIns && !hasPremium) {
    const text = "Neither tenant is B2C or tenant doesn't have premium license";
    return graphError(c, 403, 'Authentication_RequestFromNonPremiumTenantOrB2CTenant', text);
  }
  const filter = c.req.query('$filter');
  const users = filter === undefined ? Object.values(parts.store.data.users) : filtered(c, parts, filter);
  if (users === null)
    return graphError(c, 400, 'Request_UnsupportedQuery', 'Unsupported or invalid query filter clause.');
  const pageMax = asksForSignIns ? signInPageMax : graphPageMax;
  const page = linkedPage(c, users, { pageMax, view: (user) => viewOf(c, parts, user) });
  return page === null ? graphError(c, 400, 'Request_BadRequest', 'Invalid page size specified.') : c.json(page);
}

/** Filters read the index and want to be told that it may lag. */
function filtered(c: SandboxContext, parts: EntraParts, filter: string): EntraUser[] | null {
  const isAdvanced = c.req.header('consistencylevel') === 'eventual' && c.req.query('$count') === 'true';
  const test = isAdvanced ? compileODataFilter(filter) : null;
  if (test === null) return null;
  return indexedUsers(parts).filter((user) => test((path) => textAt(user, path)));
}

function textAt(user: EntraUser, path: string): string | null {
  const value = path.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], user);
  return typeof value === 'string' ? value : null;
}

function isTaken({ store }: EntraParts, name: string | undefined, id: string): boolean {
  return Object.values(store.data.users).some(
    (user) => user.id !== id && user.userPrincipalName.toLowerCase() === name?.toLowerCase(),
  );
}

function nameTaken(c: SandboxContext): Response {
  const message = 'Another object with the same value for property userPrincipalName already exists.';
  const details = [{ code: 'ObjectConflict', target: 'userPrincipalName', message }];
  return graphError(c, 400, 'Request_BadRequest', message, details);
}

function invalid(c: SandboxContext): Response {
  return graphError(c, 400, 'Request_BadRequest', 'Invalid value specified for a property of the resource.');
}

async function createUser(c: SandboxContext, parts: EntraParts): Promise<Response> {
  const body = NewUser.safeParse(await readJson(c));
  if (!body.success) return invalid(c);
  if (isTaken(parts, body.data.userPrincipalName, '')) return nameTaken(c);
  const id = randomUUID();
  const user = newUser(id, body.data.userPrincipalName);
  apply(user, body.data);
  parts.store.data.users[id] = user;
  parts.store.data.visibleAtMs[id] = parts.now().getTime() + parts.lags.replicaLagMs;
  queueForIndex(parts, user);
  return c.json(Object.fromEntries(defaultFields.map((name) => [name, (user as Record<string, unknown>)[name]])), 201);
}

async function changeUser(c: SandboxContext, parts: EntraParts): Promise<Response> {
  const body = Changes.safeParse(await readJson(c));
  const user = userAt(c, parts);
  if (user === undefined) return graphNotFound(c, c.req.param('id') ?? '');
  if (!body.success) return invalid(c);
  if (user.onPremisesSyncEnabled === true) return onPremises(c);
  if (isTaken(parts, body.data.userPrincipalName, user.id)) return nameTaken(c);
  apply(user, body.data);
  queueForIndex(parts, user);
  return c.body(null, 204);
}

export function onPremises(c: SandboxContext): Response {
  const text =
    'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.';
  return graphError(c, 400, 'Request_BadRequest', text);
}

function apply(user: EntraUser, body: Changes): void {
  const { onPremisesExtensionAttributes, ...changes } = body;
  delete changes.passwordProfile;
  Object.assign(user, changes);
  Object.assign(user.onPremisesExtensionAttributes, onPremisesExtensionAttributes);
}

async function setManager(c: SandboxContext, parts: EntraParts): Promise<Response> {
  const user = userAt(c, parts);
  if (user === undefined || c.req.param('ref') !== '$ref') return graphNotFound(c, c.req.param('id') ?? '');
  const manager = visibleUser(parts, await referenceOf(c));
  if (manager === undefined) return graphNotFound(c, 'manager');
  user.managerId = manager.id;
  return c.body(null, 204);
}

/** The id at the end of `@odata.id`. */
export async function referenceOf(c: SandboxContext): Promise<string> {
  const body = z.strictObject({ '@odata.id': z.url() }).safeParse(await readJson(c));
  const path = body.success ? new URL(body.data['@odata.id']).pathname : '';
  return /^\/v1\.0\/(?:users|directoryObjects)\/([0-9a-f-]{36})$/.exec(path)?.[1] ?? '';
}
