/**
 * Okta's users: create, find, change, lifecycle, sessions.
 * https://developer.okta.com/docs/api/openapi/okta-management/management/tags/user/
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { compileFilter } from './filter.ts';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import { cursorPage, oktaError, oktaNotFound, oktaRefusal } from './okta-http.ts';
import {
  invalid,
  LifecycleAction,
  OktaProfile,
  type OktaRefusal,
  type OktaState,
  type OktaUser,
  setStatus,
  transition,
} from './okta-state.ts';
import type { Store } from './store.ts';

export interface UserParts {
  store: Store<OktaState>;
  searchLagMs: number;
}

const maxPage = 200;
/** The few attributes that `filter=` knows; everything else needs `search=`. */
const filterable = new Set([
  'id',
  'status',
  'lastupdated',
  'profile.login',
  'profile.email',
  'profile.firstname',
  'profile.lastname',
]);

const Credentials = z.object({ password: z.object({ value: z.string().min(1) }).optional() });
const NewUser = z.object({
  profile: z.record(z.string(), z.unknown()),
  credentials: Credentials.optional(),
  groupIds: z.array(z.string()).optional(),
});
const ChangedUser = NewUser.omit({ groupIds: true }).partial();

export function addUserRoutes(kit: VendorKit, parts: UserParts): void {
  const { app } = kit;
  const { store } = parts;
  app.get('/api/v1/users', (c) => listUsers(c, kit, parts));
  app.post('/api/v1/users', (c) => createUser(c, kit, parts));
  app.get('/api/v1/users/me', (c) =>
    c.json({ id: '00uservice0000000001', status: 'ACTIVE', profile: { login: 'service@juniperlane.example' } }),
  );
  app.get('/api/v1/users/:id', (c) => {
    const user = findUser(store, c.req.param('id'));
    return user === undefined ? oktaNotFound(c, c.req.param('id'), 'User') : c.json(toView(user));
  });
  app.post('/api/v1/users/:id', (c) => changeUser(c, kit, parts, 'merge'));
  app.put('/api/v1/users/:id', (c) => changeUser(c, kit, parts, 'replace'));
  app.delete('/api/v1/users/:id', (c) => deleteUser(c, kit, parts));
  app.post('/api/v1/users/:id/lifecycle/:action', (c) => runLifecycle(c, kit, parts));
}

/** By id, by login, or by the part of the login before the @ where it is unique. */
export function findUser(store: Store<OktaState>, key: string): OktaUser | undefined {
  const byId = store.data.users[key];
  if (byId !== undefined) return byId;
  const wanted = key.toLowerCase();
  const all = Object.values(store.data.users);
  const byLogin = all.find((user) => user.profile.login.toLowerCase() === wanted);
  if (byLogin !== undefined) return byLogin;
  const byShortName = all.filter((user) => user.profile.login.toLowerCase().split('@')[0] === wanted);
  return byShortName.length === 1 ? byShortName[0] : undefined;
}

export function toView({ hasPassword, ...user }: OktaUser): object {
  const provider = { type: 'OKTA', name: 'OKTA' };
  return {
    ...user,
    passwordChanged: null,
    type: { id: 'otysandbox0000000001' },
    credentials: hasPassword ? { password: {}, provider } : { provider },
  };
}

/** Tells the search index; it shows the change after the lag. */
function queueForIndex({ store, searchLagMs }: UserParts, userId: string, now: Date): void {
  const user = store.data.users[userId];
  store.data.indexQueue.push({
    visibleAtMs: now.getTime() + searchLagMs,
    userId,
    user: user === undefined ? null : structuredClone(user),
  });
}

function refreshIndex({ store }: UserParts, now: Date): void {
  const due = store.data.indexQueue.filter((entry) => entry.visibleAtMs <= now.getTime());
  store.data.indexQueue = store.data.indexQueue.filter((entry) => entry.visibleAtMs > now.getTime());
  for (const { userId, user } of due) {
    if (user === null) delete store.data.searchIndex[userId];
    else store.data.searchIndex[userId] = user;
  }
}

/** The plain list leaves deactivated users out; `filter` and `search` do not. */
function listUsers(c: SandboxContext, { now }: VendorKit, parts: UserParts): Response {
  refreshIndex(parts, now());
  const filter = c.req.query('filter');
  const search = c.req.query('search');
  const expression = filter ?? search;
  const fresh = Object.values(parts.store.data.users);
  let users = fresh.filter((user) => user.status !== 'DEPROVISIONED');
  if (expression !== undefined) {
    const isMatch = compileFilter(expression, filter === undefined ? {} : { offered: filterable });
    if (isMatch === null) return oktaError(c, 400, 'E0000031', 'Invalid search criteria.');
    users = (filter !== undefined ? fresh : Object.values(parts.store.data.searchIndex)).filter(isMatch);
  }
  const page = cursorPage(c, users, maxPage);
  return page === null ? oktaRefusal(c, invalid('limit', 'limit: must be a number').refusal) : c.json(page.map(toView));
}

/** What is wrong with a profile, as Okta puts it; null when nothing is. */
function checkProfile(store: Store<OktaState>, profile: unknown, ownId: string | null): OktaRefusal | null {
  const parsed = OktaProfile.safeParse(profile);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map((issue) => String(issue.path[0] ?? 'profile')))];
    return invalid(fields[0] ?? 'profile', ...fields.map((field) => `${field}: The field cannot be left blank`))
      .refusal;
  }
  const { login, firstName, lastName } = parsed.data;
  const tooLong = Object.entries({ login, firstName, lastName }).find(
    ([name, value]) => value.length > (name === 'login' ? 100 : 50) || value === '',
  );
  if (tooLong !== undefined) {
    return invalid(tooLong[0], `${tooLong[0]}: The field has a length that is not allowed`).refusal;
  }
  if (!/^[^\s@]+@[^\s@]+$/.test(login)) {
    return invalid('login', 'login: Username must be in the form of an email address').refusal;
  }
  const isTaken = Object.values(store.data.users).some(
    (user) => user.id !== ownId && user.profile.login.toLowerCase() === login.toLowerCase(),
  );
  return isTaken
    ? invalid('login', 'login: An object with this field already exists in the current organization').refusal
    : null;
}

async function createUser(c: SandboxContext, { now }: VendorKit, parts: UserParts): Promise<Response> {
  const { store } = parts;
  const body = NewUser.safeParse(await readJson(c));
  if (!body.success) return oktaError(c, 400, 'E0000003', 'The request body was not well-formed.');
  const refusal = checkProfile(store, body.data.profile, null);
  if (refusal !== null) return oktaRefusal(c, refusal);
  const groupIds = body.data.groupIds ?? [];
  const unknownGroup = groupIds.find((id) => store.data.groups[id]?.type !== 'OKTA_GROUP');
  if (unknownGroup !== undefined)
    return oktaRefusal(c, invalid('groupIds', `groupIds: ${unknownGroup} not found`).refusal);
  const at = now().toISOString();
  const user: OktaUser = {
    id: `00u${randomBytes(9).toString('hex').slice(0, 17)}`,
    status: 'STAGED',
    created: at,
    activated: null,
    statusChanged: null,
    lastLogin: null,
    lastUpdated: at,
    hasPassword: body.data.credentials?.password !== undefined,
    profile: OktaProfile.parse(body.data.profile),
  };
  store.data.users[user.id] = user;
  if (c.req.query('activate') !== 'false') setStatus(store.data, user, user.hasPassword ? 'ACTIVE' : 'PROVISIONED', at);
  for (const id of groupIds) store.data.groups[id]?.memberIds.push(user.id);
  queueForIndex(parts, user.id, now());
  return c.json(toView(user));
}

async function changeUser(
  c: SandboxContext,
  { now }: VendorKit,
  parts: UserParts,
  mode: 'merge' | 'replace',
): Promise<Response> {
  const { store } = parts;
  const body = ChangedUser.safeParse(await readJson(c));
  if (!body.success) return oktaError(c, 400, 'E0000003', 'The request body was not well-formed.');
  const user = findUser(store, c.req.param('id') ?? '');
  if (user === undefined) return oktaNotFound(c, c.req.param('id') ?? '', 'User');
  const given = body.data.profile ?? {};
  const merged = Object.entries({ ...(mode === 'merge' ? user.profile : {}), ...given });
  const profile = Object.fromEntries(merged.filter(([, value]) => value !== null));
  const refusal = checkProfile(store, profile, user.id);
  if (refusal !== null) return oktaRefusal(c, refusal);
  user.profile = OktaProfile.parse(profile);
  user.lastUpdated = now().toISOString();
  if (body.data.credentials?.password !== undefined) user.hasPassword = true;
  queueForIndex(parts, user.id, now());
  return c.json(toView(user));
}

/** The first call deactivates, the second erases; both answer 204. */
function deleteUser(c: SandboxContext, { now }: VendorKit, parts: UserParts): Response {
  const { data } = parts.store;
  const user = findUser(parts.store, c.req.param('id') ?? '');
  if (user === undefined) return oktaNotFound(c, c.req.param('id') ?? '', 'User');
  if (user.status === 'DEPROVISIONED') {
    delete data.users[user.id];
    for (const group of Object.values(data.groups)) group.memberIds = group.memberIds.filter((id) => id !== user.id);
  } else setStatus(data, user, 'DEPROVISIONED', now().toISOString());
  queueForIndex(parts, user.id, now());
  return c.body(null, 204);
}

function runLifecycle(c: SandboxContext, { now }: VendorKit, parts: UserParts): Response {
  const action = LifecycleAction.safeParse(c.req.param('action'));
  const user = findUser(parts.store, c.req.param('id') ?? '');
  if (!action.success) return oktaError(c, 404, 'E0000022', 'The endpoint does not support the provided HTTP method');
  if (user === undefined) return oktaNotFound(c, c.req.param('id') ?? '', 'User');
  const result = transition(user, action.data);
  if (result.outcome === 'refused') return oktaRefusal(c, result.refusal);
  setStatus(parts.store.data, user, result.status, now().toISOString());
  queueForIndex(parts, user.id, now());
  const isActivation = action.data === 'activate' || action.data === 'reactivate';
  if (!isActivation) return c.body(null, 200);
  // The link goes to the person, or else to the caller.
  if (user.hasPassword || c.req.query('sendEmail') !== 'false') return c.json({});
  const activationToken = randomBytes(15).toString('base64url');
  return c.json({ activationUrl: `${new URL(c.req.url).origin}/welcome/${activationToken}`, activationToken });
}
