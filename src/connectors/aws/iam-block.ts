/**
 * How an IAM user is shut out, and let in again. An inline policy that denies everything works at once on all that the
 * user can sign with, temporary credentials and open console sessions included; then every credential is switched off,
 * which is what AWS documents for somebody who leaves, and the password deleted, for it can be neither kept nor switched
 * off. Tags remember what was switched off, so that only that comes back: a key that somebody had retired stays retired.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html
 */
import {
  DeleteUserPolicyCommand,
  GetUserPolicyCommand,
  PutUserPolicyCommand,
  TagUserCommand,
  UntagUserCommand,
} from '@aws-sdk/client-iam';
import { z } from 'zod';
import type { CallContext, VendorReceipt, WriteResult } from '../kit/contract.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import type { IamApi } from './iam-api.ts';
import { type Credential, type Credentials, deletePassword, hasLive, switchCredential } from './iam-credentials.ts';
import { type IamUser, tagOf } from './iam-user.ts';

export const blockPolicyName = 'UsherBlocksThisUser';
export const sessionPolicyName = 'UsherEndsSessions';

const denyAll = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
});

const Statement = z.looseObject({
  Effect: z.string(),
  Action: z.unknown(),
  Resource: z.unknown(),
  Condition: z.unknown().optional(),
});
const PolicyDocument = z.object({ Statement: z.union([z.array(Statement), Statement.transform((one) => [one])]) });

/** Whether the document, URL-encoded as IAM gives it, denies everything: a name alone could stand on anything. */
export function deniesEverything(encoded: string): boolean {
  const parsed = PolicyDocument.safeParse(documentOf(encoded));
  if (!parsed.success) return false;
  const isAll = (value: unknown): boolean => value === '*' || (Array.isArray(value) && value.includes('*'));
  return parsed.data.Statement.some(
    ({ Effect, Action, Resource, Condition }) =>
      Effect === 'Deny' && isAll(Action) && isAll(Resource) && Condition === undefined,
  );
}

function documentOf(encoded: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(encoded)) as unknown;
  } catch {
    return null;
  }
}

export async function readIsBlocked(
  { aws, iam }: IamApi,
  operation: string,
  UserName: string,
  ctx: CallContext,
): Promise<boolean> {
  const send = (options: object) =>
    iam.send(new GetUserPolicyCommand({ UserName, PolicyName: blockPolicyName }), options);
  const schema = z.object({ PolicyDocument: z.string() });
  const reply = await aws.readOrNull({ operation, schema }, send, ctx);
  return reply !== null && deniesEverything(reply.data.PolicyDocument);
}

export interface BlockState {
  isBlocked: boolean;
  credentials: Credentials;
}

/** Whatever was begun before goes on where it stopped; each step can be repeated. */
export async function block(
  api: IamApi,
  user: IamUser,
  { isBlocked, credentials }: BlockState,
  ctx: CallContext,
): Promise<WriteResult> {
  if (isBlocked && !hasLive(credentials)) return { outcome: 'unchanged', receipt: noReceipt };
  const { UserName } = user;
  const receipt = isBlocked
    ? noReceipt
    : await putPolicy(api, 'setLogin', { UserName, name: blockPolicyName }, denyAll, ctx);
  const live = credentials.keys.filter(({ isActive }) => isActive);
  const unmarked = live.filter((credential) => tagOf(user, markOf(api, credential)) === null);
  if (unmarked.length > 0) {
    const Tags = unmarked.map((credential) => ({ Key: markOf(api, credential), Value: 'active' }));
    const send = (options: object) => api.iam.send(new TagUserCommand({ UserName, Tags }), options);
    await api.aws.write({ operation: 'setLogin', schema: z.unknown() }, send, ctx);
  }
  for (const credential of live) await switchCredential(api, UserName, credential, false, ctx);
  if (credentials.hasPassword) await deletePassword(api, UserName, ctx);
  return { outcome: 'changed', receipt };
}

/** The policy goes last: until then nothing that came back works. */
export async function unblock(
  api: IamApi,
  user: IamUser,
  { isBlocked, credentials }: BlockState,
  ctx: CallContext,
): Promise<WriteResult> {
  if (!isBlocked) return { outcome: 'unchanged', receipt: noReceipt };
  const { aws, iam } = api;
  const { UserName } = user;
  const marked = credentials.keys.filter((credential) => tagOf(user, markOf(api, credential)) !== null);
  for (const credential of marked.filter(({ isActive }) => !isActive)) {
    await switchCredential(api, UserName, credential, true, ctx);
  }
  const TagKeys = (user.Tags ?? []).map(({ Key }) => Key).filter((key) => key.startsWith(`${api.tagPrefix}reopen:`));
  if (TagKeys.length > 0) {
    const untag = (options: object) => iam.send(new UntagUserCommand({ UserName, TagKeys }), options);
    await aws.write({ operation: 'setLogin', schema: z.unknown() }, untag, ctx);
  }
  const send = (options: object) =>
    iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName: blockPolicyName }), options);
  try {
    const { receipt } = await aws.write({ operation: 'setLogin', schema: z.unknown() }, send, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    if (isConnectorError(error, 'notFound')) return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
}

function markOf({ tagPrefix }: IamApi, { kind, id }: Pick<Credential, 'kind' | 'id'>): string {
  return `${tagPrefix}reopen:${kind}:${id}`;
}

/**
 * Ends what was issued until now: console sessions and temporary credentials carry the time of their issue, access keys
 * do not. The same condition stands in the policy by which the console revokes the sessions of a role.
 */
export function endSessions(api: IamApi, UserName: string, nowMs: number, ctx: CallContext): Promise<VendorReceipt> {
  const Condition = { DateLessThanEquals: { 'aws:TokenIssueTime': new Date(nowMs).toISOString() } };
  const Statement = [{ Effect: 'Deny', Action: '*', Resource: '*', Condition }];
  const document = JSON.stringify({ Version: '2012-10-17', Statement });
  return putPolicy(api, 'revokeSessions', { UserName, name: sessionPolicyName }, document, ctx);
}

async function putPolicy(
  { aws, iam }: IamApi,
  operation: string,
  { UserName, name }: { UserName: string; name: string },
  document: string,
  ctx: CallContext,
): Promise<VendorReceipt> {
  const input = { UserName, PolicyName: name, PolicyDocument: document };
  const send = (options: object) => iam.send(new PutUserPolicyCommand(input), options);
  return (await aws.write({ operation, schema: z.unknown() }, send, ctx)).receipt;
}
