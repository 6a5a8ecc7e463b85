/**
 * Everybody with access to a GitHub organisation, in four walks one after the other: provisioned identities, members whom
 * nothing provisioned, outside collaborators, open invitations that nothing provisioned. The last two are the classic orphans.
 */
import type { AccountView, CallContext, Page } from '../kit/contract.ts';
import {
  type ExternalIdentity,
  type GithubApi,
  GithubUser,
  identitiesFor,
  Invitation,
  listRest,
  listScimUsers,
} from './api.ts';
import {
  claimedPerson,
  keyOfNameId,
  lookupOf,
  personOfIdentity,
  personOfInvitation,
  unprovisioned,
  viewOf,
} from './people.ts';

const walks = ['identities', 'members', 'collaborators', 'invitations'] as const;
type Walk = (typeof walks)[number];

const operation = 'listAccounts';
const cursorShape = /^(identities|members|collaborators|invitations):(\d{1,9})$/;

/** One page of one walk; the cursor names the walk and its page. */
export async function listAccounts(
  api: GithubApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<AccountView>> {
  const { walk, inner } = placeOf(api, cursor);
  const page = await pageOf(api, walk, inner, ctx);
  if (page.nextCursor !== null) return { ...page, nextCursor: `${walk}:${page.nextCursor}` };
  const next = walks[walks.indexOf(walk) + 1];
  return { ...page, nextCursor: next === undefined ? null : `${next}:1` };
}

function placeOf(api: GithubApi, cursor: string | null): { walk: Walk; inner: string | null } {
  if (cursor === null) return { walk: api.identities === 'scim' ? 'identities' : 'members', inner: null };
  const [, walk, inner] = cursorShape.exec(cursor) ?? [];
  const known = walks.find((name) => name === walk);
  if (known === undefined || inner === undefined) {
    throw api.client.fail('validation', operation, 'not a cursor of this connector');
  }
  return { walk: known, inner };
}

function pageOf(api: GithubApi, walk: Walk, cursor: string | null, ctx: CallContext): Promise<Page<AccountView>> {
  switch (walk) {
    case 'identities':
      return identitiesPage(api, cursor, ctx);
    case 'members':
      return membersPage(api, cursor, ctx);
    case 'collaborators':
      return collaboratorsPage(api, cursor, ctx);
    case 'invitations':
      return invitationsPage(api, cursor, ctx);
    default:
      return walk satisfies never;
  }
}

async function identitiesPage(api: GithubApi, cursor: string | null, ctx: CallContext): Promise<Page<AccountView>> {
  const { items, nextCursor } = await listScimUsers(api, { operation, cursor }, ctx);
  const found = await identitiesFor(api, items.map(lookupOf), operation, ctx);
  const views: AccountView[] = [];
  for (const [index, scim] of items.entries()) {
    const identity = found[index]?.find(({ guid }) => guid === scim.id);
    if (identity === undefined) views.push(viewOf(await personOfIdentity(api, operation, scim, ctx)));
    else if (isPlainMember(identity)) views.push(memberView(scim.id, scim.externalId, scim.userName));
    // Whoever claimed it and is no member now may be invited again, or be an outside collaborator: that takes a closer look.
    else views.push(viewOf(await claimedPerson(api, operation, { scim, identity }, ctx)));
  }
  return { items: views, nextCursor };
}

const isPlainMember = ({ user }: ExternalIdentity): boolean => user !== null && user.organization !== null;

function memberView(
  accountId: string,
  key: string | null | undefined,
  userName: string | null | undefined,
): AccountView {
  const named = { accountId, userName: userName ?? accountId, correlationKey: key ?? null };
  return { ...named, vendorStatus: 'active', canLogIn: true };
}

async function membersPage(api: GithubApi, cursor: string | null, ctx: CallContext): Promise<Page<AccountView>> {
  const segments = ['orgs', api.organization, 'members'];
  const { items, nextCursor } = await listRest(api, segments, GithubUser, { operation, cursor }, ctx);
  const identities = await identitiesOf(api, items, ctx);
  const views = items.flatMap((user, index) => {
    const identity = identities[index];
    // Whoever SCIM provisioned was listed by the first walk.
    if (api.identities === 'scim' && identity !== undefined) return [];
    return [viewOf({ ...unprovisioned(user, keyOfNameId(identity)), state: 'active', isIndirect: false })];
  });
  return { items: views, nextCursor };
}

async function collaboratorsPage(api: GithubApi, cursor: string | null, ctx: CallContext): Promise<Page<AccountView>> {
  const segments = ['orgs', api.organization, 'outside_collaborators'];
  const { items, nextCursor } = await listRest(api, segments, GithubUser, { operation, cursor }, ctx);
  const identities = await identitiesOf(api, items, ctx);
  const views = items.flatMap((user, index) => {
    const identity = identities[index];
    if (api.identities === 'scim' && identity !== undefined) return [];
    const state = 'outsideCollaborator' as const;
    return [viewOf({ ...unprovisioned(user, keyOfNameId(identity)), state, isIndirect: false })];
  });
  return { items: views, nextCursor };
}

async function invitationsPage(api: GithubApi, cursor: string | null, ctx: CallContext): Promise<Page<AccountView>> {
  const segments = ['orgs', api.organization, 'invitations'];
  // Those that SCIM sent belong to identities of the first walk.
  const query = { invitation_source: 'member' };
  const { items, nextCursor } = await listRest(api, segments, Invitation, { operation, cursor, query }, ctx);
  const named = items.filter(({ login }) => login !== null);
  const identities = api.identities === 'scim' ? await identitiesOf(api, named, ctx) : [];
  const isProvisioned = (invitation: Invitation): boolean => identities[named.indexOf(invitation)] !== undefined;
  const views = items.filter((invitation) => !isProvisioned(invitation)).map(personOfInvitation);
  return { items: views.map(viewOf), nextCursor };
}

async function identitiesOf(
  api: GithubApi,
  users: { login: string | null }[],
  ctx: CallContext,
): Promise<(ExternalIdentity | undefined)[]> {
  if (api.identities === 'none') return users.map(() => undefined);
  const lookups = users.map(({ login }) => ({ by: 'login' as const, value: login ?? '' }));
  return (await identitiesFor(api, lookups, operation, ctx)).map(([first]) => first);
}
