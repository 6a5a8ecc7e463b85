/** The routes of the admin REST below one realm, as far as Usher and its tests need them. */
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import {
  applyUpdate,
  duplicateOf,
  groupPath,
  keptAttributes,
  type KeycloakGroup,
  type KeycloakState,
  type KeycloakUser,
  matchesQuery,
  readAttributeQuery,
  refusalOf,
  UserBody,
  userView,
} from './keycloak-state.ts';
import type { Store } from './store.ts';

export interface KeycloakRealm {
  kit: VendorKit;
  store: Store<KeycloakState>;
  /** `/admin/realms/REALM`. */
  base: string;
  realm: string;
  /** Roles of realm-management that the caller's token carries. */
  rolesOf(c: SandboxContext): string[];
}

const defaultMax = 100;

function pageOf<T>(c: SandboxContext, all: T[]): T[] {
  const first = Number(c.req.query('first') ?? 0);
  return all.slice(first, first + Number(c.req.query('max') ?? defaultMax));
}

export const missing = (c: SandboxContext, what: string): Response => c.json({ error: `${what} not found` }, 404);
export const forbidden = (c: SandboxContext): Response => c.json({ error: 'HTTP 403 Forbidden' }, 403);

/** Adds all routes. */
export function addAdminRoutes(realm: KeycloakRealm): void {
  addRights(realm);
  addUserReadRoutes(realm);
  addUserWriteRoutes(realm);
  addConsentRoutes(realm);
  addEntitlementRoutes(realm);
  addSessionRoutes(realm);
  addRealmRoutes(realm);
}

/** 403 as Keycloak gives it: querying is enough for an empty listing, and for nothing else. */
function addRights({ kit: { app }, base, rolesOf }: KeycloakRealm): void {
  const needs =
    (...names: string[]) =>
    async (c: SandboxContext, next: () => Promise<void>) =>
      rolesOf(c).some((role) => names.includes(role)) ? next() : forbidden(c);
  const users = ['manage-users', 'view-users'];
  app.use(`${base}/users`, needs(...users, 'query-users'));
  app.use(`${base}/users/*`, async (c, next) => {
    const isRead = c.req.method === 'GET';
    return needs('manage-users', ...(isRead ? ['view-users', 'query-users'] : []))(c, next);
  });
  app.use(`${base}/attack-detection/*`, needs(...users));
  app.use(`${base}/groups/*`, needs(...users, 'query-groups'));
  app.use(`${base}/groups`, needs(...users, 'query-groups'));
  app.use(`${base}/roles/*`, needs('view-realm', 'manage-realm'));
  app.use(`${base}/roles`, needs('view-realm', 'manage-realm'));
  app.use(`${base}/events/*`, needs('view-events', 'manage-events'));
  app.use(`${base}/events`, needs('view-events', 'manage-events'));
}

function addUserReadRoutes({ kit: { app, now }, store, base, rolesOf }: KeycloakRealm): void {
  const view = (user: KeycloakUser): object => userView(store.data, user, now().getTime());
  const canView = (c: SandboxContext): boolean =>
    rolesOf(c).some((role) => role === 'manage-users' || role === 'view-users');

  app.get(`${base}/users/profile`, (c) => {
    const { declared, unmanagedAttributePolicy } = store.data.settings;
    const own = ['username', 'email', 'firstName', 'lastName'].map((name) => ({ name, edit: ['admin', 'user'] }));
    const attributes = [...own, ...declared].map(({ name, edit }) => ({
      name,
      permissions: { view: ['admin', 'user'], edit },
      multivalued: false,
    }));
    return c.json({ attributes, ...(unmanagedAttributePolicy === null ? {} : { unmanagedAttributePolicy }) });
  });
  app.get(`${base}/users`, (c) => {
    // With query-users alone every filter is passed and nobody is shown.
    if (!canView(c)) return c.json([]);
    const q = c.req.query('q');
    const terms = q === undefined ? [] : readAttributeQuery(q);
    const users = Object.values(store.data.users)
      .filter((user) => matchesQuery(user, terms))
      .sort((a, b) => (a.username < b.username ? -1 : 1));
    return c.json(pageOf(c, users).map(view));
  });
  app.get(`${base}/users/:id`, (c) => {
    const user = store.data.users[c.req.param('id')];
    if (user === undefined) return missing(c, 'User');
    return canView(c) ? c.json(view(user)) : forbidden(c);
  });
  app.get(`${base}/attack-detection/brute-force/users/:id`, (c) => {
    const user = store.data.users[c.req.param('id')];
    if (user === undefined) return missing(c, 'User');
    const disabled = user.lockedUntilMs !== null && user.lockedUntilMs > now().getTime();
    return c.json({
      numFailures: disabled ? 3 : 0,
      numTemporaryLockouts: 0,
      disabled,
      lastIPFailure: 'n/a',
      lastFailure: 0,
    });
  });
}

function addUserWriteRoutes({ kit: { app, now }, store, base }: KeycloakRealm): void {
  app.post(`${base}/users`, async (c) => {
    const body = UserBody.safeParse(await readJson(c));
    if (!body.success || body.data.username === undefined) return c.json({ errorMessage: 'User name is missing' }, 400);
    const refusal = refusalOf(body.data) ?? duplicateOf(store.data, body.data, null);
    if (refusal !== null) return c.json(refusal.body, refusal.status);
    const { username, email, firstName, lastName, enabled, requiredActions, attributes } = body.data;
    const id = randomUUID();
    store.data.users[id] = {
      id,
      username: username.toLowerCase(),
      email: email?.toLowerCase() || null,
      firstName: firstName || null,
      lastName: lastName || null,
      enabled: enabled ?? false,
      lockedUntilMs: null,
      federationLink: null,
      requiredActions: requiredActions ?? [],
      createdMs: now().getTime(),
      attributes: keptAttributes(store.data, attributes),
      groupIds: [],
      roleIds: [],
    };
    c.header('Location', `${new URL(c.req.url).origin}${base}/users/${id}`);
    return c.body(null, 201);
  });
  app.put(`${base}/users/:id`, async (c) => {
    const body = UserBody.safeParse(await readJson(c));
    const user = store.data.users[c.req.param('id')];
    if (user === undefined) return missing(c, 'User');
    if (!body.success) return c.json({ error: 'unknown_error' }, 400);
    const refusal = applyUpdate(store.data, user, body.data);
    return refusal === null ? c.body(null, 204) : c.json(refusal.body, refusal.status);
  });
}

/** Every client has an id beside the name that its protocol knows. */
const clientUuidOf = (clientId: string): string => createHash('sha256').update(clientId).digest('hex').slice(0, 32);

function addSessionRoutes({ kit: { app }, store, base }: KeycloakRealm): void {
  app.get(`${base}/users/:id/offline-sessions/:client`, (c) => {
    const { id, client } = c.req.param();
    const own = store.data.sessions.filter((each) => each.userId === id && each.isOffline);
    return c.json(
      own
        .filter(({ clientId }) => clientUuidOf(clientId) === client)
        .map((session) => ({ id: session.id, userId: id, clients: { [client]: session.clientId } })),
    );
  });
  app.delete(`${base}/sessions/:session`, (c) => {
    const isIt = ({ id, isOffline }: KeycloakState['sessions'][number]): boolean =>
      id === c.req.param('session') && isOffline === (c.req.query('isOffline') === 'true');
    if (!store.data.sessions.some(isIt)) return c.json({ error: 'Sesssion not found' }, 404);
    store.data.sessions = store.data.sessions.filter((each) => !isIt(each));
    return c.body(null, 204);
  });
}

function addConsentRoutes({ kit: { app }, store, base }: KeycloakRealm): void {
  const userOf = (c: SandboxContext): KeycloakUser | undefined => store.data.users[c.req.param('id') ?? ''];
  app.post(`${base}/users/:id/logout`, (c) => {
    const user = userOf(c);
    if (user === undefined) return missing(c, 'User');
    store.data.sessions = store.data.sessions.filter((each) => each.userId !== user.id || each.isOffline);
    return c.body(null, 204);
  });
  app.get(`${base}/users/:id/consents`, (c) => {
    const user = userOf(c);
    if (user === undefined) return missing(c, 'User');
    const offline = store.data.sessions.filter((each) => each.userId === user.id && each.isOffline);
    const clients = [...new Set(offline.map(({ clientId }) => clientId))];
    const grant = (clientId: string) => [{ client: clientUuidOf(clientId), key: 'Offline Token' }];
    return c.json(
      clients.map((clientId) => ({ clientId, grantedClientScopes: [], additionalGrants: grant(clientId) })),
    );
  });
  app.delete(`${base}/users/:id/consents/:client`, (c) => {
    const { id, client } = c.req.param();
    const isIt = (each: KeycloakState['sessions'][number]): boolean =>
      each.userId === id && each.clientId === client && each.isOffline;
    if (!store.data.sessions.some(isIt)) return c.json({ error: 'Consent nor offline token not found' }, 404);
    store.data.sessions = store.data.sessions.filter((each) => !isIt(each));
    return c.body(null, 204);
  });
}

function addEntitlementRoutes({ kit: { app }, store, base, realm }: KeycloakRealm): void {
  const userOf = (c: SandboxContext): KeycloakUser | undefined => store.data.users[c.req.param('id') ?? ''];
  app.get(`${base}/users/:id/groups`, (c) => {
    const user = userOf(c);
    if (user === undefined) return missing(c, 'User');
    const groups = store.data.groups.filter(({ id }) => user.groupIds.includes(id));
    return c.json(pageOf(c, groups).map((group) => groupView(store.data, group)));
  });
  app.on(['PUT', 'DELETE'], `${base}/users/:id/groups/:group`, (c) => {
    const user = userOf(c);
    if (user === undefined) return missing(c, 'User');
    const groupId = c.req.param('group');
    if (!store.data.groups.some(({ id }) => id === groupId)) return missing(c, 'Group');
    const others = user.groupIds.filter((id) => id !== groupId);
    user.groupIds = c.req.method === 'PUT' ? [...others, groupId] : others;
    return c.body(null, 204);
  });
  app.get(`${base}/users/:id/role-mappings/realm`, (c) => {
    const user = userOf(c);
    if (user === undefined) return missing(c, 'User');
    const roles = store.data.roles.filter(
      ({ id, name }) => user.roleIds.includes(id) || name === `default-roles-${realm}`,
    );
    return c.json(roles.map(roleView));
  });
  app.on(['POST', 'DELETE'], `${base}/users/:id/role-mappings/realm`, async (c) => {
    const body = z.array(z.object({ id: z.string(), name: z.string() })).safeParse(await readJson(c));
    const user = userOf(c);
    if (user === undefined) return missing(c, 'User');
    const known = (name: string) => store.data.roles.find((role) => role.name === name);
    if (!body.success || body.data.some(({ name }) => known(name) === undefined)) return missing(c, 'Role');
    const ids = body.data.flatMap(({ name }) => known(name)?.id ?? []);
    const others = user.roleIds.filter((id) => !ids.includes(id));
    user.roleIds = c.req.method === 'POST' ? [...others, ...ids] : others;
    return c.body(null, 204);
  });
}

const groupView = (state: KeycloakState, group: KeycloakGroup): object => ({
  id: group.id,
  name: group.name,
  path: groupPath(state, group),
  ...(group.parentId === null ? {} : { parentId: group.parentId }),
  subGroupCount: state.groups.filter(({ parentId }) => parentId === group.id).length,
  subGroups: [],
});

const roleView = ({ id, name }: KeycloakState['roles'][number]): object => ({
  id,
  name,
  composite: name.startsWith('default-roles-'),
  clientRole: false,
});

function addRealmRoutes({ kit: { app }, store, base, realm, rolesOf }: KeycloakRealm): void {
  app.get(base, (c) => {
    const { accessTokenLifespan, editUsernameAllowed, eventsEnabled } = store.data.settings;
    const canView = rolesOf(c).some((role) => role === 'view-realm' || role === 'manage-realm');
    return c.json({ realm, ...(canView ? { accessTokenLifespan, editUsernameAllowed, eventsEnabled } : {}) });
  });
  app.get(`${base}/groups/count`, (c) => c.json({ count: store.data.groups.length }));
  app.get(`${base}/groups`, (c) => {
    // Without a search, or with an empty one, the top of the tree alone.
    const search = c.req.query('search') ?? '';
    const text = search.replaceAll('*', '').toLowerCase();
    const listed = store.data.groups
      .filter(({ name, parentId }) => (search === '' ? parentId === null : name.toLowerCase().includes(text)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return c.json(pageOf(c, listed).map((group) => groupView(store.data, group)));
  });
  app.get(`${base}/roles`, (c) => {
    const roles = store.data.roles.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return c.json(pageOf(c, roles).map(roleView));
  });
  app.get(`${base}/roles/:name`, (c) => {
    const role = store.data.roles.find(({ name }) => name === c.req.param('name'));
    return role === undefined ? c.json({ error: 'Could not find role' }, 404) : c.json(roleView(role));
  });
  app.get(`${base}/events/config`, (c) =>
    c.json({ eventsEnabled: store.data.settings.eventsEnabled, enabledEventTypes: ['LOGIN', 'LOGOUT'] }),
  );
  app.get(`${base}/events`, (c) => {
    const from = Number(c.req.query('dateFrom') ?? 0);
    const type = c.req.query('type');
    const events = store.data.events
      .filter((event) => event.time >= from && (type === undefined || event.type === type))
      .sort((a, b) => (c.req.query('direction') === 'asc' ? a.time - b.time : b.time - a.time));
    return c.json(pageOf(c, events));
  });
}
