/** Groups of the identity store: who is a member, read fresh each time, and the catalogue. */
import {
  CreateGroupMembershipCommand,
  DeleteGroupMembershipCommand,
  GetGroupMembershipIdCommand,
  ListGroupMembershipsForMemberCommand,
  ListGroupsCommand,
} from '@aws-sdk/client-identitystore';
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { groupEntitlement } from './entitlement-id.ts';
import type { IdentityApi } from './identity-api.ts';
import { collectTokenPages, tokenPage } from './token-pages.ts';

const MembershipId = z.object({ MembershipId: z.string().min(1) });
const MembershipPage = z.object({
  GroupMemberships: z.array(z.object({ GroupId: z.string().min(1) })),
  NextToken: z.string().nullish(),
});
const GroupPage = z.object({
  Groups: z.array(z.object({ GroupId: z.string().min(1), DisplayName: z.string().nullish() })),
  NextToken: z.string().nullish(),
});

/** Ids of all groups of the user. */
export async function listGroupIds(
  { aws, store, storeId }: IdentityApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<string[]> {
  const memberships = await collectTokenPages(aws, operation, async (NextToken) => {
    const input = { IdentityStoreId: storeId, MemberId: { UserId: accountId }, MaxResults: 100, NextToken };
    const send = (options: object) => store.send(new ListGroupMembershipsForMemberCommand(input), options);
    const { data } = await aws.read({ operation, schema: MembershipPage }, send, ctx);
    return tokenPage(data.GroupMemberships, data.NextToken);
  });
  return [...new Set(memberships.map(({ GroupId }) => GroupId))];
}

/** Asserts the membership. A member who is added at the same moment by somebody else is a member. */
export async function ensureMember(
  { aws, store, storeId }: IdentityApi,
  { accountId, groupId, state }: { accountId: string; groupId: string; state: 'present' | 'absent' },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const membership = { IdentityStoreId: storeId, GroupId: groupId, MemberId: { UserId: accountId } };
  const look = (options: object) => store.send(new GetGroupMembershipIdCommand(membership), options);
  const found = await aws.readOrNull({ operation, schema: MembershipId }, look, ctx);
  if ((found !== null) === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  const send =
    found === null
      ? (options: object) => store.send(new CreateGroupMembershipCommand(membership), options)
      : (options: object) =>
          store.send(
            new DeleteGroupMembershipCommand({ IdentityStoreId: storeId, MembershipId: found.data.MembershipId }),
            options,
          );
  try {
    const { receipt } = await aws.write({ operation, schema: z.unknown() }, send, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    const isSettled = isConnectorError(error, state === 'present' ? 'conflict' : 'notFound');
    if (isSettled) return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
}

/** One page of the groups. */
export async function listGroups(
  { aws, store, storeId }: IdentityApi,
  { operation, token, limit }: { operation: string; token: string | undefined; limit: number },
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const input = { IdentityStoreId: storeId, MaxResults: limit, NextToken: token };
  const send = (options: object) => store.send(new ListGroupsCommand(input), options);
  const { data } = await aws.read({ operation, schema: GroupPage }, send, ctx);
  const items = data.Groups.map(({ GroupId, DisplayName }) => ({
    vendorEntitlementId: groupEntitlement(GroupId),
    displayName: DisplayName ?? GroupId,
  }));
  return tokenPage(items, data.NextToken);
}
