/** GitHub's REST routes of one organisation: members, invitations, outside collaborators, teams, authorised credentials. */
import { z } from 'zod';
import { toCredential, toInvitation, toMembership, toTeam, toUser } from './github-shapes.ts';
import {
  acceptMembership,
  addInvitation,
  type GithubParts,
  type GithubState,
  type GithubTeam,
  type GithubUser,
  isOverInvitationLimit,
  membersWithChildren,
  overInvitationLimit,
  removeMember,
  userByLogin,
} from './github-state.ts';
import { readJson, type SandboxContext, type VendorKit } from './kit.ts';
import type { Store } from './store.ts';

interface Shared {
  store: Store<GithubState>;
  parts: GithubParts;
}

export function addOrganisationRoutes(kit: VendorKit, shared: Shared): void {
  addListings(kit, shared);
  addMemberships(kit, shared);
  addTeams(kit, shared);
  addCredentials(kit, shared);
}

const documentation_url = 'https://docs.github.com/rest';
const notFound = (c: SandboxContext): Response => c.json({ message: 'Not Found', documentation_url }, 404);

/** One page with GitHub's Link header. */
function pageOf(c: SandboxContext, all: object[]): Response {
  const [page, size] = [Number(c.req.query('page') ?? '1'), Math.min(100, Number(c.req.query('per_page') ?? '30'))];
  if (page * size < all.length) {
    const next = new URL(c.req.url);
    next.searchParams.set('page', String(page + 1));
    c.header('Link', `<${next.href}>; rel="next"`);
  }
  return c.json(all.slice((page - 1) * size, page * size));
}

function addListings({ app }: VendorKit, { store, parts }: Shared): void {
  const usersOf = (ids: (string | number)[]): GithubUser[] => ids.flatMap((id) => store.data.users[id] ?? []);
  app.get(`/orgs/${parts.organization}/members`, (c) => {
    const ids = Object.entries(store.data.members).filter(([, { state }]) => state === 'active');
    return pageOf(c, usersOf(ids.map(([id]) => id)).map(toUser));
  });
  app.get(`/orgs/${parts.organization}/outside_collaborators`, (c) =>
    pageOf(c, usersOf(store.data.outsideCollaborators).map(toUser)),
  );
  app.get(`/orgs/${parts.organization}/invitations`, (c) => {
    const source = c.req.query('invitation_source') ?? 'all';
    const open = Object.values(store.data.invitations).filter((one) => source === 'all' || one.source === source);
    return pageOf(
      c,
      open.map((invitation) => toInvitation(invitation, parts.organization)),
    );
  });
  app.get('/user/:id', (c) => {
    const user = store.data.users[c.req.param('id')];
    return user === undefined ? notFound(c) : c.json(toUser(user));
  });
}

function addMemberships({ app, now }: VendorKit, { store, parts }: Shared): void {
  const path = `/orgs/${parts.organization}/memberships/:login`;
  const userOf = (c: SandboxContext) => userByLogin(store.data, c.req.param('login') ?? '');
  app.get(path, (c) => {
    const user = userOf(c);
    if (user === undefined || store.data.members[user.id] === undefined) return notFound(c);
    return c.json(toMembership(store.data, user, parts.organization));
  });
  app.put(path, async (c) => {
    const body = z.looseObject({ role: z.enum(['admin', 'member']).default('member') }).safeParse(await readJson(c));
    const user = userOf(c);
    if (user === undefined || !body.success) return notFound(c);
    if (store.data.members[user.id] === undefined) {
      if (isOverInvitationLimit(store.data, parts, now())) {
        return c.json({ message: overInvitationLimit(parts), documentation_url }, 422);
      }
      addInvitation(store.data, { login: user.login, email: null, source: 'member' }, now());
      store.data.members[user.id] = { state: 'pending', isDirect: true, enterpriseTeams: [] };
      if (parts.acceptsAtOnce) acceptMembership(store.data, user.id);
    }
    return c.json(toMembership(store.data, user, parts.organization));
  });
  app.delete(path, (c) => {
    const user = userOf(c);
    if (user === undefined || store.data.members[user.id] === undefined) return notFound(c);
    removeMember(store.data, user.id);
    return c.body(null, 204);
  });
  app.delete(`/orgs/${parts.organization}/outside_collaborators/:login`, (c) => {
    const user = userOf(c);
    if (user === undefined) return notFound(c);
    store.data.outsideCollaborators = store.data.outsideCollaborators.filter((id) => id !== user.id);
    return c.body(null, 204);
  });
  app.delete(`/orgs/${parts.organization}/invitations/:invitation`, (c) => {
    const id = c.req.param('invitation');
    if (store.data.invitations[id] === undefined) return notFound(c);
    delete store.data.invitations[id];
    for (const identity of Object.values(store.data.identities)) {
      if (identity.invitationId === Number(id)) identity.invitationId = null;
    }
    return c.body(null, 204);
  });
}

function addTeams({ app }: VendorKit, { store, parts }: Shared): void {
  app.get(`/orgs/${parts.organization}/teams`, (c) =>
    pageOf(
      c,
      Object.values(store.data.teams).map((team) => toTeam(store.data, team, parts.organization)),
    ),
  );
  const path = `/orgs/${parts.organization}/teams/:slug/memberships/:login`;
  const placeOf = (c: SandboxContext): { team: GithubTeam; user: GithubUser } | null => {
    const team = Object.values(store.data.teams).find(({ slug }) => slug === c.req.param('slug'));
    const user = userByLogin(store.data, c.req.param('login') ?? '');
    return team === undefined || user === undefined ? null : { team, user };
  };
  const membershipOf = ({ user, team }: { team: GithubTeam; user: GithubUser }, state: 'active' | 'pending') => ({
    url: `https://api.github.com/organizations/1/team/${team.id}/memberships/${user.login}`,
    role: 'member',
    state,
  });
  const ownedElsewhere = (c: SandboxContext): Response =>
    c.json({ message: 'This team is managed by team synchronization.', documentation_url }, 403);
  app.get(path, (c) => {
    const place = placeOf(c);
    const state = place === null ? undefined : membersWithChildren(store.data, place.team)[place.user.id];
    return place === null || state === undefined ? notFound(c) : c.json(membershipOf(place, state));
  });
  app.put(path, (c) => {
    const place = placeOf(c);
    if (place === null) return notFound(c);
    if (place.team.isSynchronised) return ownedElsewhere(c);
    const state = store.data.members[place.user.id]?.state ?? 'pending';
    place.team.members[place.user.id] = state;
    return c.json(membershipOf(place, state));
  });
  app.delete(path, (c) => {
    const place = placeOf(c);
    if (place === null) return notFound(c);
    if (place.team.isSynchronised) return ownedElsewhere(c);
    delete place.team.members[place.user.id];
    return c.body(null, 204);
  });
}

function addCredentials({ app }: VendorKit, { store, parts }: Shared): void {
  const path = `/orgs/${parts.organization}/credential-authorizations`;
  app.get(path, (c) => {
    const login = c.req.query('login');
    const all = store.data.credentials.map(({ id, userId }) => ({ id, login: store.data.users[userId]?.login ?? '' }));
    return pageOf(c, all.filter((one) => login === undefined || one.login === login).map(toCredential));
  });
  app.post(`${path}/:login/revoke`, (c) => {
    const user = userByLogin(store.data, c.req.param('login'));
    if (user === undefined) return notFound(c);
    store.data.credentials = store.data.credentials.filter(({ userId }) => userId !== user.id);
    return c.json({ message: 'The credential authorizations will be revoked.' }, 202);
  });
}
