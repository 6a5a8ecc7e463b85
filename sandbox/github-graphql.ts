/**
 * The part of GitHub's GraphQL that tells who claimed an identity and which teams hold a user. It reads the fields and
 * arguments that its documentation names, by their text: another query than these is refused.
 * https://docs.github.com/graphql/reference/objects#externalidentity
 */
import { z } from 'zod';
import { invitationNodeId } from './github-shapes.ts';
import { type GithubIdentity, type GithubParts, type GithubState, membersWithChildren } from './github-state.ts';
import { readJson, type VendorKit } from './kit.ts';
import type { Store } from './store.ts';

const Body = z.strictObject({ query: z.string(), variables: z.record(z.string(), z.string().nullable()) });

export function addGraphqlRoute(
  { app }: VendorKit,
  { store, parts }: { store: Store<GithubState>; parts: GithubParts },
): void {
  app.post('/graphql', async (c) => {
    const body = Body.safeParse(await readJson(c));
    if (!body.success) return c.json({ message: 'Problems parsing JSON' }, 400);
    const { query, variables } = body.data;
    if (variables['org'] !== parts.organization) {
      return c.json({ data: { organization: null }, errors: [{ type: 'NOT_FOUND', message: 'no such organization' }] });
    }
    const answer = identitiesAnswer(store.data, query, variables) ?? teamsAnswer(store.data, query, variables);
    if (answer === null) return c.json({ errors: [{ type: 'undefinedField', message: 'not a field of this server' }] });
    return c.json({ data: { organization: answer } });
  });
}

type Variables = Record<string, string | null>;

const aliased = /(\w+): externalIdentities\(first: 10, (userName|login): \$(\w+)\)/g;

function identitiesAnswer(state: GithubState, query: string, variables: Variables): object | null {
  if (!query.includes('samlIdentityProvider')) return null;
  const all = Object.values(state.identities);
  const asked = [...query.matchAll(aliased)];
  if (asked.length === 0) {
    const start = Number(variables['after'] ?? '0');
    const nodes = all.slice(start, start + 100).map((identity) => toNode(state, identity));
    const pageInfo = { hasNextPage: start + 100 < all.length, endCursor: String(start + nodes.length) };
    return { samlIdentityProvider: { externalIdentities: { nodes, pageInfo } } };
  }
  const answers = asked.map(([, alias = '', by, variable = '']) => {
    const value = (variables[variable] ?? '').toLowerCase();
    const isMatch = (identity: GithubIdentity): boolean =>
      by === 'userName'
        ? identity.nameId?.toLowerCase() === value
        : identity.userId !== null && state.users[identity.userId]?.login.toLowerCase() === value;
    return [alias, { nodes: all.filter(isMatch).map((identity) => toNode(state, identity)) }];
  });
  return { samlIdentityProvider: Object.fromEntries(answers) as object };
}

function toNode(state: GithubState, { id, nameId, userId, invitationId }: GithubIdentity): object {
  const user = userId === null ? undefined : state.users[userId];
  const isMember = userId !== null && state.members[userId]?.state === 'active';
  return {
    guid: id,
    samlIdentity: user === undefined ? null : { nameId },
    user:
      user === undefined
        ? null
        : { login: user.login, databaseId: user.id, organization: isMember ? { login: 'the organisation' } : null },
    organizationInvitation: invitationId === null ? null : { id: invitationNodeId(invitationId) },
  };
}

function teamsAnswer(state: GithubState, query: string, variables: Variables): object | null {
  if (!query.includes('userLogins: [$login]') || !query.includes('membership: IMMEDIATE')) return null;
  const login = (variables['login'] ?? '').toLowerCase();
  const user = Object.values(state.users).find((candidate) => candidate.login.toLowerCase() === login);
  const teams = Object.values(state.teams).filter(
    (team) => user !== undefined && membersWithChildren(state, team)[user.id] === 'active',
  );
  const nodes = teams.map((team) => {
    // The search matches parts of a name, as GitHub's does.
    const similar = Object.keys(team.members)
      .filter((id) => team.members[id] === 'active')
      .flatMap((id) => state.users[id]?.login ?? [])
      .filter((name) => name.toLowerCase().includes(login));
    const members = { nodes: similar.map((name) => ({ login: name })), pageInfo: { hasNextPage: false } };
    return { databaseId: team.id, slug: team.slug, members };
  });
  return { teams: { nodes, pageInfo: { hasNextPage: false, endCursor: null } } };
}
