/**
 * Atlassian Cloud as its clients see it: one SCIM directory, the managed accounts of the organisation with their API
 * tokens, and the groups of one site. What hurts: addresses on unverified domains are refused, a directory ends at 5,000
 * users, groups of the directory cannot be changed from the site, addresses are hidden, and Jira tells the end of its
 * limit as a time.
 * https://developer.atlassian.com/cloud/admin/
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import {
  createVendorKit,
  isSameSecret,
  readBasicAuth,
  readJson,
  type SandboxContext,
  type SandboxEnv,
  type SandboxOptions,
  type SandboxServer,
  type VendorKit,
} from './kit.ts';
import { scimBehaviours } from './scim-behaviours.ts';
import { addScimDiscoveryRoutes } from './scim-discovery.ts';
import { addScimGroupRoutes } from './scim-groups.ts';
import { scimError, ScimRefusal } from './scim-http.ts';
import { defaultQuirks } from './scim-quirks.ts';
import { scimBasePath, type ScimGroup, ScimState } from './scim-state.ts';
import { addScimUserRoutes } from './scim-users.ts';
import { openStore, type Store } from './store.ts';

const ManagedAccount = z.strictObject({
  accountId: z.string(),
  name: z.string(),
  status: z.enum(['active', 'inactive', 'closed']),
  type: z.enum(['atlassian', 'app']),
  lastActive: z.string().nullable(),
});

const AtlassianState = ScimState.extend({
  /** Atlassian account ids by SCIM id. */
  links: z.record(z.string(), z.string()),
  /** Managed accounts that the directory does not hold. */
  managed: z.record(z.string(), ManagedAccount),
  /** Last activity of directory users, by Atlassian account id. */
  lastActive: z.record(z.string(), z.string()),
  tokens: z.array(z.strictObject({ id: z.string(), accountId: z.string() })),
  siteGroups: z.array(z.strictObject({ groupId: z.string(), name: z.string(), members: z.array(z.string()) })),
});
export type AtlassianState = z.infer<typeof AtlassianState>;

export interface AtlassianSandboxOptions extends SandboxOptions {
  directoryId: string;
  token: string;
  organizationId: string;
  adminKey: string;
  siteToken: string;
  groups?: ScimGroup[];
  pageMax?: number;
  verifiedDomains?: string[];
  directoryMax?: number;
  /** Permissions of the site's token. */
  permissions?: string[];
}

export interface AtlassianSandbox extends SandboxServer {
  readonly state: AtlassianState;
  canLogIn(accountId: string): boolean;
  /** Links a directory user to a new Atlassian account; answers its id. */
  link(scimId: string): string;
}

const extension = 'urn:scim:schemas:extension:atlassian-external:1.0';

export function createAtlassianSandbox(options: AtlassianSandboxOptions): AtlassianSandbox {
  const store = openStore(AtlassianState, options.state, () => seedState(options), options.onChange);
  const kit = createVendorKit({ store, options, refuse: refuseByFault, describe: () => store.data });
  kit.app.onError((error, c) =>
    error instanceof ScimRefusal
      ? scimError(c, error.status, error.scimType, error.message)
      : scimError(c, 500, null, 'Internal server error'),
  );
  kit.app.use('*', async (c, next) => {
    const isAllowed = c.req.path.startsWith('/_sandbox/') || isKnown(c, options);
    return isAllowed ? next() : c.json({ error: 'Unauthorized' }, 401);
  });
  addDirectory(kit, store, options);
  addManagedAccounts(kit, store, options);
  addSite(kit, store, options);
  return {
    ...kit.server,
    link: (scimId) => linkUser(store.data, scimId),
    canLogIn(accountId) {
      const user = store.data.users[accountId];
      return user?.active ?? store.data.managed[accountId]?.status === 'active';
    },
    get state() {
      return store.data;
    },
  };
}

function seedState({ groups = [] }: AtlassianSandboxOptions): AtlassianState {
  const scim = { users: {}, sessions: [], groups: Object.fromEntries(groups.map((group) => [group.id, { ...group }])) };
  return { ...scim, links: {}, managed: {}, lastActive: {}, tokens: [], siteGroups: [] };
}

function isKnown(c: SandboxContext, { token, adminKey, siteToken }: AtlassianSandboxOptions): boolean {
  if (c.req.path.startsWith('/rest/')) return isSameSecret(readBasicAuth(c)?.password ?? '', siteToken);
  const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
  return isSameSecret(given, c.req.path.startsWith('/scim/') ? token : adminKey);
}

/** Jira tells the end of its window as a time, beside Retry-After. */
function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) {
    c.header('Retry-After', String(retryAfterSeconds));
    c.header('RateLimit-Reason', 'jira-burst-based');
  }
  if (status === 401 || status === 403) return c.json({ error: 'refused' }, status);
  if (c.req.path.startsWith('/scim/')) return scimError(c, status, null, 'refused');
  return c.json({ errorMessages: ['refused'], errors: {} }, status as 500);
}

function linkUser(state: AtlassianState, scimId: string): string {
  const accountId = `712020:${randomUUID()}`;
  state.links[scimId] = accountId;
  return accountId;
}

/** The shared SCIM routes under Atlassian's path, with Atlassian's extension on each user. */
function addDirectory(kit: VendorKit, store: Store<AtlassianState>, options: AtlassianSandboxOptions): void {
  const { directoryId, pageMax = 100, directoryMax = 5000, verifiedDomains = ['example.test'] } = options;
  const inner = new Hono<SandboxEnv>();
  inner.onError((error, c) =>
    error instanceof ScimRefusal
      ? scimError(c, error.status, error.scimType, error.message)
      : scimError(c, 500, null, 'Internal server error'),
  );
  inner.notFound((c) => scimError(c, 404, null, 'There is no such resource'));
  const quirks = { ...defaultQuirks, ...scimBehaviours.atlassian, pageMax };
  const innerKit = { ...kit, app: inner };
  addScimDiscoveryRoutes(innerKit, quirks);
  addScimUserRoutes(innerKit, { store, quirks, now: kit.now });
  addScimGroupRoutes(innerKit, { store, quirks, now: kit.now });
  const base = `/scim/directory/${directoryId}`;
  kit.app.all(`${base}/*`, async (c) => {
    const body = ['GET', 'HEAD'].includes(c.req.method) ? null : await c.req.text();
    const url = new URL(c.req.url);
    url.pathname = scimBasePath + url.pathname.slice(base.length);
    if (c.req.method === 'POST' && url.pathname.endsWith('/Users')) {
      const address = addressIn(body);
      if (!verifiedDomains.some((domain) => address.endsWith(`@${domain}`))) {
        return scimError(c, 400, 'invalidValue', 'The address is not on a verified domain');
      }
      if (Object.keys(store.data.users).length >= directoryMax) {
        return scimError(c, 400, 'invalidValue', 'The directory is full');
      }
    }
    const { method } = c.req;
    const answer = await inner.fetch(new Request(url, { method, headers: c.req.raw.headers, body }), c.env);
    const text = await answer.text();
    // The description of PATCH knows no 409: a name that is taken is a 400 with its reason.
    if (answer.status === 409 && method === 'PATCH') return scimError(c, 400, 'uniqueness', 'The name is taken');
    if (answer.status === 204) return c.body(null, 204);
    const shown = withExtension(store.data, JSON.parse(text) as Record<string, unknown>);
    return c.body(JSON.stringify(shown), answer.status as 200, { 'Content-Type': 'application/scim+json' });
  });
}

function addressIn(body: string | null): string {
  const Body = z.looseObject({ emails: z.array(z.looseObject({ value: z.string() })).min(1) });
  try {
    return Body.parse(JSON.parse(body ?? '')).emails[0]?.value.toLowerCase() ?? '';
  } catch {
    return '';
  }
}

function withExtension(state: AtlassianState, resource: Record<string, unknown>): Record<string, unknown> {
  if (Array.isArray(resource['Resources'])) {
    const all = resource['Resources'] as Record<string, unknown>[];
    return { ...resource, Resources: all.map((one) => withExtension(state, one)) };
  }
  const id = String(resource['id']);
  if (state.users[id] === undefined) return resource;
  return { ...resource, [extension]: { atlassianAccountId: state.links[id] ?? linkUser(state, id) } };
}

interface Shown {
  accountId: string;
  name: string;
  status: string;
  type: string;
  lastActive: string | null;
}

function everyAccount(state: AtlassianState): Shown[] {
  const directory = Object.values(state.users).map(({ id, userName, active }) => {
    const accountId = state.links[id] ?? linkUser(state, id);
    const lastActive = state.lastActive[accountId] ?? null;
    return { accountId, name: userName, status: active ? 'active' : 'inactive', type: 'atlassian', lastActive };
  });
  return [...directory, ...Object.values(state.managed)];
}

/** Privacy settings hide the address. */
const toManaged = ({ accountId, name, status, type, lastActive }: Shown): object => ({
  account_id: accountId,
  account_type: type,
  account_status: status,
  name,
  ...(lastActive === null ? {} : { last_active: lastActive }),
});

function addManagedAccounts({ app }: VendorKit, store: Store<AtlassianState>, options: AtlassianSandboxOptions): void {
  const { organizationId, pageMax = 100 } = options;
  const find = (c: SandboxContext) => everyAccount(store.data).find(({ accountId }) => accountId === c.req.param('id'));
  const notFound = (c: SandboxContext): Response => c.json({ message: 'not found' }, 404);
  const path = `/admin/v1/orgs/${organizationId}/users`;
  app.get(path, (c) => {
    const start = Number(c.req.query('cursor') ?? '0');
    const all = everyAccount(store.data);
    const next = start + pageMax < all.length ? `${new URL(c.req.url).origin}${path}?cursor=${start + pageMax}` : null;
    return c.json({
      data: all.slice(start, start + pageMax).map(toManaged),
      links: { next },
      meta: { total: all.length },
    });
  });
  app.get('/users/:id/manage/profile', (c) => {
    const account = find(c);
    return account === undefined ? notFound(c) : c.json({ account: toManaged(account) });
  });
  app.post('/users/:id/manage/lifecycle/:step', (c) => {
    const { id, step } = c.req.param();
    // Whoever the directory provisions is enabled and disabled there.
    if (Object.values(store.data.links).includes(id)) return c.json({ message: 'externalDirectory.scim' }, 403);
    const account = store.data.managed[id];
    if (account === undefined) return notFound(c);
    account.status = step === 'enable' ? 'active' : 'inactive';
    return c.body(null, 204);
  });
  app.get('/users/:id/manage/api-tokens', (c) => {
    const own = store.data.tokens.filter(({ accountId }) => accountId === c.req.param('id'));
    return c.json(own.map(({ id }) => ({ id, label: 'script', createdAt: '2026-01-05T10:00:00Z' })));
  });
  app.delete('/users/:id/manage/api-tokens/:token', (c) => {
    const { id, token } = c.req.param();
    const isIt = (one: { id: string; accountId: string }) => one.id === token && one.accountId === id;
    if (!store.data.tokens.some(isIt)) return notFound(c);
    store.data.tokens = store.data.tokens.filter((one) => !isIt(one));
    return c.body(null, 204);
  });
}

/** Groups of the directory appear on the site under their names, and cannot be changed there. */
function groupsOfSite(state: AtlassianState) {
  const synced = Object.values(state.groups).map(({ id, displayName, memberIds }) => ({
    groupId: `synced-${id}`,
    name: displayName,
    isSynced: true,
    members: memberIds.map((scimId) => state.links[scimId] ?? linkUser(state, scimId)),
  }));
  return [...state.siteGroups.map((group) => ({ ...group, isSynced: false })), ...synced];
}

const toGroup = ({ groupId, name }: { groupId: string; name: string }) => ({
  groupId,
  name,
  self: `https://acme.atlassian.net/rest/api/3/group?groupId=${encodeURIComponent(groupId)}`,
});

function addSite({ app }: VendorKit, store: Store<AtlassianState>, options: AtlassianSandboxOptions): void {
  const { permissions = ['ADMINISTER', 'USER_PICKER'] } = options;
  const refuse = (c: SandboxContext, status: 400 | 403 | 404, text: string) =>
    c.json({ errorMessages: [text], errors: {} }, status);
  app.get('/rest/api/3/user/groups', (c) => {
    const accountId = c.req.query('accountId') ?? '';
    return c.json(
      groupsOfSite(store.data)
        .filter(({ members }) => members.includes(accountId))
        .map(toGroup),
    );
  });
  app.get('/rest/api/3/group/bulk', (c) => {
    const [startAt, maxResults] = [Number(c.req.query('startAt') ?? '0'), Number(c.req.query('maxResults') ?? '50')];
    const all = groupsOfSite(store.data);
    const values = all.slice(startAt, startAt + maxResults).map(({ groupId, name }) => ({ groupId, name }));
    return c.json({ startAt, maxResults, total: all.length, isLast: startAt + values.length >= all.length, values });
  });
  app.on(['POST', 'DELETE'], '/rest/api/3/group/user', async (c) => {
    const group = groupsOfSite(store.data).find(({ groupId }) => groupId === c.req.query('groupId'));
    if (group === undefined) return refuse(c, 404, 'The group was not found.');
    if (group.isSynced) return refuse(c, 403, 'The group is read-only: it is synced from a directory.');
    const own = store.data.siteGroups.find(({ groupId }) => groupId === group.groupId);
    if (c.req.method === 'DELETE') {
      if (own !== undefined) own.members = own.members.filter((id) => id !== c.req.query('accountId'));
      return c.body(null, 200);
    }
    const body = z.looseObject({ accountId: z.string() }).safeParse(await readJson(c));
    if (!body.success) return refuse(c, 400, 'accountId is required.');
    if (group.members.includes(body.data.accountId))
      return refuse(c, 400, 'The user is already a member of the group.');
    own?.members.push(body.data.accountId);
    return c.json(toGroup(group), 201);
  });
  app.get('/rest/api/3/mypermissions', (c) => {
    const asked = (c.req.query('permissions') ?? '').split(',');
    const toPermission = (key: string) => ({
      id: '0',
      key,
      name: key,
      type: 'GLOBAL',
      havePermission: permissions.includes(key),
    });
    return c.json({ permissions: Object.fromEntries(asked.map((key) => [key, toPermission(key)])) });
  });
}
