/**
 * A SCIM 2.0 application of the sandbox (RFC 7643, RFC 7644): users, groups, filters, PATCH, paging, with the quirks
 * that real servers differ in. Sessions are not part of SCIM: here they end when the account is disabled.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  createVendorKit,
  isSameSecret,
  readJson,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
} from './kit.ts';
import { type ScimBehaviour, scimBehaviours } from './scim-behaviours.ts';
import { addScimDiscoveryRoutes } from './scim-discovery.ts';
import { addScimGroupRoutes } from './scim-groups.ts';
import { scimError, ScimRefusal } from './scim-http.ts';
import { defaultQuirks, type ScimQuirks } from './scim-quirks.ts';
import { canUserLogIn, scimBasePath, type ScimGroup, type ScimParts, ScimState, type ScimUser } from './scim-state.ts';
import { addScimUserRoutes } from './scim-users.ts';
import { openStore, type Store } from './store.ts';

export interface ScimSandboxOptions extends SandboxOptions {
  token: string;
  /** A server like a known one; `quirks` come on top of it. */
  behaviour?: ScimBehaviour;
  quirks?: Partial<ScimQuirks>;
  users?: ScimUser[];
  groups?: ScimGroup[];
}

export interface ScimSandbox extends SandboxServer {
  canLogIn(userId: string): boolean;
  /** What a login would answer; a successful one leaves a session. */
  logIn(userName: string): { canLogIn: boolean; sessionId: string | null };
  createSession(userId: string): string;
  sessionsOf(userId: string): string[];
  /** May be changed at any time. */
  quirks: ScimQuirks;
  readonly state: ScimState;
}

export function createScimSandbox(options: ScimSandboxOptions): ScimSandbox {
  const store = openStore(ScimState, options.state, () => seedState(options), options.onChange);
  const behaviour = options.behaviour === undefined ? {} : scimBehaviours[options.behaviour];
  const quirks: ScimQuirks = { ...defaultQuirks, ...behaviour, ...options.quirks };
  const kit = createVendorKit({
    store,
    options,
    basePath: scimBasePath,
    refuse: refuseByFault,
    describe: () => describe(store.data),
  });
  const access = createAccess(store);
  kit.app.onError((error, c) =>
    error instanceof ScimRefusal
      ? scimError(c, error.status, error.scimType, error.message)
      : scimError(c, 500, null, 'Internal server error'),
  );
  kit.app.notFound((c) => scimError(c, 404, null, 'There is no such resource'));
  kit.app.post('/_sandbox/login', async (c) => {
    const body = z.strictObject({ userName: z.string() }).safeParse(await readJson(c));
    return body.success
      ? c.json(access.logIn(body.data.userName))
      : c.json({ error: z.prettifyError(body.error) }, 400);
  });
  kit.app.use(`${scimBasePath}/*`, async (c, next) => {
    const token = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (token === undefined || !isSameSecret(token, options.token))
      return scimError(c, 401, null, 'Authorization failure');
    return next();
  });
  const parts: ScimParts = { store, quirks, now: kit.now };
  addScimDiscoveryRoutes(kit, quirks);
  addScimUserRoutes(kit, parts);
  addScimGroupRoutes(kit, parts);
  return {
    ...kit.server,
    ...access,
    quirks,
    get state() {
      return store.data;
    },
  };
}

function seedState({ users = [], groups = [] }: ScimSandboxOptions): ScimState {
  return structuredClone({
    users: Object.fromEntries(users.map((user) => [user.id, user])),
    groups: Object.fromEntries(groups.map((group) => [group.id, group])),
    sessions: [],
  });
}

function describe(state: ScimState): object {
  return {
    accounts: Object.values(state.users).map((user) => ({
      id: user.id,
      userName: user.userName,
      correlationKey: user.attributes['externalId'] ?? null,
      status: user.active ? 'active' : 'inactive',
      canLogIn: canUserLogIn(user),
      groups: Object.values(state.groups)
        .filter((group) => group.memberIds.includes(user.id))
        .map((group) => group.id),
      sessions: state.sessions.filter((session) => session.userId === user.id).length,
    })),
    groups: Object.values(state.groups).map(({ id, displayName }) => ({ id, name: displayName })),
  };
}

function createAccess(
  store: Store<ScimState>,
): Pick<ScimSandbox, 'canLogIn' | 'logIn' | 'createSession' | 'sessionsOf'> {
  const createSession = (userId: string): string => {
    const id = randomUUID();
    store.data.sessions.push({ id, userId });
    store.changed();
    return id;
  };
  return {
    createSession,
    canLogIn: (userId) => canUserLogIn(store.data.users[userId]),
    logIn: (userName) => {
      const wanted = userName.toLowerCase();
      const user = Object.values(store.data.users).find((candidate) => candidate.userName.toLowerCase() === wanted);
      if (user === undefined || !canUserLogIn(user)) return { canLogIn: false, sessionId: null };
      return { canLogIn: true, sessionId: createSession(user.id) };
    },
    sessionsOf: (userId) => store.data.sessions.filter((session) => session.userId === userId).map(({ id }) => id),
  };
}

function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
  return scimError(c, status, null, status === 429 ? 'Too many requests' : 'The service is not available');
}
