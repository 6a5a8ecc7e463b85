/**
 * What the sandbox's Okta stores, its account statuses and the rules between them.
 * https://developer.okta.com/docs/reference/api/users/#user-status
 */
import { z } from 'zod';

export const OktaStatus = z.enum([
  'STAGED',
  'PROVISIONED',
  'ACTIVE',
  'RECOVERY',
  'PASSWORD_EXPIRED',
  'LOCKED_OUT',
  'SUSPENDED',
  'DEPROVISIONED',
]);
export type OktaStatus = z.infer<typeof OktaStatus>;

export const OktaProfile = z
  .object({ login: z.string(), email: z.string(), firstName: z.string(), lastName: z.string() })
  .catchall(z.unknown());
export type OktaProfile = z.infer<typeof OktaProfile>;

export const OktaUser = z.strictObject({
  id: z.string(),
  status: OktaStatus,
  created: z.string(),
  activated: z.string().nullable(),
  statusChanged: z.string().nullable(),
  lastLogin: z.string().nullable(),
  lastUpdated: z.string(),
  hasPassword: z.boolean(),
  profile: OktaProfile,
});
export type OktaUser = z.infer<typeof OktaUser>;

export const OktaGroup = z.strictObject({
  id: z.string(),
  type: z.enum(['OKTA_GROUP', 'APP_GROUP', 'BUILT_IN']),
  name: z.string(),
  description: z.string(),
  created: z.string(),
  memberIds: z.array(z.string()),
});
export type OktaGroup = z.infer<typeof OktaGroup>;

export const OktaLogEvent = z.strictObject({
  uuid: z.string(),
  actorId: z.string(),
  login: z.string(),
  /** When it happened, and when it was stored. */
  published: z.string(),
  persisted: z.string(),
});
export type OktaLogEvent = z.infer<typeof OktaLogEvent>;

export const OktaRule = z.strictObject({
  id: z.string(),
  name: z.string(),
  status: z.enum(['ACTIVE', 'INACTIVE', 'INVALID']),
  groupIds: z.array(z.string()),
  /** Whom its expression fits. */
  userIds: z.array(z.string()),
});
export type OktaRule = z.infer<typeof OktaRule>;

export const OktaRoleAssignment = z.strictObject({
  id: z.string(),
  userId: z.string(),
  type: z.string(),
  assignmentType: z.enum(['USER', 'GROUP']),
});
export type OktaRoleAssignment = z.infer<typeof OktaRoleAssignment>;

export const OktaState = z.strictObject({
  users: z.record(z.string(), OktaUser),
  groups: z.record(z.string(), OktaGroup),
  sessions: z.array(z.strictObject({ id: z.string(), userId: z.string(), kind: z.enum(['sso', 'oauth']) })),
  /** What `search=` sees: users as of the last refresh, and what waits for the next. */
  searchIndex: z.record(z.string(), OktaUser),
  rules: z.array(OktaRule).default([]),
  clientGrants: z
    .array(z.strictObject({ userId: z.string(), clientId: z.string(), kind: z.enum(['refreshToken', 'consent']) }))
    .default([]),
  roleAssignments: z.array(OktaRoleAssignment).default([]),
  logEvents: z.array(OktaLogEvent).default([]),
  indexQueue: z.array(z.strictObject({ visibleAtMs: z.number(), userId: z.string(), user: OktaUser.nullable() })),
});
export type OktaState = z.infer<typeof OktaState>;

/** Whether the person could log in, now or after a step they can take alone (activation link, unlock, new password). */
export function canLogInWith(status: OktaStatus): boolean {
  switch (status) {
    case 'PROVISIONED':
    case 'ACTIVE':
    case 'RECOVERY':
    case 'PASSWORD_EXPIRED':
    case 'LOCKED_OUT':
      return true;
    case 'STAGED':
    case 'SUSPENDED':
    case 'DEPROVISIONED':
      return false;
    default:
      return status satisfies never;
  }
}

export const LifecycleAction = z.enum(['activate', 'deactivate', 'suspend', 'unsuspend', 'reactivate', 'unlock']);
export type LifecycleAction = z.infer<typeof LifecycleAction>;

export interface OktaRefusal {
  status: 400 | 403;
  errorCode: string;
  errorSummary: string;
  causes: string[];
}

export type TransitionResult = { outcome: 'to'; status: OktaStatus } | { outcome: 'refused'; refusal: OktaRefusal };

/** Where an action leads from the user's status, or Okta's refusal. */
export function transition(user: OktaUser, action: LifecycleAction): TransitionResult {
  const { status } = user;
  switch (action) {
    case 'activate':
      if (status !== 'STAGED' && status !== 'DEPROVISIONED') {
        return refused(403, 'E0000016', 'Activation failed because the user is already active');
      }
      return { outcome: 'to', status: user.hasPassword ? 'ACTIVE' : 'PROVISIONED' };
    case 'reactivate':
      return status === 'PROVISIONED' || status === 'RECOVERY'
        ? { outcome: 'to', status: 'PROVISIONED' }
        : notAllowed();
    case 'deactivate':
      return status === 'DEPROVISIONED' ? notAllowed() : { outcome: 'to', status: 'DEPROVISIONED' };
    case 'suspend':
      return status === 'ACTIVE'
        ? { outcome: 'to', status: 'SUSPENDED' }
        : invalid('suspendUser', 'Cannot suspend a user that is not active');
    case 'unsuspend':
      return status === 'SUSPENDED'
        ? { outcome: 'to', status: 'ACTIVE' }
        : invalid('unsuspendUser', 'Cannot unsuspend a user that is not suspended');
    case 'unlock':
      return status === 'LOCKED_OUT'
        ? { outcome: 'to', status: 'ACTIVE' }
        : refused(403, 'E0000032', 'Unlock is not allowed for this user.');
    default:
      return action satisfies never;
  }
}

/** The vendor's validation error; `field` stands in the summary, the causes say what is wrong. */
export function invalid(field: string, ...causes: string[]): { outcome: 'refused'; refusal: OktaRefusal } {
  return refused(400, 'E0000001', `Api validation failed: ${field}`, causes);
}

function notAllowed(): TransitionResult {
  return refused(403, 'E0000038', "This operation is not allowed in the user's current status.");
}

function refused(
  status: 400 | 403,
  errorCode: string,
  errorSummary: string,
  causes: string[] = [],
): { outcome: 'refused'; refusal: OktaRefusal } {
  return { outcome: 'refused', refusal: { status, errorCode, errorSummary, causes } };
}

/** Applies a status: a deactivated account loses its password and its sessions. */
export function setStatus(state: OktaState, user: OktaUser, status: OktaStatus, at: string): void {
  user.status = status;
  user.statusChanged = at;
  user.lastUpdated = at;
  if (status === 'ACTIVE' || status === 'PROVISIONED') user.activated ??= at;
  if (status !== 'DEPROVISIONED') return;
  user.hasPassword = false;
  state.sessions = state.sessions.filter((session) => session.userId !== user.id);
}
