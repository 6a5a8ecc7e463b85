/** How GitHub words users, teams, invitations and identities, with every property that its description requires. */
import type { GithubIdentity, GithubInvitation, GithubState, GithubTeam, GithubUser } from './github-state.ts';

export function toUser({ id, login }: GithubUser): Record<string, unknown> {
  const url = `https://api.github.com/users/${login}`;
  return {
    login,
    id,
    node_id: `U_${id}`,
    type: 'User',
    site_admin: false,
    gravatar_id: '',
    url,
    html_url: `https://github.com/${login}`,
    avatar_url: `https://avatars.githubusercontent.com/u/${id}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
  };
}

export function toTeam(state: GithubState, team: GithubTeam, organization: string): Record<string, unknown> {
  const { id, slug, name, type, parentId } = team;
  const url = `https://api.github.com/organizations/1/team/${id}`;
  const parent = parentId === null ? undefined : state.teams[parentId];
  return {
    id,
    node_id: `T_${id}`,
    slug,
    name,
    description: null,
    privacy: 'closed',
    permission: 'pull',
    type,
    url,
    html_url: `https://github.com/orgs/${organization}/teams/${slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    parent: parent === undefined ? null : toParent(parent, organization),
  };
}

function toParent({ id, slug, name, type }: GithubTeam, organization: string): Record<string, unknown> {
  const url = `https://api.github.com/organizations/1/team/${id}`;
  return {
    id,
    node_id: `T_${id}`,
    slug,
    name,
    description: null,
    permission: 'pull',
    type,
    url,
    html_url: `https://github.com/orgs/${organization}/teams/${slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
  };
}

export function toInvitation({ id, login, email, source, at }: GithubInvitation, organization: string) {
  return {
    id,
    node_id: invitationNodeId(id),
    login,
    email,
    role: 'direct_member',
    created_at: at,
    failed_at: null,
    failed_reason: null,
    inviter: toUser({
      id: 1,
      login: 'owner',
    }),
    team_count: 0,
    invitation_source: source,
    invitation_teams_url: `https://api.github.com/orgs/${organization}/invitations/${id}/teams`,
  };
}

export const invitationNodeId = (id: number): string => `OI_${id}`;

export function toMembership(state: GithubState, user: GithubUser, organization: string): Record<string, unknown> {
  const member = state.members[user.id];
  const url = `https://api.github.com/orgs/${organization}`;
  return {
    url: `${url}/memberships/${user.login}`,
    state: member?.state,
    role: 'member',
    direct_membership: member?.isDirect,
    organization_url: url,
    user: toUser(user),
    enterprise_teams_providing_indirect_membership: member?.enterpriseTeams,
    organization: {
      login: organization,
      id: 1,
      node_id: 'O_1',
      url,
      description: null,
      avatar_url: 'https://github.com/o.png',
      repos_url: `${url}/repos`,
      events_url: `${url}/events`,
      hooks_url: `${url}/hooks`,
      issues_url: `${url}/issues`,
      members_url: `${url}/members{/member}`,
      public_members_url: `${url}/public_members{/member}`,
    },
  };
}

export function toScimUser(identity: GithubIdentity, organization: string): Record<string, unknown> {
  const { id, userName, attributes, at } = identity;
  const location = `https://api.github.com/scim/v2/organizations/${organization}/Users/${id}`;
  return {
    externalId: null,
    emails: [],
    ...attributes,
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    id,
    userName,
    active: true,
    meta: {
      resourceType: 'User',
      created: at,
      lastModified: at,
      location,
    },
  };
}

export function toCredential({ id, login }: { id: number; login: string }): Record<string, unknown> {
  return {
    login,
    credential_id: id,
    credential_type: 'personal access token',
    token_last_eight: '12345678',
    credential_authorized_at: '2026-01-05T10:00:00Z',
    credential_accessed_at: null,
    scopes: ['repo'],
    authorized_credential_id: id,
  };
}
