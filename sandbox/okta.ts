/**
 * The identity provider of the sandbox, Okta-shaped: users with all statuses and their rules, groups, sessions,
 * `filter=` fresh and `search=` behind by a lag, errors and rate headers as Okta sends them.
 * Wire format: https://developer.okta.com/docs/api/openapi/okta-management/management/tags/user/
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
  type VendorKit,
} from './kit.ts';
import { addGroupRoutes, holds } from './okta-groups.ts';
import { oktaError, refuseByFault, setCommonHeaders } from './okta-http.ts';
import { addLogRoutes, recordSignIn } from './okta-logs.ts';
import { addOktaOAuth, type OktaApplication, type OktaOAuth } from './okta-oauth.ts';
import { addRoleRoutes } from './okta-roles.ts';
import { addSessionRoutes } from './okta-sessions.ts';
import { canLogInWith, type OktaGroup, OktaState, OktaStatus, type OktaUser, setStatus } from './okta-state.ts';
import { addUserRoutes, findUser } from './okta-users.ts';
import { openStore, type Store } from './store.ts';

export interface OktaSandboxOptions extends SandboxOptions {
  token: string;
  /** An application that may ask for tokens with scopes, beside the API token. */
  application?: OktaApplication;
  users?: OktaUser[];
  groups?: OktaGroup[];
  /** How far `search=` is behind. Default one second. */
  searchLagMs?: number;
  /** The built-in group that holds every user and refuses membership writes. Default true. */
  hasEveryoneGroup?: boolean;
}

export interface OktaSandbox extends SandboxServer {
  /** Whether a login could succeed, now or after a step that the person can take alone. */
  canLogIn(userId: string): boolean;
  /** What a login would answer; a successful one leaves a session. */
  logIn(login: string): { canLogIn: boolean; status: OktaStatus | null; sessionId: string | null };
  /** A session that exists already, whatever the status. */
  createSession(userId: string, kind?: 'sso' | 'oauth'): string;
  sessionsOf(userId: string): string[];
  /** Puts a user into a status as life does: a lock-out, an expired password. */
  forceStatus(userId: string, status: OktaStatus): void;
  readonly state: OktaState;
}

const everyoneId = '00geveryone000000001';

export function createOktaSandbox(options: OktaSandboxOptions): OktaSandbox {
  const store = openStore(OktaState, options.state, () => seedState(options), options.onChange);
  const now = options.now ?? (() => new Date());
  const kit = createVendorKit({
    store,
    options,
    refuse: (c, status, retryAfterSeconds) => refuseByFault(c, now(), status, retryAfterSeconds),
    describe: () => describe(store.data),
  });
  const access = createAccess(store, now);
  kit.app.onError((_error, c) => oktaError(c, 500, 'E0000009', 'Internal Server Error'));
  kit.app.notFound((c) => oktaError(c, 404, 'E0000022', 'The endpoint does not support the provided HTTP method'));
  addPrivateRoutes(kit, access);
  const oauth = addOktaOAuth(kit, options.application);
  kit.app.use('/api/*', async (c, next) => {
    setCommonHeaders(c, now());
    return authorize(c, options.token, oauth) ?? next();
  });
  kit.app.get('/api/v1/org', (c) =>
    c.json({ id: '00osandbox0000000001', subdomain: 'juniperlane', companyName: 'Juniper Lane', status: 'ACTIVE' }),
  );
  addSessionRoutes(kit, store);
  addLogRoutes(kit, store);
  addRoleRoutes(kit, store);
  addUserRoutes(kit, { store, searchLagMs: options.searchLagMs ?? 1000 });
  addGroupRoutes(kit, store);
  return {
    ...kit.server,
    ...access,
    get state() {
      return store.data;
    },
  };
}

/** The refusal, or null where the call may go on. */
function authorize(c: SandboxContext, apiToken: string, oauth: OktaOAuth): Response | null {
  const [, scheme, token = ''] = /^(SSWS|Bearer) (.+)$/.exec(c.req.header('authorization') ?? '') ?? [];
  if (scheme === 'SSWS' && isSameSecret(token, apiToken)) return null;
  const verdict = scheme === 'Bearer' ? oauth.judge(c, token) : 'unknownToken';
  if (verdict === 'ok') return null;
  // What lacks a scope is told so in a header, and in no body.
  return verdict === 'missingScope' ? c.body(null, 403) : oktaError(c, 401, 'E0000011', 'Invalid token provided');
}

function seedState({ users = [], groups = [], ...options }: OktaSandboxOptions): OktaState {
  const everyone: OktaGroup = {
    id: everyoneId,
    type: 'BUILT_IN',
    name: 'Everyone',
    description: 'All users in your organization',
    created: (options.now ?? (() => new Date()))().toISOString(),
    memberIds: [],
  };
  const all = (options.hasEveryoneGroup ?? true) ? [...groups, everyone] : groups;
  return structuredClone({
    users: Object.fromEntries(users.map((user) => [user.id, user])),
    groups: Object.fromEntries(all.map((group) => [group.id, group])),
    sessions: [],
    searchIndex: Object.fromEntries(users.map((user) => [user.id, user])),
    indexQueue: [],
    rules: [],
    clientGrants: [],
    roleAssignments: [],
    logEvents: [],
  });
}

function describe(state: OktaState): object {
  return {
    accounts: Object.values(state.users).map((user) => ({
      id: user.id,
      userName: user.profile.login,
      correlationKey: user.profile['employeeNumber'] ?? null,
      status: user.status,
      canLogIn: canLogInWith(user.status),
      groups: Object.values(state.groups)
        .filter((group) => holds(state, group, user.id))
        .map((group) => group.id),
      sessions: state.sessions.filter((session) => session.userId === user.id).length,
    })),
    groups: Object.values(state.groups).map(({ id, name, type }) => ({ id, name, type })),
  };
}

type Access = Pick<OktaSandbox, 'canLogIn' | 'logIn' | 'createSession' | 'sessionsOf' | 'forceStatus'>;

function createAccess(store: Store<OktaState>, now: () => Date): Access {
  const createSession = (userId: string, kind: 'sso' | 'oauth' = 'sso'): string => {
    const id = `102${randomUUID()}`;
    store.data.sessions.push({ id, userId, kind });
    store.changed();
    return id;
  };
  return {
    createSession,
    canLogIn: (userId) => {
      const user = store.data.users[userId];
      return user !== undefined && canLogInWith(user.status);
    },
    logIn: (login) => {
      const user = findUser(store, login);
      if (user === undefined) return { canLogIn: false, status: null, sessionId: null };
      const sessionId = user.status === 'ACTIVE' ? createSession(user.id) : null;
      if (sessionId !== null) {
        user.lastLogin = now().toISOString();
        recordSignIn(store, user, { published: now(), persisted: now() });
      }
      return { canLogIn: canLogInWith(user.status), status: user.status, sessionId };
    },
    sessionsOf: (userId) => store.data.sessions.filter((session) => session.userId === userId).map(({ id }) => id),
    forceStatus: (userId, status) => {
      const user = store.data.users[userId];
      if (user === undefined) throw new Error(`There is no user ${userId}.`);
      setStatus(store.data, user, status, now().toISOString());
      store.data.searchIndex[userId] = structuredClone(user);
      store.changed();
    },
  };
}

function addPrivateRoutes({ app }: VendorKit, access: Access): void {
  const Login = z.strictObject({ login: z.string() });
  const NewSession = z.strictObject({ userId: z.string(), kind: z.enum(['sso', 'oauth']).default('sso') });
  const Forced = z.strictObject({ userId: z.string(), status: OktaStatus });
  app.post('/_sandbox/login', async (c) => {
    const body = Login.safeParse(await readJson(c));
    return body.success ? c.json(access.logIn(body.data.login)) : c.json({ error: z.prettifyError(body.error) }, 400);
  });
  app.post('/_sandbox/sessions', async (c) => {
    const body = NewSession.safeParse(await readJson(c));
    if (!body.success) return c.json({ error: z.prettifyError(body.error) }, 400);
    return c.json({ sessionId: access.createSession(body.data.userId, body.data.kind) }, 201);
  });
  app.put('/_sandbox/status', async (c) => {
    const body = Forced.safeParse(await readJson(c));
    if (!body.success) return c.json({ error: z.prettifyError(body.error) }, 400);
    access.forceStatus(body.data.userId, body.data.status);
    return c.body(null, 204);
  });
}
