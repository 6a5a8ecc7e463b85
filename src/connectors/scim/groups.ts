/** Groups of a SCIM service and who is in them, read in the way that the server can be trusted with. */
import type { CallContext, WriteResult } from '../kit/contract.ts';
import { scimEquals } from '../kit/escape.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { Group, knownUser, listAll, readGroup, type ScimApi } from './api.ts';
import { writeMember } from './write.ts';

/** Ids of the groups that the account is a direct member of. */
export function listAccountEntitlements(api: ScimApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const { membershipRead } = api.quirks;
  switch (membershipRead) {
    case 'userGroups':
      return groupsOnUser(api, accountId, ctx);
    case 'probe':
      return probedGroups(api, accountId, ctx);
    case 'memberFilter':
    case 'scan':
      return groupsWithMember(api, accountId, ctx);
    default:
      return membershipRead satisfies never;
  }
}

const operation = 'listAccountEntitlements';

async function groupsOnUser(api: ScimApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const user = await knownUser(api, operation, accountId, ctx);
  return (user.groups ?? []).filter(({ type }) => type !== 'indirect').map(({ value }) => value);
}

async function groupsWithMember(api: ScimApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const filter = () => scimEquals('members.value', accountId);
  const isFiltered = api.quirks.membershipRead === 'memberFilter';
  const request = { resource: 'Groups' as const, schema: Group, operation, ...(isFiltered ? { filter } : {}) };
  const held: string[] = [];
  for (const group of await listAll(api, request, ctx)) {
    // Listings may leave the members out, and a server may ignore the filter: only the members themselves count.
    const full = group.members == null ? await readGroup(api, operation, group.id, ctx) : group;
    if (full !== null && hasMember(full, accountId)) held.push(group.id);
  }
  return held;
}

async function probedGroups(api: ScimApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const groups = await listAll(api, { resource: 'Groups', schema: Group, operation, withoutMembers: true }, ctx);
  const held: string[] = [];
  for (const { id } of groups) if (await isProbedMember(api, { operation, accountId, groupId: id }, ctx)) held.push(id);
  return held;
}

interface Probe {
  operation: string;
  accountId: string;
  groupId: string;
}

/** AWS never shows members: whether one is in a group is a question with both ids in it ("ListGroups", constraints). */
async function isProbedMember(api: ScimApi, { operation, accountId, groupId }: Probe, ctx: CallContext) {
  const filter = () => [scimEquals('id', groupId), scimEquals('members', accountId)].join(' and ');
  const answer = await listAll(api, { resource: 'Groups', schema: Group, operation, filter }, ctx);
  if (answer.some(({ id }) => id !== groupId)) {
    throw api.client.fail('unsupported', operation, 'the server ignores the filter by id and member');
  }
  return answer.length > 0;
}

export interface Membership {
  accountId: string;
  groupId: string;
  state: 'present' | 'absent';
}

/** Asserts one membership. A group that is gone has no members: its absence is a fact, its presence `notFound`. */
export async function ensureMember(
  api: ScimApi,
  { accountId, groupId, state }: Membership,
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const group = await readGroup(api, operation, groupId, ctx);
  if (group === null && state === 'present') throw api.client.fail('notFound', operation, 'the group does not exist');
  // Some servers store a member twice when it is added twice, so that one removal does not remove it.
  const isMember = group !== null && (await isMemberOf(api, group, { operation, accountId, groupId }, ctx));
  if (isMember === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  return { outcome: 'changed', receipt: await writeMember(api, { operation, accountId, groupId, state }, ctx) };
}

function isMemberOf(api: ScimApi, group: Group, probe: Probe, ctx: CallContext): boolean | Promise<boolean> {
  return api.quirks.membershipRead === 'probe' ? isProbedMember(api, probe, ctx) : hasMember(group, probe.accountId);
}

function hasMember(group: Group, accountId: string): boolean {
  return (group.members ?? []).some(({ value }) => value === accountId);
}
