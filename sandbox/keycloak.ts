/**
 * Keycloak as its clients see it: the token endpoint and the admin REST of one realm, with the manners that were measured
 * on 26.7.3: updates that empty what they leave out, attributes that vanish, listings that are empty where rights are
 * missing, sessions that outlive a disabled account, offline tokens that outlive a logout.
 * Wire format: https://www.keycloak.org/docs-api/latest/rest-api/index.html
 */
import { createHmac, randomUUID } from 'node:crypto';
import { addAdminRoutes } from './keycloak-routes.ts';
import { type KeycloakGroup, type KeycloakRole, type KeycloakSettings, KeycloakState } from './keycloak-state.ts';
import {
  createVendorKit,
  isSameSecret,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
  type VendorKit,
} from './kit.ts';
import { openStore, type Store } from './store.ts';

export interface KeycloakSandboxOptions extends SandboxOptions {
  realm: string;
  clientId: string;
  clientSecret: string;
  /** Roles of realm-management that the service account has. Default: all that Usher asks for. */
  serviceRoles?: string[];
  groups?: KeycloakGroup[];
  roles?: KeycloakRole[];
  settings?: Partial<KeycloakSettings>;
}

export interface KeycloakSandbox extends SandboxServer {
  /** A session as a login leaves it; its id is the refresh token. Leaves a LOGIN event where events are saved. */
  createSession(userId: string, options?: { clientId?: string; isOffline?: boolean }): string;
  /** Of this moment: a lie replaces it. */
  readonly state: KeycloakState;
}

const tokenLifeSeconds = 300;
const allRoles = ['manage-users', 'view-users', 'query-users', 'query-groups', 'view-realm', 'view-events'];

export function createKeycloakSandbox(options: KeycloakSandboxOptions): KeycloakSandbox {
  const { realm } = options;
  const store = openStore(KeycloakState, options.state, () => seedState(options), options.onChange);
  const kit = createVendorKit({ store, options, refuse: refuseByFault, describe: () => describe(store.data) });
  const tokens = createTokens(options, () => kit.now().getTime());
  const base = `/admin/realms/${realm}`;
  kit.app.onError((_error, c) => c.json({ error: 'unknown_error' }, 500));
  kit.app.notFound((c) =>
    c.req.path.includes(`/realms/${realm}`)
      ? c.json({ error: 'HTTP 404 Not Found' }, 404)
      : c.json({ error: 'Realm not found.' }, 404),
  );
  addTokenRoute(kit, store, { options, tokens });
  kit.app.use('/admin/*', async (c, next) => {
    if (!c.req.path.startsWith(base)) return c.json({ error: 'Realm not found.' }, 404);
    return tokens.isValid(bearerOf(c)) ? next() : c.json({ error: 'HTTP 401 Unauthorized' }, 401);
  });
  addAdminRoutes({ kit, store, base, realm, rolesOf: (c) => tokens.rolesOf(bearerOf(c)) });
  return {
    ...kit.server,
    createSession(userId, { clientId = 'portal', isOffline = false } = {}) {
      const id = randomUUID();
      store.data.sessions.push({ id, userId, clientId, isOffline });
      const event = { id: randomUUID(), time: kit.now().getTime(), type: 'LOGIN', userId };
      if (store.data.settings.eventsEnabled) store.data.events.push(event);
      store.changed();
      return id;
    },
    get state() {
      return store.data;
    },
  };
}

function seedState({ realm, groups = [], roles = [], settings }: KeycloakSandboxOptions): KeycloakState {
  const ofEverybody = { id: randomUUID(), name: `default-roles-${realm}` };
  return structuredClone({
    users: {},
    groups,
    roles: [...roles, ofEverybody],
    sessions: [],
    events: [],
    settings: {
      eventsEnabled: true,
      editUsernameAllowed: true,
      accessTokenLifespan: 300,
      unmanagedAttributePolicy: 'ADMIN_EDIT' as const,
      declared: [],
      locksReadAsDisabled: false,
      ...settings,
    },
  });
}

function describe(state: KeycloakState): object {
  return {
    accounts: Object.values(state.users).map((user) => ({
      id: user.id,
      userName: user.username,
      correlationKey: user.attributes['usherPersonId']?.[0] ?? null,
      status: user.enabled ? 'enabled' : 'disabled',
      canLogIn: user.enabled,
      groups: [...user.groupIds, ...user.roleIds],
      sessions: state.sessions.filter(({ userId }) => userId === user.id).length,
    })),
    groups: state.groups.map(({ id, name }) => ({ id, name })),
  };
}

/** A proxy in front of it may say 429; Keycloak itself sets no limit. */
function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
  const error = status === 404 ? 'User not found' : 'unknown_error';
  return c.json({ error }, status as 500);
}

const bearerOf = (c: SandboxContext): string => /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';

interface Tokens {
  issue(): string;
  isValid(token: string): boolean;
  rolesOf(token: string): string[];
}

/** Signed for real, so that a token of another sandbox, or one that was made up, is refused. */
function createTokens(
  { clientId, clientSecret, serviceRoles = allRoles }: KeycloakSandboxOptions,
  nowMs: () => number,
): Tokens {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (text: string): string => createHmac('sha256', clientSecret).update(text).digest('base64url');
  const claimsOf = (token: string): { exp: number; resource_access: Record<string, { roles: string[] }> } =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as ReturnType<typeof claimsOf>;
  return {
    issue() {
      const exp = Math.floor(nowMs() / 1000) + tokenLifeSeconds;
      const resources = serviceRoles.length === 0 ? {} : { 'realm-management': { roles: serviceRoles } };
      const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp, azp: clientId, typ: 'Bearer', resource_access: { account: { roles: ['view-profile'] }, ...resources } })}`;
      return `${text}.${sign(text)}`;
    },
    isValid(token) {
      const [head, body, signature] = token.split('.');
      if (!isSameSecret(signature ?? '', sign(`${head}.${body}`))) return false;
      return claimsOf(token).exp * 1000 > nowMs();
    },
    rolesOf: (token) => claimsOf(token).resource_access['realm-management']?.roles ?? [],
  };
}

function addTokenRoute(
  { app }: VendorKit,
  store: Store<KeycloakState>,
  { options, tokens }: { options: KeycloakSandboxOptions; tokens: Tokens },
): void {
  app.post(`/realms/${options.realm}/protocol/openid-connect/token`, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const refuse = (status: 400 | 401, error: string, text: string): Response =>
      c.json({ error, error_description: text }, status);
    switch (form.get('grant_type')) {
      case 'client_credentials': {
        const isClient = form.get('client_id') === options.clientId;
        if (!isClient || !isSameSecret(form.get('client_secret') ?? '', options.clientSecret)) {
          return refuse(401, 'invalid_client', 'Invalid client or Invalid client credentials');
        }
        return c.json({
          access_token: tokens.issue(),
          expires_in: tokenLifeSeconds,
          token_type: 'Bearer',
          scope: 'profile',
        });
      }
      case 'refresh_token': {
        const session = store.data.sessions.find(({ id }) => id === form.get('refresh_token'));
        if (session === undefined) return refuse(400, 'invalid_grant', 'Session not active');
        // The session of a disabled account stays, and lives again when the account is enabled.
        if (store.data.users[session.userId]?.enabled !== true) return refuse(400, 'invalid_grant', 'User disabled');
        return c.json({ access_token: randomUUID(), refresh_token: session.id, expires_in: tokenLifeSeconds });
      }
      default:
        return refuse(400, 'unsupported_grant_type', 'Unsupported grant_type');
    }
  });
}
