/**
 * Slack as an administrator's client sees it: SCIM 2.0 with Slack's quirks and ids, and the procedures of the Web API that
 * end sessions and tell the access logs. What hurts: refusals with 200, throttling without a header, at most a hundred
 * pages of a log.
 * https://docs.slack.dev/reference/scim-api, https://docs.slack.dev/reference/methods
 */
import { z } from 'zod';
import {
  createVendorKit,
  isSameSecret,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
  type VendorKit,
} from './kit.ts';
import { scimBehaviours } from './scim-behaviours.ts';
import { addScimDiscoveryRoutes } from './scim-discovery.ts';
import { addScimGroupRoutes } from './scim-groups.ts';
import { scimError, ScimRefusal } from './scim-http.ts';
import { defaultQuirks } from './scim-quirks.ts';
import { canUserLogIn, scimBasePath, type ScimGroup, type ScimParts, ScimState } from './scim-state.ts';
import { addScimUserRoutes } from './scim-users.ts';
import { openStore, type Store } from './store.ts';

export const SlackState = ScimState.extend({
  nextUser: z.number(),
  /** One row per user, device and network. */
  accessLogs: z.array(z.strictObject({ userId: z.string(), dateLast: z.number() })),
});
export type SlackState = z.infer<typeof SlackState>;

export interface SlackSandboxOptions extends SandboxOptions {
  token: string;
  groups?: ScimGroup[];
  pageMax?: number;
  /** As Slack tells them in X-OAuth-Scopes. */
  scopes?: string[];
  isEnterprise?: boolean;
}

export interface SlackSandbox extends SandboxServer {
  readonly state: SlackState;
  canLogIn(userId: string): boolean;
  newUserId(): string;
  /** The next calls of the Web API answer 200 with `ratelimited` and no header. */
  throttleQuietly(times: number): void;
}

export function createSlackSandbox(options: SlackSandboxOptions): SlackSandbox {
  const seed = (): SlackState => {
    const groups = (options.groups ?? []).map((group) => [group.id, structuredClone(group)]);
    return { users: {}, groups: Object.fromEntries(groups), sessions: [], nextUser: 100, accessLogs: [] };
  };
  const store = openStore(SlackState, options.state, seed, options.onChange);
  const kit = createVendorKit({ store, options, refuse: refuseByFault, describe: () => store.data });
  const newUserId = (): string => `U0SBX${store.data.nextUser++}`;
  let quietThrottles = 0;
  kit.app.onError((error, c) =>
    error instanceof ScimRefusal
      ? scimError(c, error.status, error.scimType, error.message)
      : scimError(c, 500, null, 'Internal server error'),
  );
  kit.app.notFound((c) => scimError(c, 404, null, 'There is no such resource'));
  kit.app.use('*', async (c, next) => {
    if (c.req.path.startsWith('/_sandbox/')) return next();
    const isWeb = c.req.path.startsWith('/api/');
    const token = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    if (!isSameSecret(token, options.token)) {
      return isWeb ? c.json({ ok: false, error: 'invalid_auth' }) : scimError(c, 401, null, 'invalid_authentication');
    }
    if (isWeb && quietThrottles > 0) {
      quietThrottles -= 1;
      return c.json({ ok: false, error: 'ratelimited' });
    }
    return next();
  });
  const quirks = { ...defaultQuirks, ...scimBehaviours.slack, pageMax: options.pageMax ?? 1000 };
  const parts: ScimParts = { store, quirks, now: kit.now, newUserId };
  addScimDiscoveryRoutes(kit, quirks);
  addScimUserRoutes(kit, parts);
  addScimGroupRoutes(kit, parts);
  addWebApi(kit, store, options);
  return {
    ...kit.server,
    newUserId,
    canLogIn: (userId) => canUserLogIn(store.data.users[userId]),
    throttleQuietly(times) {
      quietThrottles = times;
    },
    get state() {
      return store.data;
    },
  };
}

function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
  if (!c.req.path.startsWith(scimBasePath)) {
    return c.json({ ok: false, error: status === 429 ? 'ratelimited' : 'fatal_error' }, status as 500);
  }
  return scimError(c, status, null, status === 429 ? 'ratelimited' : 'The service is not available');
}

const refuse = (c: SandboxContext, error: string): Response => c.json({ ok: false, error });

function addWebApi({ app }: VendorKit, store: Store<SlackState>, options: SlackSandboxOptions): void {
  const { scopes = ['admin', 'admin.users:write'], isEnterprise = true } = options;
  app.get('/api/auth.test', (c) => {
    c.header('X-OAuth-Scopes', scopes.join(','));
    const team = { url: 'https://acme.slack.com/', team: 'Acme', team_id: 'T0SBX1', user: 'owner', user_id: 'U0SBX1' };
    return c.json({ ok: true, ...team });
  });
  app.post('/api/admin.users.session.reset', async (c) => {
    const userId = new URLSearchParams(await c.req.text()).get('user_id') ?? '';
    if (!isEnterprise) return refuse(c, 'feature_not_enabled');
    if (!scopes.includes('admin.users:write')) return refuse(c, 'missing_scope');
    if (store.data.users[userId] === undefined) return refuse(c, 'user_not_found');
    store.data.sessions = store.data.sessions.filter((session) => session.userId !== userId);
    return c.json({ ok: true });
  });
  app.get('/api/team.accessLogs', (c) => {
    const [page, count] = [Number(c.req.query('page') ?? '1'), Math.min(1000, Number(c.req.query('count') ?? '100'))];
    if (page > 100) return refuse(c, 'over_pagination_limit');
    const before = Number(c.req.query('before') ?? 'Infinity');
    const rows = store.data.accessLogs
      .filter(({ dateLast }) => dateLast <= before)
      .toSorted((one, other) => other.dateLast - one.dateLast);
    const logins = rows.slice((page - 1) * count, page * count).map(toLogin);
    const paging = { count, page, pages: Math.ceil(rows.length / count), total: rows.length };
    return c.json({ ok: true, logins, paging });
  });
}

function toLogin({ userId, dateLast }: SlackState['accessLogs'][number], index: number) {
  return {
    user_id: userId,
    username: userId.toLowerCase(),
    date_first: dateLast - 60,
    date_last: dateLast,
    count: 1,
    ip: `192.0.2.${index % 250}`,
    user_agent: 'Mozilla/5.0',
    isp: null,
    country: null,
    region: null,
  };
}
