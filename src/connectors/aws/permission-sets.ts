/** The catalogue of assignments: each permission set on each AWS account where it is provisioned already. */
import {
  DescribePermissionSetCommand,
  ListAccountsForProvisionedPermissionSetCommand,
  ListPermissionSetsCommand,
} from '@aws-sdk/client-sso-admin';
import { z } from 'zod';
import type { CallContext, EntitlementView, Page } from '../kit/contract.ts';
import { assignmentEntitlement } from './entitlement-id.ts';
import type { IdentityApi } from './identity-api.ts';
import { collectTokenPages, tokenPage } from './token-pages.ts';

/** Each set of a page costs two calls or more: ten of them stay well below the time of one activity. */
const setsPerPage = 10;

const SetPage = z.object({ PermissionSets: z.array(z.string()), NextToken: z.string().nullish() });
const SetName = z.object({ PermissionSet: z.object({ Name: z.string().nullish() }) });
const AccountPage = z.object({ AccountIds: z.array(z.string()), NextToken: z.string().nullish() });

export async function listPermissionSetArns(
  { aws, sso, instanceArn }: IdentityApi,
  { operation, token, limit }: { operation: string; token: string | undefined; limit: number },
  ctx: CallContext,
): Promise<Page<string>> {
  const input = { InstanceArn: instanceArn, MaxResults: limit, NextToken: token };
  const send = (options: object) => sso.send(new ListPermissionSetsCommand(input), options);
  const { data } = await aws.read({ operation, schema: SetPage }, send, ctx);
  return tokenPage(data.PermissionSets, data.NextToken);
}

/** A page of permission sets, each with its accounts. A set that no account has yet is in no page. */
export async function listAssignable(
  api: IdentityApi,
  { operation, token, limit }: { operation: string; token: string | undefined; limit: number },
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const page = { operation, token, limit: Math.min(limit, setsPerPage) };
  const { items: arns, nextCursor } = await listPermissionSetArns(api, page, ctx);
  const items: EntitlementView[] = [];
  for (const arn of arns) items.push(...(await assignableOf(api, operation, arn, ctx)));
  return { items, nextCursor };
}

async function assignableOf(
  { aws, sso, instanceArn }: IdentityApi,
  operation: string,
  permissionSetArn: string,
  ctx: CallContext,
): Promise<EntitlementView[]> {
  const set = { InstanceArn: instanceArn, PermissionSetArn: permissionSetArn };
  const look = (options: object) => sso.send(new DescribePermissionSetCommand(set), options);
  const named = await aws.readOrNull({ operation, schema: SetName }, look, ctx);
  // Deleted since the page was made.
  if (named === null) return [];
  const accounts = await collectTokenPages(aws, operation, async (NextToken) => {
    const input = { ...set, MaxResults: 100, NextToken };
    const send = (options: object) => sso.send(new ListAccountsForProvisionedPermissionSetCommand(input), options);
    const { data } = await aws.read({ operation, schema: AccountPage }, send, ctx);
    return tokenPage(data.AccountIds, data.NextToken);
  });
  const name = named.data.PermissionSet.Name ?? permissionSetArn;
  return accounts.map((awsAccountId) => ({
    vendorEntitlementId: assignmentEntitlement(awsAccountId, permissionSetArn),
    displayName: `${name} in ${awsAccountId}`,
  }));
}
