/** What the parts of the Identity Center connector share: the two SDK clients, the configuration, and reads of users. */
import {
  DescribeUserCommand,
  GetUserIdCommand,
  type IdentitystoreClient,
  ListUsersCommand,
} from '@aws-sdk/client-identitystore';
import type { SSOAdminClient } from '@aws-sdk/client-sso-admin';
import { z } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import type { VendorClient } from '../kit/vendor-client.ts';
import type { AwsCaller } from './caller.ts';
import { storeIdPattern } from './entitlement-id.ts';
import { enterprise, IdentityUser, type KeyPlace } from './identity-user.ts';
import { tokenPage } from './token-pages.ts';

export interface IdentityApi {
  aws: AwsCaller;
  store: IdentitystoreClient;
  sso: SSOAdminClient;
  /** The SCIM endpoint of the instance; null where the system has none. */
  scim: VendorClient | null;
  storeId: string;
  instanceArn: string;
  pageMax: number;
  place: KeyPlace;
  /** Operations on assignments that this process began and has not seen the end of: their ids by assignment. */
  underWay: Map<string, string>;
}

const UserPage = z.object({ Users: z.array(IdentityUser), NextToken: z.string().nullish() });

/** Fresh, by id. A text that is no id of the store names nobody: AWS would refuse to look. */
export async function readUser(
  { aws, store, storeId }: IdentityApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<IdentityUser | null> {
  if (!storeIdPattern.test(accountId)) return null;
  const input = { IdentityStoreId: storeId, UserId: accountId, Extensions: [enterprise] };
  const send = (options: object) => store.send(new DescribeUserCommand(input), options);
  const reply = await aws.readOrNull({ operation, schema: IdentityUser }, send, ctx);
  if (reply !== null && reply.data.UserId !== accountId) {
    throw aws.fail('transient', operation, 'the answer is about another account');
  }
  return reply?.data ?? null;
}

export async function knownUser(
  api: IdentityApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<IdentityUser> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.aws.fail('notFound', operation, 'the account does not exist');
  return user;
}

/** One page of all users, disabled ones among them. */
export async function listUsers(
  { aws, store, storeId, pageMax }: IdentityApi,
  { operation, token, limit = pageMax }: { operation: string; token: string | undefined; limit?: number },
  ctx: CallContext,
): Promise<Page<IdentityUser>> {
  const input = { IdentityStoreId: storeId, Extensions: [enterprise], MaxResults: limit, NextToken: token };
  const send = (options: object) => store.send(new ListUsersCommand(input), options);
  const { data } = await aws.read({ operation, schema: UserPage }, send, ctx);
  return tokenPage(data.Users, data.NextToken);
}

/** The user whose external id it is, read by id; null where there is none. */
export async function readUserByExternalId(
  api: IdentityApi,
  operation: string,
  { issuer, id }: { issuer: string; id: string },
  ctx: CallContext,
): Promise<IdentityUser | null> {
  // What the store could not hold, it does not hold.
  if (id.length > 256 || !/^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u.test(id)) return null;
  const { aws, store, storeId } = api;
  const input = { IdentityStoreId: storeId, AlternateIdentifier: { ExternalId: { Issuer: issuer, Id: id } } };
  const send = (options: object) => store.send(new GetUserIdCommand(input), options);
  const reply = await aws.readOrNull({ operation, schema: z.object({ UserId: z.string().min(1) }) }, send, ctx);
  return reply === null ? null : readUser(api, operation, reply.data.UserId, ctx);
}
