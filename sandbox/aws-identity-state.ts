/** What the sandbox of Identity Center stores: users, groups, permission sets, assignments, and operations on these. */
import { z } from 'zod';
import { AwsRefusal } from './aws-wire.ts';
import type { Store } from './store.ts';

const text = z.string().optional();

/** A user as the API shows it, without the store's id. */
export const IdentityUserRow = z.strictObject({
  UserId: z.string(),
  UserName: z.string(),
  UserStatus: z.enum(['ENABLED', 'DISABLED']),
  DisplayName: text,
  Title: text,
  NickName: text,
  ProfileUrl: text,
  UserType: text,
  Name: z.strictObject({ GivenName: text, FamilyName: text }).optional(),
  Emails: z.array(z.strictObject({ Value: z.string(), Type: text, Primary: z.boolean().optional() })).optional(),
  ExternalIds: z.array(z.strictObject({ Issuer: z.string(), Id: z.string() })).optional(),
  Extensions: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
export type IdentityUserRow = z.infer<typeof IdentityUserRow>;

export const AssignmentRow = z.strictObject({
  AccountId: z.string(),
  PermissionSetArn: z.string(),
  PrincipalId: z.string(),
  PrincipalType: z.enum(['USER', 'GROUP']),
});
export type AssignmentRow = z.infer<typeof AssignmentRow>;

const OperationRow = z.strictObject({
  requestId: z.string(),
  direction: z.enum(['create', 'delete']),
  assignment: AssignmentRow,
  status: z.enum(['IN_PROGRESS', 'FAILED', 'SUCCEEDED']),
  failureReason: z.string().nullable(),
  /** So many more times somebody is told that it runs. */
  pollsLeft: z.number(),
  createdAtMs: z.number(),
});
export type OperationRow = z.infer<typeof OperationRow>;

export const IdentityState = z.strictObject({
  users: z.record(z.string(), IdentityUserRow),
  groups: z.array(z.strictObject({ id: z.string(), name: z.string() })),
  memberships: z.array(z.strictObject({ id: z.string(), groupId: z.string(), userId: z.string() })),
  permissionSets: z.array(z.strictObject({ arn: z.string(), name: z.string(), accountIds: z.array(z.string()) })),
  assignments: z.array(AssignmentRow),
  operations: z.array(OperationRow),
});
export type IdentityState = z.infer<typeof IdentityState>;

export interface IdentityParts {
  store: Store<IdentityState>;
  instance: { arn: string; storeId: string; ownerAccountId: string };
  behaviour: IdentityBehaviour;
  now: () => Date;
}

/** May be changed at any time. */
export interface IdentityBehaviour {
  /** How often an operation on an assignment is reported as running before it ends; 0: it ends in the call itself. */
  polls: number;
  /** What operations end with instead of success. */
  failureReason: string | null;
}

/** Operations by name: the input as it came, the output as it goes. */
export type AwsHandlers = Record<string, (input: unknown) => object>;

/** The input in the shape that the handler needs. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AwsRefusal('ValidationException', '1 validation error detected');
}

/** Seconds since the epoch: timestamps of the JSON protocol. */
export function toEpochSeconds(ms: number): number {
  return ms / 1000;
}
