/**
 * A GitHub organisation on Enterprise Cloud: provisioning by invitation, memberships, teams, outside collaborators and
 * authorised credentials, with what hurts: nobody is in before they accept, 50 invitations a day, secondary limits as
 * 403, teams that an identity provider owns, enterprise teams that survive a removal.
 * https://docs.github.com/enterprise-cloud@latest/rest
 */
import { type KeyObject, randomUUID } from 'node:crypto';
import { jwtVerify } from 'jose';
import { z } from 'zod';
import { compileFilter } from './filter.ts';
import { addGraphqlRoute } from './github-graphql.ts';
import { addOrganisationRoutes } from './github-organisation.ts';
import { toScimUser } from './github-shapes.ts';
import {
  acceptIdentity,
  acceptMembership,
  addInvitation,
  type GithubIdentity,
  type GithubParts,
  GithubState,
  type GithubTeam,
  isOverInvitationLimit,
  overInvitationLimit,
} from './github-state.ts';
import {
  createVendorKit,
  isSameSecret,
  readJson,
  type SandboxContext,
  type SandboxOptions,
  type SandboxServer,
  type VendorKit,
} from './kit.ts';
import { applyPatch } from './scim-patch-operations.ts';
import { ScimRefusal, without } from './scim-http.ts';
import { defaultQuirks } from './scim-quirks.ts';
import { openStore, type Store } from './store.ts';

export interface GithubSandboxOptions extends SandboxOptions {
  token: string;
  organization: string;
  teams?: Pick<GithubTeam, 'id' | 'slug' | 'name'>[];
  acceptsAtOnce?: boolean;
  invitationsPerDay?: number;
  /** The App whose statements are exchanged for the token. */
  app?: { appId: string; installationId: string; publicKey: KeyObject };
}

export interface GithubSandbox extends SandboxServer {
  /** Of this moment: a lie replaces it. */
  readonly state: GithubState;
  /** The person behind an identity accepts the invitation; answers the id of the GitHub user. */
  accept(identityId: string): number | null;
  acceptMembership(userId: number): void;
}

export function createGithubSandbox(options: GithubSandboxOptions): GithubSandbox {
  const store = openStore(GithubState, options.state, () => seedState(options), options.onChange);
  const kit = createVendorKit({ store, options, refuse: refuseByFault, describe: () => store.data });
  const parts: GithubParts = {
    organization: options.organization,
    acceptsAtOnce: options.acceptsAtOnce ?? false,
    invitationsPerDay: options.invitationsPerDay ?? 50,
  };
  kit.app.onError((error, c) =>
    error instanceof ScimRefusal ? scimRefusal(c, error) : c.json({ message: 'Server Error' }, 500),
  );
  kit.app.notFound((c) => c.json({ message: 'Not Found', documentation_url: 'https://docs.github.com/rest' }, 404));
  kit.app.use('*', async (c, next) => {
    const token = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    const isOpen = c.req.path.startsWith('/_sandbox/') || c.req.path.startsWith('/app/');
    if (isOpen || isSameSecret(token, options.token)) return next();
    return c.json({ message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' }, 401);
  });
  if (options.app !== undefined) addAppRoute(kit, options.app, options.token);
  addScimRoutes(kit, { store, parts });
  addOrganisationRoutes(kit, { store, parts });
  addGraphqlRoute(kit, { store, parts });
  return {
    ...kit.server,
    accept(identityId) {
      return acceptIdentity(store.data, identityId)?.id ?? null;
    },
    acceptMembership: (userId) => acceptMembership(store.data, userId),
    get state() {
      return store.data;
    },
  };
}

/** Exchanges what the App signed for a token of one hour. */
function addAppRoute(
  { app, now }: VendorKit,
  { appId, installationId, publicKey }: NonNullable<GithubSandboxOptions['app']>,
  token: string,
): void {
  app.post(`/app/installations/${installationId}/access_tokens`, async (c) => {
    const statement = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    try {
      const { payload } = await jwtVerify(statement, publicKey, {
        issuer: appId,
        currentDate: now(),
        algorithms: ['RS256'],
      });
      if ((payload.exp ?? 0) - (payload.iat ?? 0) > 600) throw new Error('the statement lives longer than ten minutes');
    } catch {
      return c.json({ message: 'A JSON web token could not be decoded' }, 401);
    }
    const expiresAt = new Date(now().getTime() + 3_600_000).toISOString();
    return c.json({ token, expires_at: expiresAt, permissions: { members: 'write' } }, 201);
  });
}

function seedState({ teams = [] }: GithubSandboxOptions): GithubState {
  const made = teams.map((team) => ({
    ...team,
    parentId: null,
    type: 'organization' as const,
    isSynchronised: false,
    members: {},
  }));
  return {
    nextId: 1e3,
    users: {},
    identities: {},
    members: {},
    outsideCollaborators: [],
    invitations: {},
    invitedAtMs: [],
    credentials: [],
    teams: Object.fromEntries(made.map((team) => [team.id, team])),
  };
}

/** A throttle is the secondary limit: 403 with Retry-After, as GitHub documents it. */
function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  const documentation_url = 'https://docs.github.com/rest';
  if (retryAfterSeconds === null) return c.json({ message: 'refused', documentation_url }, status as 500);
  c.header('Retry-After', String(retryAfterSeconds));
  return c.json({ message: 'You have exceeded a secondary rate limit.', documentation_url }, 403);
}

const scimJson = (c: SandboxContext, status: number, body: object): Response =>
  c.body(JSON.stringify(body), status as 200, { 'Content-Type': 'application/scim+json' });

/** The description of PATCH knows no 409: there a name that is taken is a 400 with its reason. */
function scimRefusal(c: SandboxContext, { status: meant, scimType, message: detail }: ScimRefusal): Response {
  const status = meant === 409 && c.req.method === 'PATCH' ? 400 : meant;
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:Error'];
  return scimJson(c, status, { schemas, status, detail, scimType, documentation_url: null, message: null });
}

const NewIdentity = z.looseObject({
  userName: z.string().min(1),
  name: z.looseObject({ givenName: z.string(), familyName: z.string() }),
  emails: z.array(z.looseObject({ value: z.string().min(1) })).min(1),
});

interface Shared {
  store: Store<GithubState>;
  parts: GithubParts;
}

/** GitHub takes one comparison, and no complex paths. */
const filterRules = {
  caseExact: new Set(['externalid', 'id']),
  offered: new Set(['externalid', 'username', 'id', 'emails']),
};

function addScimRoutes({ app, now }: VendorKit, { store, parts }: Shared): void {
  const path = `/scim/v2/organizations/${parts.organization}/Users`;
  const require = (c: SandboxContext): GithubIdentity => {
    const identity = store.data.identities[c.req.param('id') ?? ''];
    if (identity === undefined) throw new ScimRefusal(404, null, 'Resource not found');
    return identity;
  };
  const show = (identity: GithubIdentity) => toScimUser(identity, parts.organization);
  app.get(path, (c) => {
    const expression = c.req.query('filter');
    const isMatch = expression === undefined ? () => true : compileFilter(expression, filterRules);
    if (isMatch === null) throw new ScimRefusal(400, 'invalidFilter', 'The filter is not supported');
    const all = Object.values(store.data.identities).map(show).filter(isMatch);
    const startIndex = Number(c.req.query('startIndex') ?? '1');
    const page = all.slice(startIndex - 1, startIndex - 1 + Math.min(100, Number(c.req.query('count') ?? '30')));
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:ListResponse'];
    const counts = { totalResults: all.length, itemsPerPage: page.length, startIndex };
    return scimJson(c, 200, { schemas, ...counts, Resources: page });
  });
  app.post(path, async (c) => {
    const values = readIdentity(store.data, await readJson(c), null);
    if (isOverInvitationLimit(store.data, parts, now())) {
      throw new ScimRefusal(403, null, overInvitationLimit(parts));
    }
    const email = NewIdentity.shape.emails.parse(values.attributes['emails'])[0]?.value ?? null;
    const invitation = addInvitation(store.data, { login: null, email, source: 'scim' }, now());
    const claim = { userId: null, invitationId: invitation.id, nameId: values.userName };
    const identity = { id: randomUUID(), ...values, ...claim, at: now().toISOString() };
    store.data.identities[identity.id] = identity;
    if (parts.acceptsAtOnce) acceptIdentity(store.data, identity.id);
    return scimJson(c, 201, show(identity));
  });
  app.get(`${path}/:id`, (c) => scimJson(c, 200, show(require(c))));
  app.patch(`${path}/:id`, async (c) => {
    const body = await readJson(c);
    const identity = require(c);
    Object.assign(identity, readIdentity(store.data, applyPatch(show(identity), body, defaultQuirks), identity.id));
    return scimJson(c, 200, show(identity));
  });
  app.delete(`${path}/:id`, (c) => {
    const { id, userId, invitationId } = require(c);
    if (invitationId !== null) delete store.data.invitations[invitationId];
    if (userId !== null) delete store.data.members[userId];
    delete store.data.identities[id];
    return c.body(null, 204);
  });
}

function readIdentity(
  state: GithubState,
  body: unknown,
  ownId: string | null,
): Pick<GithubIdentity, 'userName' | 'attributes'> {
  const parsed = NewIdentity.safeParse(body);
  if (!parsed.success) throw new ScimRefusal(400, 'invalidValue', 'userName, name and emails are required');
  const { userName } = parsed.data;
  const isTaken = Object.values(state.identities).some(
    (identity) => identity.id !== ownId && identity.userName.toLowerCase() === userName.toLowerCase(),
  );
  if (isTaken) throw new ScimRefusal(409, 'uniqueness', 'The user name is taken');
  return { userName, attributes: without(parsed.data, ['schemas', 'id', 'userName', 'active', 'meta']) };
}
