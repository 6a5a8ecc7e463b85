/**
 * The API that assigns permission sets to AWS accounts. An assignment is carried out later: its operation is reported as
 * running for a while, a second one on the same assignment is refused meanwhile, and one may end in failure.
 * https://docs.aws.amazon.com/singlesignon/latest/APIReference/welcome.html
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type AssignmentRow,
  type AwsHandlers,
  type IdentityParts,
  type OperationRow,
  parseInput,
  toEpochSeconds,
} from './aws-identity-state.ts';
import { AwsRefusal, pageOf } from './aws-wire.ts';

const InInstance = { InstanceArn: z.string() };
const Paging = { MaxResults: z.number().int().min(1).max(100).default(100), NextToken: z.string().optional() };
const Target = z.strictObject({
  ...InInstance,
  TargetId: z.string().regex(/^\d{12}$/),
  TargetType: z.literal('AWS_ACCOUNT'),
  PermissionSetArn: z.string(),
  PrincipalType: z.enum(['USER', 'GROUP']),
  PrincipalId: z.string(),
});
type Direction = OperationRow['direction'];

const words = {
  create: { status: 'AccountAssignmentCreationStatus', list: 'AccountAssignmentsCreationStatus' },
  delete: { status: 'AccountAssignmentDeletionStatus', list: 'AccountAssignmentsDeletionStatus' },
} as const;

export function ssoAdminHandlers(parts: IdentityParts): AwsHandlers {
  const { instance } = parts;
  const handlers: AwsHandlers = {
    ...catalogueHandlers(parts),
    ...operationHandlers(parts, 'create'),
    ...operationHandlers(parts, 'delete'),
  };
  const Located = z.looseObject(InInstance);
  const guarded = Object.entries(handlers).map(([name, handle]) => [
    name,
    (input: unknown) => {
      if (parseInput(Located, input).InstanceArn !== instance.arn) throw notFound();
      return handle(input);
    },
  ]);
  const Instances = [
    { InstanceArn: instance.arn, IdentityStoreId: instance.storeId, OwnerAccountId: instance.ownerAccountId },
  ];
  return { ...(Object.fromEntries(guarded) as AwsHandlers), ListInstances: () => ({ Instances }) };
}

function catalogueHandlers({ store }: IdentityParts): AwsHandlers {
  const setOf = (arn: string) => {
    const found = store.data.permissionSets.find((set) => set.arn === arn);
    if (found === undefined) throw notFound();
    return found;
  };
  return {
    ListPermissionSets(input) {
      const { NextToken, MaxResults } = parseInput(z.strictObject({ ...InInstance, ...Paging }), input);
      const { items, next } = pageOf(store.data.permissionSets, NextToken, MaxResults);
      return { PermissionSets: items.map(({ arn }) => arn), ...tokenOf(next) };
    },
    DescribePermissionSet(input) {
      const asked = parseInput(z.strictObject({ ...InInstance, PermissionSetArn: z.string() }), input);
      const { arn, name } = setOf(asked.PermissionSetArn);
      return { PermissionSet: { Name: name, PermissionSetArn: arn, SessionDuration: 'PT1H' } };
    },
    ListAccountsForProvisionedPermissionSet(input) {
      const asked = parseInput(z.strictObject({ ...InInstance, ...Paging, PermissionSetArn: z.string() }), input);
      const { items, next } = pageOf(setOf(asked.PermissionSetArn).accountIds, asked.NextToken, asked.MaxResults);
      return { AccountIds: items, ...tokenOf(next) };
    },
    ListAccountAssignmentsForPrincipal(input) {
      const asked = parseInput(
        z.strictObject({
          ...InInstance,
          ...Paging,
          PrincipalId: z.string(),
          PrincipalType: z.enum(['USER', 'GROUP']),
          Filter: z.strictObject({ AccountId: z.string().optional() }).optional(),
        }),
        input,
      );
      // What comes to a user by a group is listed too, in the name of the group.
      const groupIds = store.data.memberships.filter(({ userId }) => userId === asked.PrincipalId);
      const principals = new Set([asked.PrincipalId, ...groupIds.map(({ groupId }) => groupId)]);
      const wanted = asked.Filter?.AccountId;
      const all = store.data.assignments.filter(
        ({ PrincipalId, AccountId }) => principals.has(PrincipalId) && (wanted ?? AccountId) === AccountId,
      );
      const { items, next } = pageOf(all, asked.NextToken, asked.MaxResults);
      return { AccountAssignments: items, ...tokenOf(next) };
    },
  };
}

function operationHandlers(parts: IdentityParts, direction: Direction): AwsHandlers {
  const { store } = parts;
  const { status, list } = words[direction];
  const verb = direction === 'create' ? 'Create' : 'Delete';
  const noun = direction === 'create' ? 'Creation' : 'Deletion';
  return {
    [`${verb}AccountAssignment`](input) {
      const row = begin(parts, assignmentOf(parseInput(Target, input)), direction);
      return { [status]: show(row) };
    },
    [`DescribeAccountAssignment${noun}Status`](input) {
      const idName = `AccountAssignment${noun}RequestId`;
      const asked = parseInput(z.looseObject({ ...InInstance, [idName]: z.string() }), input);
      const row = store.data.operations.find(
        (each) => each.requestId === asked[idName] && each.direction === direction,
      );
      if (row === undefined) throw notFound();
      if (row.status === 'IN_PROGRESS') {
        if (row.pollsLeft <= 1) finish(parts, row);
        row.pollsLeft -= 1;
      }
      return { [status]: show(row) };
    },
    [`ListAccountAssignment${noun}Status`](input) {
      const Filter = z.strictObject({ Status: z.enum(['IN_PROGRESS', 'FAILED', 'SUCCEEDED']).optional() }).optional();
      const asked = parseInput(z.strictObject({ ...InInstance, ...Paging, Filter }), input);
      const all = store.data.operations.filter(
        (row) => row.direction === direction && (asked.Filter?.Status ?? row.status) === row.status,
      );
      const { items, next } = pageOf(all, asked.NextToken, asked.MaxResults);
      const rows = items.map((row) => ({
        Status: row.status,
        RequestId: row.requestId,
        CreatedDate: toEpochSeconds(row.createdAtMs),
      }));
      return { [list]: rows, ...tokenOf(next) };
    },
  };
}

function begin(parts: IdentityParts, assignment: AssignmentRow, direction: Direction): OperationRow {
  const { store, now, behaviour } = parts;
  assertPossible(parts, assignment, direction);
  const row: OperationRow = {
    requestId: randomUUID(),
    direction,
    assignment,
    status: 'IN_PROGRESS',
    failureReason: null,
    pollsLeft: behaviour.polls,
    createdAtMs: now().getTime(),
  };
  store.data.operations.push(row);
  if (row.pollsLeft === 0) finish(parts, row);
  return row;
}

function assertPossible({ store }: IdentityParts, assignment: AssignmentRow, direction: Direction): void {
  const { users, groups, permissionSets, operations, assignments } = store.data;
  const { PrincipalId, PermissionSetArn } = assignment;
  const isPrincipal = users[PrincipalId] !== undefined || groups.some(({ id }) => id === PrincipalId);
  if (!isPrincipal || !permissionSets.some(({ arn }) => arn === PermissionSetArn)) throw notFound();
  const isBusy = operations.some((row) => row.status === 'IN_PROGRESS' && isSame(row.assignment, assignment));
  if (isBusy) throw new AwsRefusal('ConflictException', 'There is a conflicting operation in process.');
  const isThere = assignments.some((row) => isSame(row, assignment));
  if (direction === 'delete' && !isThere) throw notFound();
}

/** The operation ends as the behaviour of this moment says. */
function finish({ store, behaviour }: IdentityParts, row: OperationRow): void {
  row.failureReason = behaviour.failureReason;
  row.status = behaviour.failureReason === null ? 'SUCCEEDED' : 'FAILED';
  if (row.status === 'FAILED') return;
  const others = store.data.assignments.filter((each) => !isSame(each, row.assignment));
  store.data.assignments = row.direction === 'create' ? [...others, row.assignment] : others;
  const { AccountId, PermissionSetArn } = row.assignment;
  const set = store.data.permissionSets.find(({ arn }) => arn === PermissionSetArn);
  if (row.direction === 'create' && set?.accountIds.includes(AccountId) === false) set.accountIds.push(AccountId);
}

function show({ requestId, assignment, status, failureReason, createdAtMs }: OperationRow): object {
  return {
    Status: status,
    RequestId: requestId,
    ...(failureReason === null ? {} : { FailureReason: failureReason }),
    TargetId: assignment.AccountId,
    TargetType: 'AWS_ACCOUNT',
    PermissionSetArn: assignment.PermissionSetArn,
    PrincipalType: assignment.PrincipalType,
    PrincipalId: assignment.PrincipalId,
    CreatedDate: toEpochSeconds(createdAtMs),
  };
}

function assignmentOf({ TargetId, PermissionSetArn, PrincipalId, PrincipalType }: z.infer<typeof Target>) {
  return { AccountId: TargetId, PermissionSetArn, PrincipalId, PrincipalType };
}

function isSame(a: AssignmentRow, b: AssignmentRow): boolean {
  return a.AccountId === b.AccountId && a.PermissionSetArn === b.PermissionSetArn && a.PrincipalId === b.PrincipalId;
}

function notFound(): AwsRefusal {
  return new AwsRefusal('ResourceNotFoundException', 'The resource was not found.');
}

function tokenOf(next: string | undefined): { NextToken?: string } {
  return next === undefined ? {} : { NextToken: next };
}
