/**
 * What the organisation of GitHub's stand-in stores: GitHub users, who of them is in and how, provisioned identities,
 * invitations, teams, and the credentials that people authorised for the organisation.
 */
import { z } from 'zod';

export const GithubUser = z.strictObject({ id: z.number(), login: z.string().min(1) });
export type GithubUser = z.infer<typeof GithubUser>;

export const GithubIdentity = z.strictObject({
  id: z.string(),
  userName: z.string().min(1),
  /** The other attributes of the SCIM resource, as the client sent them. */
  attributes: z.record(z.string(), z.unknown()),
  /** The GitHub user who claimed it. */
  userId: z.number().nullable(),
  invitationId: z.number().nullable(),
  /** What SAML says; the same as the user name unless somebody changed one of them. */
  nameId: z.string().nullable(),
  at: z.string(),
});
export type GithubIdentity = z.infer<typeof GithubIdentity>;

export const GithubMember = z.strictObject({
  state: z.enum(['active', 'pending']),
  /** False: an enterprise team alone keeps the person in. */
  isDirect: z.boolean(),
  enterpriseTeams: z.array(z.string()),
});

export const GithubInvitation = z.strictObject({
  id: z.number(),
  login: z.string().nullable(),
  email: z.string().nullable(),
  source: z.enum(['scim', 'member']),
  at: z.string(),
});
export type GithubInvitation = z.infer<typeof GithubInvitation>;

export const GithubTeam = z.strictObject({
  id: z.number(),
  slug: z.string().min(1),
  name: z.string().min(1),
  parentId: z.number().nullable(),
  type: z.enum(['organization', 'enterprise']),
  /** An identity provider owns its members. */
  isSynchronised: z.boolean(),
  /** User ids and whether they accepted. */
  members: z.record(z.string(), z.enum(['active', 'pending'])),
});
export type GithubTeam = z.infer<typeof GithubTeam>;

export const GithubState = z.strictObject({
  nextId: z.number(),
  users: z.record(z.string(), GithubUser),
  identities: z.record(z.string(), GithubIdentity),
  members: z.record(z.string(), GithubMember),
  /** User ids. */
  outsideCollaborators: z.array(z.number()),
  invitations: z.record(z.string(), GithubInvitation),
  /** When each invitation of the last day was sent. */
  invitedAtMs: z.array(z.number()),
  teams: z.record(z.string(), GithubTeam),
  credentials: z.array(z.strictObject({ id: z.number(), userId: z.number() })),
});
export type GithubState = z.infer<typeof GithubState>;

/** What the routes share. */
export interface GithubParts {
  organization: string;
  /** Whoever is invited accepts at once, as one who waited for the mail. */
  acceptsAtOnce: boolean;
  invitationsPerDay: number;
}

export function userByLogin(state: GithubState, login: string): GithubUser | undefined {
  return Object.values(state.users).find((user) => user.login.toLowerCase() === login.toLowerCase());
}

export function addUser(state: GithubState, login: string): GithubUser {
  const user = { id: state.nextId++, login };
  state.users[user.id] = user;
  return user;
}

export function identityOfUser(state: GithubState, userId: number): GithubIdentity | undefined {
  return Object.values(state.identities).find((identity) => identity.userId === userId);
}

export function addInvitation(
  state: GithubState,
  invitation: Omit<GithubInvitation, 'id' | 'at'>,
  now: Date,
): GithubInvitation {
  const made = { id: state.nextId++, ...invitation, at: now.toISOString() };
  state.invitations[made.id] = made;
  state.invitedAtMs = [...state.invitedAtMs.filter((at) => at > now.getTime() - 86_400_000), now.getTime()];
  return made;
}

export function isOverInvitationLimit(state: GithubState, { invitationsPerDay }: GithubParts, now: Date): boolean {
  return state.invitedAtMs.filter((at) => at > now.getTime() - 86_400_000).length >= invitationsPerDay;
}

export const overInvitationLimit = ({ invitationsPerDay }: GithubParts): string =>
  `You have exceeded the organization invitation rate limit of ${invitationsPerDay} per 24 hours.`;

/** The person accepts the invitation of the identity, with a GitHub account of their own, and signs in once. */
export function acceptIdentity(state: GithubState, identityId: string): GithubUser | null {
  const identity = state.identities[identityId];
  if (identity === undefined || identity.invitationId === null) return null;
  delete state.invitations[identity.invitationId];
  identity.invitationId = null;
  const user = addUser(state, `octo-${state.nextId}`);
  identity.userId = user.id;
  state.members[user.id] = { state: 'active', isDirect: true, enterpriseTeams: [] };
  return user;
}

/** A GitHub user accepts a membership that waits, and with it the teams that wait. */
export function acceptMembership(state: GithubState, userId: number): void {
  const member = state.members[userId];
  if (member === undefined) return;
  member.state = 'active';
  for (const team of Object.values(state.teams)) if (userId in team.members) team.members[userId] = 'active';
  for (const [id, { login }] of Object.entries(state.invitations)) {
    if (login !== null && login === state.users[userId]?.login) delete state.invitations[id];
  }
}

/** Removal as an owner does it: an enterprise team keeps the person in, and teams are left. The identity stays. */
export function removeMember(state: GithubState, userId: number): void {
  const member = state.members[userId];
  if (member !== undefined && member.enterpriseTeams.length > 0) {
    member.isDirect = false;
    return;
  }
  delete state.members[userId];
  for (const team of Object.values(state.teams)) delete team.members[userId];
  for (const [id, { login }] of Object.entries(state.invitations)) {
    if (login !== null && login === state.users[userId]?.login) delete state.invitations[id];
  }
}

/** A child's members count as members of its parents. */
export function membersWithChildren(state: GithubState, team: GithubTeam): Record<string, 'active' | 'pending'> {
  const children = Object.values(state.teams).filter(({ parentId }) => parentId === team.id);
  return Object.assign({}, ...children.map((child) => membersWithChildren(state, child)), team.members) as Record<
    string,
    'active' | 'pending'
  >;
}
