/**
 * Teams as entitlements, by their numeric id: a rename changes the slug, and a new team may take the old one. Only direct
 * membership counts, since nobody can leave a parent team that a child team brings along.
 */
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { collectPages, eachPage } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { type GithubApi, graphql, listRest, Team } from './api.ts';
import { mustReadPerson } from './people.ts';

const TeamsOfUser = z.object({
  organization: z.object({
    teams: z.object({
      nodes: z.array(
        z.object({
          databaseId: z.number().int(),
          slug: z.string().min(1),
          members: z.object({
            nodes: z.array(z.object({ login: z.string() })),
            pageInfo: z.object({ hasNextPage: z.boolean() }),
          }),
        }),
      ),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    }),
  }),
});
type TeamOfUser = z.infer<typeof TeamsOfUser>['organization']['teams']['nodes'][number];

const teamIdShape = /^[1-9]\d{0,15}$/;

const TeamMembership = z.object({ state: z.string() });

const teamsQuery =
  'query ($org: String!, $login: String!, $after: String) { organization(login: $org) { teams(first: 50, after: $after, userLogins: [$login]) { nodes { databaseId slug members(first: 100, membership: IMMEDIATE, query: $login) { nodes { login } pageInfo { hasNextPage } } } pageInfo { hasNextPage endCursor } } } }';

/** The ids of the teams that the account is a direct member of; none for whoever has not accepted yet. */
export async function teamsOfAccount(api: GithubApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const { user } = await mustReadPerson(api, operation, accountId, ctx);
  if (user === null) return [];
  return (await directTeams(api, operation, user.login, ctx)).map(({ databaseId }) => String(databaseId));
}

async function directTeams(api: GithubApi, operation: string, login: string, ctx: CallContext): Promise<TeamOfUser[]> {
  const fetchPage = async (cursor: string | null): Promise<Page<TeamOfUser>> => {
    const request = { operation, query: teamsQuery, variables: { login, after: cursor }, schema: TeamsOfUser };
    const { nodes, pageInfo } = (await graphql(api, request, ctx)).organization.teams;
    return { items: nodes, nextCursor: pageInfo.hasNextPage ? pageInfo.endCursor : null };
  };
  const teams = await collectPages(fetchPage, { systemId: api.client.systemId, operation });
  const isSame = (other: string): boolean => other.toLowerCase() === login.toLowerCase();
  // The query is a search: a team with more than a page of similar names counts as held rather than as not held.
  return teams.filter(
    ({ members }) => members.pageInfo.hasNextPage || members.nodes.some((node) => isSame(node.login)),
  );
}

export interface TeamAssertion {
  accountId: string;
  teamId: string;
  state: 'present' | 'absent';
}

/**
 * Throws `awaitingHuman` while the person has not accepted the invitation to the organisation, `precondition` for teams
 * that an identity provider or the enterprise owns, and `notFound` for a team that does not exist.
 */
export async function ensureTeam(
  api: GithubApi,
  { accountId, teamId, state }: TeamAssertion,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const isPresent = state === 'present';
  if (!teamIdShape.test(teamId)) {
    if (isPresent) throw api.client.fail('notFound', operation, 'the team does not exist');
    return { outcome: 'unchanged', receipt: noReceipt };
  }
  const { user, state: standing } = await mustReadPerson(api, operation, accountId, ctx);
  if (user === null) {
    if (isPresent) throw notAccepted(api);
    return { outcome: 'unchanged', receipt: noReceipt };
  }
  const held = (await directTeams(api, operation, user.login, ctx)).find(
    ({ databaseId }) => String(databaseId) === teamId,
  );
  if (!isPresent) {
    if (held === undefined) return { outcome: 'unchanged', receipt: noReceipt };
    return write(api, 'DELETE', { slug: held.slug, login: user.login }, ctx);
  }
  if (held !== undefined && standing === 'active') return { outcome: 'unchanged', receipt: noReceipt };
  const team = await findTeam(api, operation, teamId, ctx);
  if (team === null) throw api.client.fail('notFound', operation, 'the team does not exist');
  if (team.type === 'enterprise') throw api.client.fail('precondition', operation, 'the enterprise owns the team');
  const place = { slug: team.slug, login: user.login };
  if (standing === 'active') return write(api, 'PUT', place, ctx);
  // The team waits with the invitation, so that accepting it is all that the person has to do.
  if (!(await isWaiting(api, place, ctx))) await write(api, 'PUT', place, ctx);
  throw notAccepted(api);
}

const notAccepted = (api: GithubApi) =>
  api.client.fail('awaitingHuman', 'ensureEntitlement', 'the person has not accepted the invitation yet');

interface Place {
  slug: string;
  login: string;
}

const membershipPath = (api: GithubApi, { slug, login }: Place) =>
  pathOf('orgs', api.organization, 'teams', slug, 'memberships', login);

async function isWaiting(api: GithubApi, place: Place, ctx: CallContext): Promise<boolean> {
  const path = () => membershipPath(api, place);
  const call = { operation: 'ensureEntitlement', method: 'GET' as const, path, schema: TeamMembership };
  return (await api.client.callOrNull(call, ctx)) !== null;
}

async function write(api: GithubApi, method: 'PUT' | 'DELETE', place: Place, ctx: CallContext): Promise<WriteResult> {
  const path = () => membershipPath(api, place);
  const body = method === 'PUT' ? { body: { role: 'member' } } : {};
  const call = { operation: 'ensureEntitlement', method, path, ...body, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await api.client.call(call, ctx)).receipt };
}

async function findTeam(api: GithubApi, operation: string, teamId: string, ctx: CallContext): Promise<Team | null> {
  const fetchPage = (cursor: string | null) => listTeams(api, operation, cursor, ctx);
  for await (const page of eachPage(fetchPage, { systemId: api.client.systemId, operation })) {
    const team = page.find(({ id }) => String(id) === teamId);
    if (team !== undefined) return team;
  }
  return null;
}

const listTeams = (api: GithubApi, operation: string, cursor: string | null, ctx: CallContext): Promise<Page<Team>> =>
  listRest(api, ['orgs', api.organization, 'teams'], Team, { operation, cursor }, ctx);

/** One page of the teams that members of this organisation can be put into. */
export async function listEntitlements(
  api: GithubApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const { items, nextCursor } = await listTeams(api, 'listEntitlements', cursor, ctx);
  const own = items.filter(({ type }) => type !== 'enterprise');
  return { items: own.map(({ id, name }) => ({ vendorEntitlementId: String(id), displayName: name })), nextCursor };
}
