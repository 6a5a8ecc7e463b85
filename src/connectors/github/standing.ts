/**
 * Whether a person may use the organisation: in by invitation, out by removal. What was left open is closed with it: the
 * invitation, the access of an outside collaborator, the tokens and SSH keys that were authorised for the organisation.
 */
import { z } from 'zod';
import type { CallContext, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { type GithubApi, listRest } from './api.ts';
import { findInvitation, type GithubPerson, invitationIdOf, mustReadPerson } from './people.ts';

const operation = 'setLogin';
const unchanged: WriteResult = { outcome: 'unchanged', receipt: noReceipt };

export async function setLogin(
  api: GithubApi,
  accountId: string,
  state: 'enabled' | 'disabled',
  ctx: CallContext,
): Promise<WriteResult> {
  const person = await mustReadPerson(api, operation, accountId, ctx);
  return state === 'disabled' ? shutOut(api, person, ctx) : letIn(api, person, ctx);
}

async function shutOut(api: GithubApi, person: GithubPerson, ctx: CallContext): Promise<WriteResult> {
  switch (person.state) {
    case 'removed':
      return unchanged;
    case 'invited':
      return cancelInvitation(api, person, ctx);
    case 'outsideCollaborator':
      return call(api, 'DELETE', ['outside_collaborators', loginOf(api, person)], ctx);
    case 'active':
    case 'pending':
      if (person.isIndirect) {
        throw api.client.fail('precondition', operation, 'an enterprise team keeps the person in the organisation');
      }
      return call(api, 'DELETE', ['memberships', loginOf(api, person)], ctx);
    default:
      return person.state satisfies never;
  }
}

async function letIn(api: GithubApi, person: GithubPerson, ctx: CallContext): Promise<WriteResult> {
  if (person.state !== 'removed' && person.state !== 'outsideCollaborator') return unchanged;
  if (person.user === null) {
    throw api.client.fail('precondition', operation, 'nobody accepted the invitation: the account has to be made anew');
  }
  return call(api, 'PUT', ['memberships', person.user.login], ctx);
}

async function cancelInvitation(api: GithubApi, person: GithubPerson, ctx: CallContext): Promise<WriteResult> {
  const named = invitationIdOf(person.accountId);
  if (named !== null) return call(api, 'DELETE', ['invitations', named], ctx);
  const isOwn = ({ node_id: nodeId }: { node_id: string }) => nodeId === person.invitationNodeId;
  const invitation = await findInvitation(api, operation, isOwn, ctx);
  // Accepted, or cancelled by somebody else, since it was read: the next attempt decides on a new read.
  if (invitation === null) throw api.client.fail('propagating', operation, 'the invitation changed meanwhile');
  return call(api, 'DELETE', ['invitations', String(invitation.id)], ctx);
}

function loginOf(api: GithubApi, { user }: GithubPerson): string {
  if (user === null) throw api.client.fail('transient', operation, 'the account names no GitHub user');
  return user.login;
}

async function call(
  api: GithubApi,
  method: 'PUT' | 'DELETE',
  segments: string[],
  ctx: CallContext,
): Promise<WriteResult> {
  const path = () => pathOf('orgs', api.organization, ...segments);
  const body = method === 'PUT' ? { body: { role: 'member' } } : {};
  const request = { operation, method, path, ...body, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await api.client.call(request, ctx)).receipt };
}

/**
 * Takes the authorisation for this organisation from every personal token, SSH key and App token of the person. Without
 * single sign-on GitHub has no such authorisations: then they end with the membership, and nothing is sent.
 */
export async function endCredentials(api: GithubApi, accountId: string, ctx: CallContext): Promise<WriteResult> {
  const step = 'revokeSessions';
  const { user } = await mustReadPerson(api, step, accountId, ctx);
  if (user === null || api.identities === 'none') return unchanged;
  const segments = ['orgs', api.organization, 'credential-authorizations'];
  try {
    const first = { operation: step, cursor: null, count: 1, query: { login: user.login } };
    const { items } = await listRest(api, segments, z.object({ login: z.string() }), first, ctx);
    if (items.length === 0) return unchanged;
  } catch (error) {
    if (isConnectorError(error, 'notFound')) return unchanged;
    throw error;
  }
  const path = () => pathOf(...segments, user.login, 'revoke');
  const request = { operation: step, method: 'POST' as const, path, schema: z.unknown() };
  return { outcome: 'changed', receipt: (await api.client.call(request, ctx)).receipt };
}
