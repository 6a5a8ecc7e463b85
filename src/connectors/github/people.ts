/**
 * Who is who in a GitHub organisation. An account is one of three things, told apart by its id:
 * - a provisioned identity: the SCIM id (a UUID). It exists from the invitation on, before anybody knows which GitHub
 *   user will accept it, outlives the membership, and carries the person's key as `externalId`;
 * - a GitHub user whom nothing provisioned (members of old, outside collaborators): the numeric user id, which no rename
 *   changes;
 * - an open invitation that nothing provisioned: `invitation:<id>`.
 */
import type { AccountView, CallContext, CorrelationKeys, FindAccountResult } from '../kit/contract.ts';
import { pathOf, scimEquals } from '../kit/escape.ts';
import { collectPages, eachPage } from '../kit/paging.ts';
import { uniqueAccount } from '../kit/target-steps.ts';
import {
  type ExternalIdentity,
  type GithubApi,
  GithubUser,
  identitiesFor,
  Invitation,
  listIdentities,
  listRest,
  listScimUsers,
  Membership,
  ScimUser,
} from './api.ts';

/**
 * - `active`: a member. `pending`: a GitHub user who has not accepted yet. `invited`: nobody has accepted yet.
 * - `outsideCollaborator`: no member, but with access to repositories.
 * - `removed`: known to the organisation's directory, without any access.
 */
export type PersonState = 'active' | 'pending' | 'invited' | 'outsideCollaborator' | 'removed';

export interface GithubPerson {
  accountId: string;
  /** Null until a GitHub user accepted the invitation. */
  user: GithubUser | null;
  /** The provisioned identity, where there is one. */
  scim: ScimUser | null;
  correlationKey: string | null;
  userName: string;
  state: PersonState;
  /** Only an enterprise team keeps the person in the organisation. */
  isIndirect: boolean;
  /** Node id of the open invitation of an identity that nobody claimed. */
  invitationNodeId: string | null;
}

const scimId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const userId = /^[1-9]\d{0,15}$/;
const invitationId = /^invitation:([1-9]\d{0,15})$/;

/** Whether the id is that of a provisioned identity. */
export function isProvisioned(api: GithubApi, accountId: string): boolean {
  return api.identities === 'scim' && scimId.test(accountId);
}

/** Fresh read by account id; null where GitHub knows no such account, or the id is none. */
export async function readPerson(
  api: GithubApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<GithubPerson | null> {
  if (isProvisioned(api, accountId)) {
    const scim = await readScimUser(api, operation, accountId, ctx);
    return scim === null ? null : personOfIdentity(api, operation, scim, ctx);
  }
  if (userId.test(accountId)) {
    const path = () => pathOf('user', accountId);
    const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: GithubUser }, ctx);
    if (reply === null || String(reply.data.id) !== accountId) return null;
    return personOfUser(api, operation, reply.data, ctx);
  }
  const wanted = invitationIdOf(accountId);
  if (wanted === null) return null;
  const invitation = await findInvitation(api, operation, ({ id }) => String(id) === wanted, ctx);
  return invitation === null ? null : personOfInvitation(invitation);
}

/** The invitation that such an account id names, or null where it names something else. */
export function invitationIdOf(accountId: string): string | null {
  return invitationId.exec(accountId)?.[1] ?? null;
}

/** Throws `notFound` where {@link readPerson} finds nobody. */
export async function mustReadPerson(
  api: GithubApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<GithubPerson> {
  const person = await readPerson(api, operation, accountId, ctx);
  if (person === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return person;
}

/** By stored id, then by the keys of the person: `externalId` of SCIM, or the NameID of SAML. Never by an address. */
export async function findAccount(api: GithubApi, keys: CorrelationKeys, ctx: CallContext): Promise<FindAccountResult> {
  const operation = 'findAccount';
  const known = keys.accountId === null ? null : await readPerson(api, operation, keys.accountId, ctx);
  if (known !== null) return { outcome: 'found', account: viewOf(known) };
  const wanted = [...new Set([keys.personId, ...keys.sourceKeys])];
  switch (api.identities) {
    case 'scim':
      return findByExternalId(api, operation, wanted, ctx);
    case 'saml':
      return findByNameId(api, operation, wanted, ctx);
    case 'none':
      return { outcome: 'none' };
    default:
      return api.identities satisfies never;
  }
}

async function findByExternalId(
  api: GithubApi,
  operation: string,
  wanted: string[],
  ctx: CallContext,
): Promise<FindAccountResult> {
  const found = new Map<string, ScimUser>();
  for (const key of wanted) {
    const filter = () => scimEquals('externalId', key);
    const guard = { systemId: api.client.systemId, operation };
    const users = await collectPages((cursor) => listScimUsers(api, { operation, cursor, filter }, ctx), guard);
    // A server that ignores the filter answers with everybody.
    for (const user of users) if (user.externalId === key) found.set(user.id, user);
  }
  const [first] = found.values();
  if (first === undefined) return { outcome: 'none' };
  if (found.size > 1) return { outcome: 'ambiguous', accountIds: [...found.keys()].toSorted() };
  return { outcome: 'found', account: viewOf(await personOfIdentity(api, operation, first, ctx)) };
}

async function findByNameId(
  api: GithubApi,
  operation: string,
  wanted: string[],
  ctx: CallContext,
): Promise<FindAccountResult> {
  const lookups = wanted.map((value) => ({ by: 'userName' as const, value }));
  const identities = await identitiesFor(api, lookups, operation, ctx);
  const people: GithubPerson[] = [];
  for (const [index, candidates] of identities.entries()) {
    for (const { samlIdentity, user } of candidates) {
      if (user === null || samlIdentity?.nameId !== wanted[index]) continue;
      people.push(await personOfUser(api, operation, { id: user.databaseId, login: user.login }, ctx));
    }
  }
  return uniqueAccount(people.map(viewOf));
}

export async function readScimUser(
  api: GithubApi,
  operation: string,
  id: string,
  ctx: CallContext,
): Promise<ScimUser | null> {
  const path = () => pathOf('scim', 'v2', 'organizations', api.organization, 'Users', id);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: ScimUser }, ctx);
  if (reply !== null && reply.data.id !== id) {
    throw api.client.fail('transient', operation, 'the answer is about another account');
  }
  return reply?.data ?? null;
}

/** The provisioned identity with whoever claimed it and what that GitHub user is in the organisation. */
export async function personOfIdentity(
  api: GithubApi,
  operation: string,
  scim: ScimUser,
  ctx: CallContext,
): Promise<GithubPerson> {
  const [found = []] = await identitiesFor(api, [lookupOf(scim)], operation, ctx);
  const identity = found.find(({ guid }) => guid === scim.id) ?? (await scanForIdentity(api, operation, scim.id, ctx));
  return claimedPerson(api, operation, { scim, identity }, ctx);
}

/** NameID and SCIM user name differ where somebody changed one of them: then only a full walk finds the identity. */
async function scanForIdentity(
  api: GithubApi,
  operation: string,
  guid: string,
  ctx: CallContext,
): Promise<ExternalIdentity | null> {
  const guard = { systemId: api.client.systemId, operation };
  for await (const page of eachPage((cursor) => listIdentities(api, { operation, cursor }, ctx), guard)) {
    const identity = page.find((candidate) => candidate.guid === guid);
    if (identity !== undefined) return identity;
  }
  return null;
}

export function lookupOf(scim: ScimUser): { by: 'userName'; value: string } {
  return { by: 'userName', value: scim.userName ?? '' };
}

export async function claimedPerson(
  api: GithubApi,
  operation: string,
  { scim, identity }: { scim: ScimUser; identity: ExternalIdentity | null },
  ctx: CallContext,
): Promise<GithubPerson> {
  const provisioned = {
    accountId: scim.id,
    scim,
    correlationKey: scim.externalId ?? null,
    userName: scim.userName ?? scim.id,
  };
  if (identity?.user == null) {
    const invitationNodeId = identity?.organizationInvitation?.id ?? null;
    const state = invitationNodeId === null ? ('removed' as const) : ('invited' as const);
    return { ...provisioned, user: null, state, isIndirect: false, invitationNodeId };
  }
  const user = { id: identity.user.databaseId, login: identity.user.login };
  return { ...provisioned, user, ...(await standingOf(api, operation, user, ctx)), invitationNodeId: null };
}

export async function personOfUser(
  api: GithubApi,
  operation: string,
  user: GithubUser,
  ctx: CallContext,
): Promise<GithubPerson> {
  const [identities = []] =
    api.identities === 'saml' ? await identitiesFor(api, [{ by: 'login', value: user.login }], operation, ctx) : [];
  const correlationKey = keyOfNameId(identities[0]);
  const standing = await standingOf(api, operation, user, ctx);
  return { ...unprovisioned(user, correlationKey), ...standing };
}

export function unprovisioned(user: GithubUser, correlationKey: string | null) {
  const accountId = String(user.id);
  return { accountId, user, scim: null, correlationKey, userName: user.login, invitationNodeId: null };
}

/** An address is no key, and no business of whoever reads an account. */
export function keyOfNameId(identity: ExternalIdentity | undefined): string | null {
  const nameId = identity?.samlIdentity?.nameId ?? null;
  return nameId === null || nameId.includes('@') ? null : nameId;
}

export function personOfInvitation({ id, login, email }: Invitation): GithubPerson {
  const accountId = `invitation:${id}`;
  const named = { accountId, userName: login ?? email ?? accountId, correlationKey: null };
  return { ...named, user: null, scim: null, state: 'invited', isIndirect: false, invitationNodeId: null };
}

async function standingOf(
  api: GithubApi,
  operation: string,
  user: GithubUser,
  ctx: CallContext,
): Promise<{ state: PersonState; isIndirect: boolean }> {
  const path = () => pathOf('orgs', api.organization, 'memberships', user.login);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: Membership }, ctx);
  if (reply !== null) {
    const state = reply.data.state === 'pending' ? ('pending' as const) : ('active' as const);
    return { state, isIndirect: reply.data.direct_membership === false };
  }
  const isOutside = await isOutsideCollaborator(api, operation, user, ctx);
  return { state: isOutside ? 'outsideCollaborator' : 'removed', isIndirect: false };
}

/** GitHub has no read of one outside collaborator. */
async function isOutsideCollaborator(
  api: GithubApi,
  operation: string,
  user: GithubUser,
  ctx: CallContext,
): Promise<boolean> {
  const segments = ['orgs', api.organization, 'outside_collaborators'];
  const fetchPage = (cursor: string | null) => listRest(api, segments, GithubUser, { operation, cursor }, ctx);
  for await (const page of eachPage(fetchPage, { systemId: api.client.systemId, operation })) {
    if (page.some(({ id }) => id === user.id)) return true;
  }
  return false;
}

export async function findInvitation(
  api: GithubApi,
  operation: string,
  isWanted: (invitation: Invitation) => boolean,
  ctx: CallContext,
): Promise<Invitation | null> {
  const segments = ['orgs', api.organization, 'invitations'];
  const fetchPage = (cursor: string | null) => listRest(api, segments, Invitation, { operation, cursor }, ctx);
  for await (const page of eachPage(fetchPage, { systemId: api.client.systemId, operation })) {
    const invitation = page.find(isWanted);
    if (invitation !== undefined) return invitation;
  }
  return null;
}

/** Whoever is invited can come in alone, by accepting: a leaver's open invitation counts as a login. */
export function viewOf({ accountId, userName, correlationKey, state }: GithubPerson): AccountView {
  return { accountId, userName, correlationKey, vendorStatus: state, canLogIn: state !== 'removed' };
}
