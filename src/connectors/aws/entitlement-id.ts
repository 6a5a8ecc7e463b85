/**
 * Ids of what can be assigned, as policy writes them: `group:<GroupId>`, `assignment:<account>/<permission set ARN>`,
 * `policy:<policy ARN>`. A text of no known form names nothing that exists.
 */

export type IdentityEntitlement =
  | { kind: 'group'; groupId: string }
  /** A permission set on one AWS account of the organisation. */
  | { kind: 'assignment'; awsAccountId: string; permissionSetArn: string };

export type IamEntitlement = { kind: 'group'; groupId: string } | { kind: 'policy'; policyArn: string };

/** Ids of users and groups of the identity store. */
export const storeIdPattern = /^([0-9a-f]{10}-)?[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}$/;
/** Ids of users and groups of IAM. */
export const iamIdPattern = /^\w{16,128}$/;

// Stand-ins for AWS write the rest of the ARN in other ways; AWS itself refuses what names no permission set.
const assignmentPattern = /^assignment:(\d{12})\/(arn:aws(?:-[a-z]{1,5}){0,3}:sso:::[\w./-]{1,200})$/;
const policyPattern = /^policy:(arn:aws(?:-[a-z]{1,5}){0,3}:iam::(?:aws|\d{12}):policy\/[\w+=,.@/-]{1,512})$/;

export function parseIdentityEntitlement(id: string): IdentityEntitlement | null {
  const [, awsAccountId, permissionSetArn] = assignmentPattern.exec(id) ?? [];
  if (awsAccountId !== undefined && permissionSetArn !== undefined) {
    return { kind: 'assignment', awsAccountId, permissionSetArn };
  }
  const groupId = groupIdOf(id);
  return groupId !== null && storeIdPattern.test(groupId) ? { kind: 'group', groupId } : null;
}

export function parseIamEntitlement(id: string): IamEntitlement | null {
  const policyArn = policyPattern.exec(id)?.[1];
  if (policyArn !== undefined) return { kind: 'policy', policyArn };
  const groupId = groupIdOf(id);
  return groupId !== null && iamIdPattern.test(groupId) ? { kind: 'group', groupId } : null;
}

export const groupEntitlement = (groupId: string): string => `group:${groupId}`;
export const assignmentEntitlement = (awsAccountId: string, permissionSetArn: string): string =>
  `assignment:${awsAccountId}/${permissionSetArn}`;
export const policyEntitlement = (policyArn: string): string => `policy:${policyArn}`;

function groupIdOf(id: string): string | null {
  return id.startsWith('group:') ? id.slice('group:'.length) : null;
}
