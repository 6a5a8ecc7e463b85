/**
 * What a SCIM application of the sandbox stores, and how its resources look.
 */
import { z } from 'zod';
import type { ScimQuirks } from './scim-quirks.ts';
import type { Store } from './store.ts';

export const ScimUser = z.strictObject({
  id: z.string(),
  userName: z.string().min(1),
  active: z.boolean(),
  created: z.string(),
  lastModified: z.string(),
  /** Deleted at a server that keeps it, out of sight. */
  isDeleted: z.boolean().optional(),
  /** The other attributes of the resource, as the client sent them. */
  attributes: z.record(z.string(), z.unknown()),
});
export type ScimUser = z.infer<typeof ScimUser>;

export const ScimGroup = z.strictObject({
  id: z.string(),
  displayName: z.string().min(1),
  externalId: z.string().nullable(),
  created: z.string(),
  lastModified: z.string(),
  /** Ids of users; holds one twice where the server does not look. */
  memberIds: z.array(z.string()),
});
export type ScimGroup = z.infer<typeof ScimGroup>;

export const ScimState = z.strictObject({
  users: z.record(z.string(), ScimUser),
  groups: z.record(z.string(), ScimGroup),
  sessions: z.array(z.strictObject({ id: z.string(), userId: z.string() })),
});
export type ScimState = z.infer<typeof ScimState>;

/** What the routes of users and groups share. */
export interface ScimParts {
  store: Store<ScimState>;
  quirks: ScimQuirks;
  now: () => Date;
}

/** The API stands below this path, as at most vendors. */
export const scimBasePath = '/scim/v2';

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const enterpriseSchema = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** An active account and nothing else lets its person in. */
export function canUserLogIn(user: ScimUser | undefined): boolean {
  return user?.active === true;
}

/** SCIM knows no sessions: this server ends those of an account that is disabled or gone. */
export function endSessionsOfDisabled(state: ScimState): void {
  state.sessions = state.sessions.filter((session) => canUserLogIn(state.users[session.userId]));
}

/** The user resource as a server without quirks keeps it. */
export function toUserResource(state: ScimState, user: ScimUser, base: string): Record<string, unknown> {
  const groups = Object.values(state.groups)
    .filter((group) => group.memberIds.includes(user.id))
    .map((group) => ({ value: group.id, display: group.displayName, $ref: `${base}/Groups/${group.id}` }));
  return {
    ...user.attributes,
    schemas: Object.hasOwn(user.attributes, enterpriseSchema) ? [userSchema, enterpriseSchema] : [userSchema],
    id: user.id,
    userName: user.userName,
    active: user.active,
    groups,
    meta: toMeta('User', user, `${base}/Users/${user.id}`),
  };
}

export function toGroupResource(group: ScimGroup, base: string): Record<string, unknown> {
  return {
    schemas: [groupSchema],
    id: group.id,
    displayName: group.displayName,
    ...(group.externalId === null ? {} : { externalId: group.externalId }),
    members: group.memberIds.map((id) => ({ value: id, $ref: `${base}/Users/${id}`, type: 'User' })),
    meta: toMeta('Group', group, `${base}/Groups/${group.id}`),
  };
}

function toMeta(
  resourceType: string,
  { created, lastModified }: { created: string; lastModified: string },
  location: string,
): object {
  return { resourceType, created, lastModified, location };
}
