/**
 * The identity provider of the sandbox, Graph-shaped: users and groups behind replicas and an index that lag, licences
 * that follow groups, accounts that a directory on premises masters, throttling inside batches. Tokens come from a second
 * server, as they do in life.
 * Wire format: https://learn.microsoft.com/graph/api/overview
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { addBatchRoute, addGroupRoutes } from './entra-groups.ts';
import { graphError, refuseByFault, setCommonHeaders } from './entra-http.ts';
import { createEntraLogin } from './entra-login.ts';
import { type EntraGroup, EntraState, type EntraUser, newUser } from './entra-state.ts';
import { addUserRoutes } from './entra-users.ts';
import { createVendorKit, type SandboxEnv, type SandboxOptions, type SandboxServer } from './kit.ts';
import { openStore } from './store.ts';

export interface EntraSandboxOptions extends SandboxOptions {
  tenantId: string;
  clientId: string;
  clientSecret?: string;
  /** PEM of the certificate that was uploaded. */
  certificate?: string;
  /** Application permissions of the token. Default: all that the connector asks for. */
  permissions?: string[];
  groups?: EntraGroup[];
  /** A tenant without P1 shows no last sign-ins. Default true. */
  hasPremium?: boolean;
  /** How far filters are behind. Default one second. */
  indexLagMs?: number;
  /** Default 0. */
  replicaLagMs?: number;
  /** Default 0. */
  licenceLagMs?: number;
}

export interface EntraSandbox extends SandboxServer {
  /** Starts the sign-in service too; its address. */
  listenForLogins(): Promise<string>;
  readonly logins: SandboxServer;
  withdrawTokens(): void;
  /** Of this moment: a lie replaces it. */
  readonly state: EntraState;
  /** Makes an account behind everybody's back; the index knows it. */
  seedUser(userPrincipalName: string, values?: Partial<EntraUser>): string;
  createSession(userId: string): string;
  /** The next item of a batch whose URL begins so has to wait. */
  throttleBatchItem(urlStart: string, seconds: number): void;
}

const allPermissions = [
  'User.ReadWrite.All',
  'User.RevokeSessions.All',
  'GroupMember.ReadWrite.All',
  'AuditLog.Read.All',
];

export function createEntraSandbox(options: EntraSandboxOptions): EntraSandbox {
  const store = openStore(EntraState, options.state, () => seedState(options), options.onChange);
  const now = options.now ?? (() => new Date());
  const login = createEntraLogin({ ...options, permissions: options.permissions ?? allPermissions, now });
  const kit = createVendorKit({ store, options, refuse: refuseByFault, describe: () => describe(store.data) });
  const { indexLagMs = 1000, replicaLagMs = 0, licenceLagMs = 0 } = options;
  const parts = { store, now, lags: { indexLagMs, replicaLagMs, licenceLagMs } };
  const throttled: { urlStart: string; seconds: number }[] = [];
  const throttle = (url: string): number | null => {
    const index = throttled.findIndex(({ urlStart }) => url.startsWith(urlStart));
    return index < 0 ? null : (throttled.splice(index, 1)[0]?.seconds ?? null);
  };
  kit.app.onError((_error, c) => graphError(c, 500, 'InternalServerError', 'Internal error'));
  kit.app.use('/v1.0/*', async (c, next) => {
    setCommonHeaders(c);
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    if (login.accepts(token)) return next();
    return graphError(c, 401, 'InvalidAuthenticationToken', 'Access token is empty or not valid.');
  });
  // Items of a batch meet the same routes, but neither the faults nor the log of calls.
  const inner = new Hono<SandboxEnv>();
  addUserRoutes(inner, parts, { hasPremium: options.hasPremium ?? true });
  addGroupRoutes(inner, parts);
  kit.app.route('/', inner);
  addBatchRoute(kit.app, inner, throttle);
  kit.app.notFound((c) => graphError(c, 400, 'BadRequest', 'Resource not found for the segment.'));
  return {
    ...kit.server,
    listenForLogins: async () => (await login.server.listen(0)).url,
    logins: login.server,
    withdrawTokens: login.withdrawTokens,
    close: async () => void (await Promise.all([kit.server.close(), login.server.close()])),
    get state() {
      return store.data;
    },
    seedUser: (userPrincipalName, values = {}) => {
      const user = { ...newUser(randomUUID(), userPrincipalName), ...values };
      store.data.users[user.id] = user;
      store.data.index[user.id] = structuredClone(user);
      store.changed();
      return user.id;
    },
    createSession: (userId) => {
      const id = randomUUID();
      store.data.sessions.push({ id, userId });
      store.changed();
      return id;
    },
    throttleBatchItem: (urlStart, seconds) => void throttled.push({ urlStart, seconds }),
  };
}

function seedState({ groups = [] }: EntraSandboxOptions): EntraState {
  return {
    users: {},
    groups: structuredClone(Object.fromEntries(groups.map((group) => [group.id, group]))),
    sessions: [],
    licenceStates: [],
    visibleAtMs: {},
    index: {},
    indexQueue: [],
  };
}

function describe(state: EntraState): object {
  return {
    accounts: Object.values(state.users).map((user) => ({
      id: user.id,
      userName: user.userPrincipalName,
      canLogIn: user.accountEnabled,
      groups: Object.values(state.groups)
        .filter(({ memberIds }) => memberIds.includes(user.id))
        .map(({ id }) => id),
      sessions: state.sessions.filter(({ userId }) => userId === user.id).length,
    })),
    groups: Object.values(state.groups).map(({ id, displayName }) => ({ id, name: displayName })),
  };
}
