/**
 * Permission sets on AWS accounts. AWS carries an assignment out later: the call answers with an operation whose status
 * is asked for. A connector does not wait; while the operation runs the write fails as `propagating` and is asked again,
 * and then the operation is found by its id, or, after a restart, among those that still run.
 * https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html
 */
import {
  CreateAccountAssignmentCommand,
  DeleteAccountAssignmentCommand,
  DescribeAccountAssignmentCreationStatusCommand,
  DescribeAccountAssignmentDeletionStatusCommand,
  ListAccountAssignmentCreationStatusCommand,
  ListAccountAssignmentDeletionStatusCommand,
  ListAccountAssignmentsForPrincipalCommand,
} from '@aws-sdk/client-sso-admin';
import { z } from 'zod';
import type { CallContext, WriteResult } from '../kit/contract.ts';
import type { ConnectorError } from '../kit/errors.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import type { AwsReply } from './caller.ts';
import type { IdentityApi } from './identity-api.ts';
import { pendingRetryMs } from './refusal.ts';
import { collectTokenPages, tokenPage } from './token-pages.ts';

export interface Assignment {
  accountId: string;
  awsAccountId: string;
  permissionSetArn: string;
}

type Direction = 'create' | 'delete';

const Status = z.object({
  Status: z.enum(['IN_PROGRESS', 'FAILED', 'SUCCEEDED']),
  RequestId: z.string().min(1),
  FailureReason: z.string().nullish(),
  TargetId: z.string().nullish(),
  PermissionSetArn: z.string().nullish(),
  PrincipalId: z.string().nullish(),
});
type Status = z.infer<typeof Status>;

const Held = z.object({
  AccountId: z.string(),
  PermissionSetArn: z.string(),
  PrincipalId: z.string(),
  PrincipalType: z.string(),
});
const HeldPage = z.object({ AccountAssignments: z.array(Held), NextToken: z.string().nullish() });
const Listed = z.array(z.object({ RequestId: z.string().min(1) })).nullish();
const operation = 'ensureEntitlement';

/** What is assigned to the user itself; what comes to it by a group is the group's. */
export async function listAssignments(
  { aws, sso, instanceArn }: IdentityApi,
  { operation, accountId, awsAccountId }: { operation: string; accountId: string; awsAccountId?: string },
  ctx: CallContext,
): Promise<z.infer<typeof Held>[]> {
  const principal = { PrincipalId: accountId, PrincipalType: 'USER' as const };
  const filter = awsAccountId === undefined ? {} : { Filter: { AccountId: awsAccountId } };
  const held = await collectTokenPages(aws, operation, async (NextToken) => {
    const input = { InstanceArn: instanceArn, ...principal, ...filter, MaxResults: 100, NextToken };
    const send = (options: object) => sso.send(new ListAccountAssignmentsForPrincipalCommand(input), options);
    const { data } = await aws.read({ operation, schema: HeldPage }, send, ctx);
    return tokenPage(data.AccountAssignments, data.NextToken);
  });
  return held.filter(({ PrincipalId, PrincipalType }) => PrincipalType === 'USER' && PrincipalId === accountId);
}

/**
 * Asserts the assignment. `propagating` while AWS works on it, in either direction: what is being created is not listed
 * yet, and an absence that is reported then would be wrong a moment later. `precondition` where AWS gave up.
 */
export async function ensureAssignment(
  api: IdentityApi,
  assignment: Assignment,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  const wanted = state === 'present' ? 'create' : 'delete';
  let isNews = false;
  for (const direction of ['create', 'delete'] as const) {
    const status = await operationOf(api, assignment, direction, ctx);
    if (status === null) continue;
    assertEnded(api, status);
    api.underWay.delete(nameOf(assignment, direction));
    // How an operation in the other direction ended is no business of this one.
    if (direction !== wanted) continue;
    assertSucceeded(api, status);
    isNews = true;
  }
  const { accountId, awsAccountId, permissionSetArn } = assignment;
  const held = await listAssignments(api, { operation, accountId, awsAccountId }, ctx);
  const isHeld = held.some((each) => each.AccountId === awsAccountId && each.PermissionSetArn === permissionSetArn);
  if (isHeld !== (state === 'present')) return carryOut(api, assignment, wanted, ctx);
  return { outcome: isNews ? 'changed' : 'unchanged', receipt: noReceipt };
}

/** Begins the operation and asks once how it goes: often it is done by then. */
async function carryOut(
  api: IdentityApi,
  assignment: Assignment,
  direction: Direction,
  ctx: CallContext,
): Promise<WriteResult> {
  let begun: AwsReply<Status>;
  try {
    begun = await begin(api, assignment, direction, ctx);
  } catch (error) {
    // It went between the listing and the call.
    const isGone = direction === 'delete' && isConnectorError(error, 'notFound');
    if (isGone) return { outcome: 'unchanged', receipt: noReceipt };
    throw error;
  }
  const { data, receipt } = begun;
  api.underWay.set(nameOf(assignment, direction), data.RequestId);
  const status = data.Status === 'IN_PROGRESS' ? await describe(api, direction, data.RequestId, ctx) : data;
  assertEnded(api, status);
  api.underWay.delete(nameOf(assignment, direction));
  assertSucceeded(api, status);
  return { outcome: 'changed', receipt };
}

function assertEnded({ aws }: IdentityApi, { Status }: Status): void {
  if (Status !== 'IN_PROGRESS') return;
  const detail = { vendorCode: 'IN_PROGRESS', retryAfterMs: pendingRetryMs };
  throw aws.fail('propagating', operation, 'AWS is still working on the assignment', detail);
}

function assertSucceeded({ aws }: IdentityApi, { Status, FailureReason }: Status): void {
  if (Status === 'FAILED') throw failed(aws.fail, FailureReason ?? '');
}

/** AWS words the reason freely; only a code in it goes on, for the text may name people's things. */
function failed(fail: IdentityApi['aws']['fail'], reason: string): ConnectorError {
  const code = /\b\w{1,60}(?:Exception|Error)\b/.exec(reason)?.[0] ?? /\b[45]\d\d\b/.exec(reason)?.[0];
  const vendorCode = code === undefined ? 'FAILED' : `FAILED/${code}`;
  return fail('precondition', operation, 'AWS could not carry out the assignment', { vendorCode });
}

/** The operation on this assignment that was begun here, or that AWS still works on; null where there is none. */
async function operationOf(
  api: IdentityApi,
  assignment: Assignment,
  direction: Direction,
  ctx: CallContext,
): Promise<Status | null> {
  const known = api.underWay.get(nameOf(assignment, direction));
  if (known !== undefined) {
    const status = await describeOrNull(api, direction, known, ctx);
    if (status !== null) return status;
    api.underWay.delete(nameOf(assignment, direction));
  }
  for (const requestId of await listRunning(api, direction, ctx)) {
    const status = await describe(api, direction, requestId, ctx);
    const isOurs =
      status.PrincipalId === assignment.accountId &&
      status.TargetId === assignment.awsAccountId &&
      status.PermissionSetArn === assignment.permissionSetArn;
    if (!isOurs) continue;
    api.underWay.set(nameOf(assignment, direction), requestId);
    return status;
  }
  return null;
}

/** Null where AWS has forgotten the operation. */
async function describeOrNull(api: IdentityApi, direction: Direction, requestId: string, ctx: CallContext) {
  try {
    return await describe(api, direction, requestId, ctx);
  } catch (error) {
    if (isConnectorError(error, 'notFound')) return null;
    throw error;
  }
}

async function listRunning(
  { aws, sso, instanceArn }: IdentityApi,
  direction: Direction,
  ctx: CallContext,
): Promise<string[]> {
  const schema = z.object({
    AccountAssignmentsCreationStatus: Listed,
    AccountAssignmentsDeletionStatus: Listed,
    NextToken: z.string().nullish(),
  });
  const running = await collectTokenPages(aws, operation, async (NextToken) => {
    const Filter = { Status: 'IN_PROGRESS' as const };
    const input = { InstanceArn: instanceArn, Filter, MaxResults: 100, NextToken };
    const send = (options: object) =>
      direction === 'create'
        ? sso.send(new ListAccountAssignmentCreationStatusCommand(input), options)
        : sso.send(new ListAccountAssignmentDeletionStatusCommand(input), options);
    const { data } = await aws.read({ operation, schema }, send, ctx);
    return tokenPage(
      data.AccountAssignmentsCreationStatus ?? data.AccountAssignmentsDeletionStatus ?? [],
      data.NextToken,
    );
  });
  return running.map(({ RequestId }) => RequestId);
}

async function describe(
  { aws, sso, instanceArn }: IdentityApi,
  direction: Direction,
  requestId: string,
  ctx: CallContext,
): Promise<Status> {
  const InstanceArn = instanceArn;
  if (direction === 'create') {
    const input = { InstanceArn, AccountAssignmentCreationRequestId: requestId };
    const schema = z.object({ AccountAssignmentCreationStatus: Status });
    const send = (options: object) => sso.send(new DescribeAccountAssignmentCreationStatusCommand(input), options);
    return (await aws.read({ operation, schema }, send, ctx)).data.AccountAssignmentCreationStatus;
  }
  const input = { InstanceArn, AccountAssignmentDeletionRequestId: requestId };
  const schema = z.object({ AccountAssignmentDeletionStatus: Status });
  const send = (options: object) => sso.send(new DescribeAccountAssignmentDeletionStatusCommand(input), options);
  return (await aws.read({ operation, schema }, send, ctx)).data.AccountAssignmentDeletionStatus;
}

async function begin(
  { aws, sso, instanceArn }: IdentityApi,
  { accountId, awsAccountId, permissionSetArn }: Assignment,
  direction: Direction,
  ctx: CallContext,
): Promise<AwsReply<Status>> {
  const input = {
    InstanceArn: instanceArn,
    TargetId: awsAccountId,
    TargetType: 'AWS_ACCOUNT' as const,
    PermissionSetArn: permissionSetArn,
    PrincipalType: 'USER' as const,
    PrincipalId: accountId,
  };
  if (direction === 'create') {
    const schema = z.object({ AccountAssignmentCreationStatus: Status });
    const send = (options: object) => sso.send(new CreateAccountAssignmentCommand(input), options);
    const { data, receipt } = await aws.write({ operation, schema }, send, ctx);
    return { data: data.AccountAssignmentCreationStatus, receipt };
  }
  const schema = z.object({ AccountAssignmentDeletionStatus: Status });
  const send = (options: object) => sso.send(new DeleteAccountAssignmentCommand(input), options);
  const { data, receipt } = await aws.write({ operation, schema }, send, ctx);
  return { data: data.AccountAssignmentDeletionStatus, receipt };
}

function nameOf({ accountId, awsAccountId, permissionSetArn }: Assignment, direction: Direction): string {
  return `${direction}/${accountId}/${awsAccountId}/${permissionSetArn}`;
}
