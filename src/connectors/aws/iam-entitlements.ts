/** What an IAM user can be given: groups, and managed policies attached to the user itself. Inline policies are neither. */
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  DetachUserPolicyCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupsCommand,
  ListGroupsForUserCommand,
  ListPoliciesCommand,
  RemoveUserFromGroupCommand,
} from '@aws-sdk/client-iam';
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { groupEntitlement, type IamEntitlement, policyEntitlement } from './entitlement-id.ts';
import { type IamApi, markedPage } from './iam-api.ts';
import { collectTokenPages } from './token-pages.ts';

const marks = { IsTruncated: z.boolean().nullish(), Marker: z.string().nullish() };
const Group = z.object({ GroupId: z.string().min(1), GroupName: z.string().min(1) });
const GroupPage = z.object({ Groups: z.array(Group), ...marks });
const AttachedPage = z.object({ AttachedPolicies: z.array(z.object({ PolicyArn: z.string().min(1) })), ...marks });
const PolicyPage = z.object({
  Policies: z.array(z.object({ Arn: z.string().min(1), PolicyName: z.string().nullish() })),
  ...marks,
});
const operation = 'ensureEntitlement';

export function listGroupsOf(
  { aws, iam }: IamApi,
  { operation, userName }: { operation: string; userName: string },
  ctx: CallContext,
): Promise<z.infer<typeof Group>[]> {
  return collectTokenPages(aws, operation, async (Marker) => {
    const send = (options: object) => iam.send(new ListGroupsForUserCommand({ UserName: userName, Marker }), options);
    const { data } = await aws.read({ operation, schema: GroupPage }, send, ctx);
    return markedPage(aws, operation, data.Groups, data);
  });
}

/** ARNs of the policies that are attached to the user and not to a group. */
export async function listPolicyArnsOf(
  { aws, iam }: IamApi,
  { operation, userName }: { operation: string; userName: string },
  ctx: CallContext,
): Promise<string[]> {
  const attached = await collectTokenPages(aws, operation, async (Marker) => {
    const input = { UserName: userName, Marker };
    const send = (options: object) => iam.send(new ListAttachedUserPoliciesCommand(input), options);
    const { data } = await aws.read({ operation, schema: AttachedPage }, send, ctx);
    return markedPage(aws, operation, data.AttachedPolicies, data);
  });
  return attached.map(({ PolicyArn }) => PolicyArn);
}

/** One page of all groups. */
export async function listGroups(
  { aws, iam }: IamApi,
  { operation, token, limit }: { operation: string; token: string | undefined; limit: number },
  ctx: CallContext,
): Promise<Page<z.infer<typeof Group>>> {
  const send = (options: object) => iam.send(new ListGroupsCommand({ MaxItems: limit, Marker: token }), options);
  const { data } = await aws.read({ operation, schema: GroupPage }, send, ctx);
  return markedPage(aws, operation, data.Groups, data);
}

export async function listGroupEntitlements(
  api: IamApi,
  request: { operation: string; token: string | undefined; limit: number },
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const { items, nextCursor } = await listGroups(api, request, ctx);
  const views = items.map((group) => ({
    vendorEntitlementId: groupEntitlement(group.GroupId),
    displayName: group.GroupName,
  }));
  return { items: views, nextCursor };
}

/** The policies that the company made; those of AWS can be assigned as well and are not listed, for they are a thousand. */
export async function listPolicyEntitlements(
  { aws, iam }: IamApi,
  { operation, token, limit }: { operation: string; token: string | undefined; limit: number },
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const input = { Scope: 'Local' as const, MaxItems: limit, Marker: token };
  const send = (options: object) => iam.send(new ListPoliciesCommand(input), options);
  const { data } = await aws.read({ operation, schema: PolicyPage }, send, ctx);
  const items = data.Policies.map(({ Arn, PolicyName }) => ({
    vendorEntitlementId: policyEntitlement(Arn),
    displayName: PolicyName ?? Arn,
  }));
  return markedPage(aws, operation, items, data);
}

/** Reads first: a repeat writes nothing. What vanished in between is absent. */
export async function ensureIamEntitlement(
  api: IamApi,
  userName: string,
  entitlement: IamEntitlement,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const send = await changeFor(api, userName, entitlement, state, ctx);
  if (send === null) return { outcome: 'unchanged', receipt: noReceipt };
  try {
    const { receipt } = await api.aws.write({ operation, schema: z.unknown() }, send, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    const isGone = state === 'absent' && isConnectorError(error, 'notFound');
    if (isGone) return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
}

type Send = (options: object) => Promise<unknown>;

/** The write that is needed, or null. Groups are held by their ids; the calls want names. */
async function changeFor(
  api: IamApi,
  UserName: string,
  entitlement: IamEntitlement,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<Send | null> {
  const { iam } = api;
  const isPresent = state === 'present';
  if (entitlement.kind === 'policy') {
    const { policyArn: PolicyArn } = entitlement;
    const held = await listPolicyArnsOf(api, { operation, userName: UserName }, ctx);
    if (held.includes(PolicyArn) === isPresent) return null;
    return isPresent
      ? (options) => iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }), options)
      : (options) => iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }), options);
  }
  const held = await listGroupsOf(api, { operation, userName: UserName }, ctx);
  const own = held.find(({ GroupId }) => GroupId === entitlement.groupId);
  if ((own !== undefined) === isPresent) return null;
  if (own !== undefined) {
    const { GroupName } = own;
    return (options) => iam.send(new RemoveUserFromGroupCommand({ UserName, GroupName }), options);
  }
  const GroupName = await nameOfGroup(api, entitlement.groupId, ctx);
  return (options) => iam.send(new AddUserToGroupCommand({ UserName, GroupName }), options);
}

async function nameOfGroup(api: IamApi, groupId: string, ctx: CallContext): Promise<string> {
  const groups = await collectTokenPages(api.aws, operation, (token) =>
    listGroups(api, { operation, token, limit: 1000 }, ctx),
  );
  const group = groups.find(({ GroupId }) => GroupId === groupId);
  if (group === undefined) throw api.aws.fail('notFound', operation, 'the group does not exist');
  return group.GroupName;
}
