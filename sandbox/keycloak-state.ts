/** What the sandbox's Keycloak stores, and its rules about users: what it keeps, what it refuses, and in which words. */
import { z } from 'zod';

export const KeycloakUser = z.strictObject({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  firstName: z.string().nullable(),
  lastName: z.string().nullable(),
  enabled: z.boolean(),
  /** Until when wrong passwords have locked it; null: not locked. */
  lockedUntilMs: z.number().nullable(),
  federationLink: z.string().nullable(),
  requiredActions: z.array(z.string()),
  createdMs: z.number(),
  attributes: z.record(z.string(), z.array(z.string())),
  groupIds: z.array(z.string()),
  roleIds: z.array(z.string()),
});
export type KeycloakUser = z.infer<typeof KeycloakUser>;

export const KeycloakGroup = z.strictObject({ id: z.string(), name: z.string(), parentId: z.string().nullable() });
export type KeycloakGroup = z.infer<typeof KeycloakGroup>;

export const KeycloakRole = z.strictObject({ id: z.string(), name: z.string() });
export type KeycloakRole = z.infer<typeof KeycloakRole>;

export const KeycloakSession = z.strictObject({
  id: z.string(),
  userId: z.string(),
  clientId: z.string(),
  isOffline: z.boolean(),
});

export const KeycloakSettings = z.strictObject({
  eventsEnabled: z.boolean(),
  editUsernameAllowed: z.boolean(),
  accessTokenLifespan: z.number(),
  unmanagedAttributePolicy: z.enum(['ENABLED', 'ADMIN_VIEW', 'ADMIN_EDIT']).nullable(),
  /** Attributes that the user profile declares beside Keycloak's own four. */
  declared: z.array(z.strictObject({ name: z.string(), edit: z.array(z.string()) })),
  /** As before version 26: a lock reads as `enabled: false`. */
  locksReadAsDisabled: z.boolean(),
});
export type KeycloakSettings = z.infer<typeof KeycloakSettings>;

export const KeycloakState = z.strictObject({
  users: z.record(z.string(), KeycloakUser),
  groups: z.array(KeycloakGroup),
  roles: z.array(KeycloakRole),
  sessions: z.array(KeycloakSession),
  events: z.array(z.strictObject({ id: z.string(), time: z.number(), type: z.string(), userId: z.string() })),
  settings: KeycloakSettings,
});
export type KeycloakState = z.infer<typeof KeycloakState>;

export interface KeycloakRefusal {
  status: 400 | 409;
  body: { field?: string; errorMessage: string; params?: unknown[] };
}

const invalid = (field: string, errorMessage: string, ...more: unknown[]): KeycloakRefusal => ({
  status: 400,
  body: { field, errorMessage, params: [field, ...more] },
});

/** A user as a client sends it. */
export const UserBody = z.object({
  username: z.string().optional(),
  email: z.string().nullish(),
  firstName: z.string().nullish(),
  lastName: z.string().nullish(),
  enabled: z.boolean().optional(),
  requiredActions: z.array(z.string()).optional(),
  attributes: z.record(z.string(), z.array(z.string())).optional(),
});
export type UserBody = z.infer<typeof UserBody>;

/** `person-name-prohibited-characters` of Keycloak's user profile. */
const oddInNames = /[<>&"$%!#?§;*~/\\|^=[\]{}()\u0000-\u001f\u007f\u0085\u2028\u2029]/u;
const fieldMax = 255;
const attributeMax = 2048;

/** What the user profile finds wrong with it, or null. */
export function refusalOf(body: UserBody): KeycloakRefusal | null {
  for (const field of ['firstName', 'lastName'] as const) {
    const value = body[field] ?? '';
    if (oddInNames.test(value)) return invalid(field, 'error-person-name-invalid-character');
    if (value.length > fieldMax) return invalid(field, 'error-invalid-length-too-long', null, fieldMax);
  }
  for (const [name, values] of Object.entries(body.attributes ?? {})) {
    if (values.some((value) => value.length > attributeMax))
      return invalid(name, 'error-invalid-length', 0, attributeMax);
  }
  return null;
}

/** Whether another user has the name or the address. */
export function duplicateOf(state: KeycloakState, body: UserBody, ownId: string | null): KeycloakRefusal | null {
  const others = Object.values(state.users).filter(({ id }) => id !== ownId);
  const same = (what: string): KeycloakRefusal => ({
    status: 409,
    body: { errorMessage: `User exists with same ${what}` },
  });
  const username = body.username?.toLowerCase();
  if (others.some((other) => other.username === username)) return same('username');
  // People log in with their address as well.
  if (others.some((other) => other.email !== null && other.email === username)) return same('username or email');
  if (body.email && others.some(({ email }) => email === body.email?.toLowerCase())) return same('email');
  return null;
}

/** The attributes that are kept: what is neither declared nor allowed unmanaged vanishes without a word. */
export function keptAttributes(
  { settings }: KeycloakState,
  attributes: UserBody['attributes'],
): KeycloakUser['attributes'] {
  const { declared, unmanagedAttributePolicy: policy } = settings;
  const isKept = (name: string): boolean =>
    declared.find((each) => each.name === name)?.edit.includes('admin') ??
    (policy === 'ENABLED' || policy === 'ADMIN_EDIT');
  return Object.fromEntries(Object.entries(attributes ?? {}).filter(([name]) => isKept(name)));
}

const namesOf = ({ firstName, lastName }: KeycloakUser): UserBody => ({ firstName, lastName });

/** An update: fields that are left out stay, unless attributes are named; then all of them are replaced and emptied. */
export function applyUpdate(state: KeycloakState, user: KeycloakUser, body: UserBody): KeycloakRefusal | null {
  const isRename = body.username !== undefined && body.username.toLowerCase() !== user.username;
  if (user.federationLink !== null) return { status: 400, body: { errorMessage: 'User is read only!' } };
  if (isRename && !state.settings.editUsernameAllowed) return invalid('username', 'error-user-attribute-read-only');
  // What stays is validated with what is changed.
  const refusal = refusalOf({ ...namesOf(user), ...body }) ?? duplicateOf(state, body, user.id);
  if (refusal !== null) return refusal;
  const isWhole = body.attributes !== undefined;
  const next = (given: string | null | undefined, now: string | null): string | null =>
    given === undefined ? (isWhole ? null : now) : given || null;
  user.firstName = next(body.firstName, user.firstName);
  user.lastName = next(body.lastName, user.lastName);
  user.email = next(body.email, user.email)?.toLowerCase() ?? null;
  user.username = body.username?.toLowerCase() ?? user.username;
  user.enabled = body.enabled ?? user.enabled;
  user.requiredActions = body.requiredActions ?? user.requiredActions;
  if (isWhole) user.attributes = keptAttributes(state, body.attributes);
  return null;
}

/** Reads `name:value name:"quoted value"`; as at Keycloak, nothing is found behind a quoted backslash. */
export function readAttributeQuery(q: string): [name: string, value: string][] {
  const pattern = /\s*([^":\s]+):(?:"((?:\\.|[^\\"])*)"|([^"\s]\S*))\s*/g;
  return [...q.matchAll(pattern)].map(([, name = '', quoted, plain = '']) => [
    name,
    quoted === undefined ? plain : quoted.replace(/\\"/g, '"'),
  ]);
}

export function matchesQuery(user: KeycloakUser, terms: [name: string, value: string][]): boolean {
  return terms.every(([name, value]) =>
    (user.attributes[name] ?? []).some((held) => held.toLowerCase() === value.toLowerCase()),
  );
}

/** As listed and read. Empty fields are left out. */
export function userView(state: KeycloakState, user: KeycloakUser, nowMs: number): object {
  const isLocked = user.lockedUntilMs !== null && user.lockedUntilMs > nowMs;
  const { email, firstName, lastName, federationLink, attributes } = user;
  return {
    id: user.id,
    username: user.username,
    ...(firstName === null ? {} : { firstName }),
    ...(lastName === null ? {} : { lastName }),
    ...(email === null ? {} : { email }),
    emailVerified: false,
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    enabled: user.enabled && !(isLocked && state.settings.locksReadAsDisabled),
    createdTimestamp: user.createdMs,
    totp: false,
    ...(federationLink === null ? {} : { federationLink }),
    disableableCredentialTypes: [],
    requiredActions: user.requiredActions,
    notBefore: 0,
    access: { manage: true },
  };
}

export function groupPath(state: KeycloakState, group: KeycloakGroup): string {
  const parent = state.groups.find(({ id }) => id === group.parentId);
  return `${parent === undefined ? '' : groupPath(state, parent)}/${group.name}`;
}
