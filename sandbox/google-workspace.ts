/**
 * The office suite of the sandbox, shaped like Google's Directory API: accounts that are not ready at once, a search that
 * lags, addresses that stay as aliases, three kinds of log-ins that end apart, quotas refused with 403. Tokens come from
 * a second server, as they do in life.
 * Wire format: https://developers.google.com/workspace/admin/directory/reference/rest
 */
import { createPublicKey, randomBytes, randomInt } from 'node:crypto';
import { jwtVerify } from 'jose';
import { addGroupRoutes } from './google-workspace-groups.ts';
import { googleError, refuseByFault } from './google-workspace-http.ts';
import {
  type GoogleGroup,
  GoogleState,
  type GoogleUser,
  newUser,
  type sessionKinds,
} from './google-workspace-state.ts';
import { addUserRoutes } from './google-workspace-users.ts';
import { createVendorKit, type SandboxOptions, type SandboxServer } from './kit.ts';
import { openStore, Store } from './store.ts';

export interface GoogleSandboxOptions extends SandboxOptions {
  /** Of the service account. */
  clientEmail: string;
  /** PEM of the public key. */
  publicKey: string;
  adminUser: string;
  /** Scopes of the domain-wide delegation. */
  delegatedScopes: string[];
  /** Addresses of other domains are refused. */
  domain: string;
  groups?: GoogleGroup[];
  /** How far searches are behind. Default one second. */
  searchLagMs?: number;
  /** Default 0. */
  creationLagMs?: number;
  /** Default 0. */
  renameLagMs?: number;
}

export interface GoogleSandbox extends SandboxServer {
  /** Starts the token service too; its address. */
  listenForTokens(): Promise<string>;
  readonly tokenService: SandboxServer;
  withdrawTokens(): void;
  /** Of this moment: a lie replaces it. */
  readonly state: GoogleState;
  /** Makes an account behind everybody's back; the search knows it. */
  seedUser(primaryEmail: string, values?: Partial<GoogleUser>): string;
  createSession(userId: string, kind: (typeof sessionKinds)[number]): void;
}

export function createGoogleSandbox(options: GoogleSandboxOptions): GoogleSandbox {
  const store = openStore(GoogleState, options.state, () => seedState(options), options.onChange);
  const now = options.now ?? (() => new Date());
  const kit = createVendorKit({ store, options, refuse: refuseByFault, describe: () => describe(store.data) });
  const service = createTokenService(options, now);
  const { searchLagMs = 1000, creationLagMs = 0, renameLagMs = 0, domain } = options;
  const parts = { store, now, domain, lags: { searchLagMs, creationLagMs, renameLagMs } };
  kit.app.onError((_error, c) => googleError(c, 500, 'backendError', 'Backend Error'));
  kit.app.notFound((c) => c.html('<title>Error 404 (Not Found)!!1</title>', 404));
  kit.app.use('/admin/*', async (c, next) => {
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    return service.accepts(token) ? next() : googleError(c, 401, 'authError', 'Invalid Credentials');
  });
  addUserRoutes(kit, parts);
  addGroupRoutes(kit, parts);
  return {
    ...kit.server,
    listenForTokens: async () => (await service.server.listen(0)).url,
    tokenService: service.server,
    withdrawTokens: service.withdraw,
    close: async () => void (await Promise.all([kit.server.close(), service.server.close()])),
    get state() {
      return store.data;
    },
    seedUser: (primaryEmail, values = {}) => {
      const id = `1${Array.from({ length: 20 }, () => randomInt(10)).join('')}`;
      const user = { ...newUser(id, primaryEmail, now().toISOString()), ...values };
      store.data.users[id] = user;
      store.data.index[id] = structuredClone(user);
      store.changed();
      return id;
    },
    createSession: (userId, kind) => {
      store.data.sessions.push({ userId, kind, key: store.data.nextKey });
      store.data.nextKey += 1;
      store.changed();
    },
  };
}

interface TokenService {
  server: SandboxServer;
  accepts(token: string): boolean;
  withdraw(): void;
}

/** https://developers.google.com/identity/protocols/oauth2/service-account */
function createTokenService(options: GoogleSandboxOptions, now: () => Date): TokenService {
  const issued = new Map<string, number>();
  const { app, server } = createVendorKit({
    store: new Store({}, undefined),
    options: { now },
    refuse: (c, status) => c.json({ error: 'internal_failure' }, status as 500),
    describe: () => ({ issuedCount: issued.size }),
  });
  const key = createPublicKey(options.publicKey);
  app.post('/token', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const scopes = await scopesOf(form.get('assertion') ?? '', new URL(c.req.url).origin);
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer' || scopes === null) {
      return c.json({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }, 400);
    }
    if (!scopes.every((scope) => options.delegatedScopes.includes(scope))) {
      const text =
        'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.';
      return c.json({ error: 'unauthorized_client', error_description: text }, 401);
    }
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    issued.set(token, now().getTime() + 3_599_000);
    return c.json({ access_token: token, expires_in: 3599, token_type: 'Bearer' });
  });
  return { server, accepts: (token) => now().getTime() < (issued.get(token) ?? 0), withdraw: () => issued.clear() };

  async function scopesOf(assertion: string, origin: string): Promise<string[] | null> {
    try {
      const { payload } = await jwtVerify(assertion, key, {
        algorithms: ['RS256'],
        issuer: options.clientEmail,
        subject: options.adminUser,
        audience: `${origin}/token`,
        requiredClaims: ['exp', 'scope'],
        maxTokenAge: '1 hour',
        currentDate: now(),
      });
      return String(payload['scope']).split(' ');
    } catch {
      return null;
    }
  }
}

function seedState({ groups = [] }: GoogleSandboxOptions): GoogleState {
  return {
    users: {},
    groups: structuredClone(Object.fromEntries(groups.map((group) => [group.id, group]))),
    sessions: [],
    readyAtMs: {},
    renamedUntilMs: {},
    index: {},
    indexQueue: [],
    nextKey: 1,
  };
}

function describe(state: GoogleState): object {
  return {
    accounts: Object.values(state.users).map((user) => ({
      id: user.id,
      userName: user.primaryEmail,
      canLogIn: !user.suspended && !user.archived,
      groups: Object.values(state.groups)
        .filter(({ memberIds }) => memberIds.includes(user.id))
        .map(({ id }) => id),
      sessions: state.sessions.filter(({ userId }) => userId === user.id).length,
    })),
    groups: Object.values(state.groups).map(({ id, name }) => ({ id, name })),
  };
}
