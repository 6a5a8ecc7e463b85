/**
 * Last uses of IAM users: sign-ins with a password and calls with an access key. IAM does not say that an account was
 * never used, only that the password or a key that is there now was not: without a date there is no row.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-view-data.html
 */
import { GetAccessKeyLastUsedCommand } from '@aws-sdk/client-iam';
import { z } from 'zod';
import type { CallContext, Page, UsageView } from '../kit/contract.ts';
import { type IamApi, listUsers } from './iam-api.ts';
import { listCredentials } from './iam-credentials.ts';
import type { IamUser } from './iam-user.ts';

/** Each user costs one call and one more for each key: a page must end well before its activity does. */
const usersPerPage = 20;
const operation = 'listUsage';

const LastUsed = z.object({ AccessKeyLastUsed: z.object({ LastUsedDate: z.date().nullish() }).nullish() });

export async function listUsage(
  api: IamApi,
  since: string | null,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const request = { operation, token: cursor ?? undefined, limit: Math.min(api.pageMax, usersPerPage) };
  const { items: users, nextCursor } = await listUsers(api, request, ctx);
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const items: UsageView[] = [];
  for (const user of users) {
    const usedAtMs = await lastUseMs(api, user, ctx);
    if (usedAtMs === null || usedAtMs < sinceMs) continue;
    items.push({ accountId: user.UserId, vendorEntitlementId: null, lastUsedAt: new Date(usedAtMs).toISOString() });
  }
  return { items, nextCursor };
}

async function lastUseMs(api: IamApi, user: IamUser, ctx: CallContext): Promise<number | null> {
  const { aws, iam } = api;
  const usesMs: number[] = [];
  if (user.PasswordLastUsed != null) usesMs.push(user.PasswordLastUsed.getTime());
  for (const { id } of await listCredentials(api, 'accessKey', { operation, userName: user.UserName }, ctx)) {
    const send = (options: object) => iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id }), options);
    const reply = await aws.readOrNull({ operation, schema: LastUsed }, send, ctx);
    const usedAt = reply?.data.AccessKeyLastUsed?.LastUsedDate;
    if (usedAt != null) usesMs.push(usedAt.getTime());
  }
  return usesMs.length === 0 ? null : Math.max(...usesMs);
}
