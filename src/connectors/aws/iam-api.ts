/**
 * What the parts of the IAM connector share: the SDK client, the configuration, and reads of users. Calls of IAM take
 * the name of a user, which an administrator may change and give to somebody else: an account is its unique id, and a
 * name is used only after a read said that it belongs to that id.
 */
import {
  GetAccountAuthorizationDetailsCommand,
  GetUserCommand,
  type IAMClient,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { z } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import { eachPage } from '../kit/paging.ts';
import type { AwsCaller } from './caller.ts';
import { iamIdPattern } from './entitlement-id.ts';
import { IamUser } from './iam-user.ts';
import { tokenPage } from './token-pages.ts';

export interface IamApi {
  aws: AwsCaller;
  iam: IAMClient;
  pageMax: number;
  tagPrefix: string;
  /** The last known name of each id, to spare a search; every use is checked by a read. */
  names: Map<string, string>;
}

const UserPage = z.object({ Users: z.array(IamUser), IsTruncated: z.boolean(), Marker: z.string().nullish() });
const Policies = z.array(z.object({ PolicyName: z.string(), PolicyDocument: z.string().nullish() })).nullish();
const UserDetail = IamUser.extend({ UserPolicyList: Policies });
export type UserDetail = z.infer<typeof UserDetail>;
const DetailPage = z.object({
  UserDetailList: z.array(UserDetail),
  IsTruncated: z.boolean(),
  Marker: z.string().nullish(),
});

interface PageRequest {
  operation: string;
  token: string | undefined;
  limit?: number;
}

/** One page of names and ids; the end is told by IAM and not by the size of the page. */
export async function listUsers(
  { aws, iam, pageMax }: IamApi,
  { operation, token, limit = pageMax }: PageRequest,
  ctx: CallContext,
): Promise<Page<IamUser>> {
  const send = (options: object) => iam.send(new ListUsersCommand({ MaxItems: limit, Marker: token }), options);
  const { data } = await aws.read({ operation, schema: UserPage }, send, ctx);
  return markedPage(aws, operation, data.Users, data);
}

/** One page of users with their tags and inline policies, in one call. */
export async function listUserDetails(
  { aws, iam, pageMax, names }: IamApi,
  { operation, token, limit = pageMax }: PageRequest,
  ctx: CallContext,
): Promise<Page<UserDetail>> {
  const input = { Filter: ['User' as const], MaxItems: limit, Marker: token };
  const send = (options: object) => iam.send(new GetAccountAuthorizationDetailsCommand(input), options);
  const { data } = await aws.read({ operation, schema: DetailPage }, send, ctx);
  for (const { UserId, UserName } of data.UserDetailList) names.set(UserId, UserName);
  return markedPage(aws, operation, data.UserDetailList, data);
}

export interface Marked {
  IsTruncated?: boolean | null | undefined;
  Marker?: string | null | undefined;
}

/** A page that is not the last one and leads nowhere is no listing. */
export function markedPage<T>(aws: AwsCaller, operation: string, items: readonly T[], marked: Marked): Page<T> {
  const page = tokenPage(items, marked.IsTruncated === true ? marked.Marker : null);
  if (marked.IsTruncated === true && page.nextCursor === null) {
    throw aws.fail('transient', operation, 'the listing ended before its announced end');
  }
  return page;
}

/** Fresh, by unique id; null only where no user of the account has it. */
export async function readUser(
  api: IamApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<IamUser | null> {
  if (!iamIdPattern.test(accountId)) return null;
  const hint = api.names.get(accountId);
  if (hint !== undefined) {
    const user = await readByName(api, operation, hint, ctx);
    if (user?.UserId === accountId) return user;
    api.names.delete(accountId);
  }
  const name = await findName(api, operation, accountId, ctx);
  const user = name === null ? null : await readByName(api, operation, name, ctx);
  if (user === null) return null;
  // Renamed between the two reads: the next attempt finds the new name.
  if (user.UserId !== accountId) throw api.aws.fail('transient', operation, 'the name belongs to another account now');
  return user;
}

export async function knownUser(api: IamApi, operation: string, accountId: string, ctx: CallContext): Promise<IamUser> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.aws.fail('notFound', operation, 'the account does not exist');
  return user;
}

async function readByName({ aws, iam }: IamApi, operation: string, UserName: string, ctx: CallContext) {
  const send = (options: object) => iam.send(new GetUserCommand({ UserName }), options);
  const reply = await aws.readOrNull({ operation, schema: z.object({ User: IamUser }) }, send, ctx);
  return reply?.data.User ?? null;
}

async function findName(api: IamApi, operation: string, accountId: string, ctx: CallContext): Promise<string | null> {
  const fetchPage = (cursor: string | null) => listUsers(api, { operation, token: cursor ?? undefined }, ctx);
  for await (const users of eachPage(fetchPage, { systemId: api.aws.systemId, operation })) {
    for (const { UserId, UserName } of users) api.names.set(UserId, UserName);
    const found = users.find(({ UserId }) => UserId === accountId);
    if (found !== undefined) return found.UserName;
  }
  return null;
}
