/** What Keycloak calls the attributes of a person, and in which form it stores them. Pure: no call is made here. */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView, AccountView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';

const text = z.string().nullish();

export const User = z.object({
  id: z.string().min(1),
  username: z.string(),
  email: text,
  firstName: text,
  lastName: text,
  enabled: z.boolean(),
  /** Id of the directory that masters the account. */
  federationLink: text,
  attributes: z.record(z.string(), z.array(z.string())).nullish(),
});
export type User = z.infer<typeof User>;

type Root = 'username' | 'email' | 'firstName' | 'lastName';
type Slot = { root: Root } | { attribute: string };

/** Where each attribute lies: in a field of the user, or in the user's attributes. */
export const slots = {
  displayName: { attribute: 'displayName' },
  givenName: { root: 'firstName' },
  familyName: { root: 'lastName' },
  title: { attribute: 'title' },
  department: { attribute: 'department' },
  email: { root: 'email' },
  login: { root: 'username' },
  manager: { attribute: 'manager' },
} as const satisfies Record<OwnedAttribute, Slot>;

/** User attributes that Usher writes besides the key. */
export const attributeNames = Object.values(slots).flatMap((slot) => ('attribute' in slot ? [slot.attribute] : []));

const maxLength = 255;
/** Keycloak's validator `person-name-prohibited-characters` refuses a name that holds one of these. */
const prohibitedInNames = /[<>&"\v$%!#?§;*~/\\|^=[\]{}()\p{Cc}\u2028\u2029]+/gu;

/** A name without what Keycloak refuses: an odd name harms nobody, a refused account does. */
function storedName(value: string): string {
  return clip(value.replace(prohibitedInNames, ' ').replace(/ {2,}/g, ' ').trim(), maxLength).trim() || '-';
}

function storedForm(name: OwnedAttribute, value: string): string {
  switch (name) {
    case 'givenName':
    case 'familyName':
      return storedName(value);
    // Addresses are never cut; Keycloak keeps both in small letters.
    case 'email':
    case 'login':
      return value.toLowerCase();
    case 'displayName':
    case 'title':
    case 'department':
    case 'manager':
      return clip(value, maxLength);
    default:
      return name satisfies never;
  }
}

/** The values as Keycloak will show them after it took them. */
export function asStored(values: ProfileValues): ProfileValues {
  const entries = Object.entries(values).map(([name, value]) => [name, storedForm(name as OwnedAttribute, value)]);
  return Object.fromEntries(entries) as ProfileValues;
}

const shownAt = (user: User, slot: Slot): string | null =>
  ('root' in slot ? user[slot.root] : user.attributes?.[slot.attribute]?.[0]) ?? null;

export const keyOf = (user: User, keyAttribute: string): string | null => user.attributes?.[keyAttribute]?.[0] ?? null;

export function profileViewOf(user: User, keyAttribute: string): AccountProfileView {
  const values = OwnedAttribute.options.map((name) => [name, shownAt(user, slots[name])]);
  return {
    accountId: user.id,
    correlationKey: keyOf(user, keyAttribute),
    values: Object.fromEntries(values) as AccountProfileView['values'],
  };
}

export function viewOf(user: User, keyAttribute: string): AccountView {
  return {
    accountId: user.id,
    userName: user.username,
    correlationKey: keyOf(user, keyAttribute),
    vendorStatus: user.enabled ? 'enabled' : 'disabled',
    // A lock after wrong passwords ends by itself: it takes no login away.
    canLogIn: user.enabled,
  };
}

/** What Usher owns of an account that it made. */
export function ownedValues({ givenName, familyName, displayName, title, department }: AccountProfile): ProfileValues {
  return {
    givenName,
    familyName,
    displayName,
    ...(title === null ? {} : { title }),
    ...(department === null ? {} : { department }),
  };
}

/** Body of the call that makes an account. */
export function newUser(
  profile: AccountProfile,
  { keyAttribute, key, requiredActions }: { keyAttribute: string; key: string; requiredActions: string[] },
): object {
  const values = asStored({ ...ownedValues(profile), email: profile.email, login: profile.userName });
  const { fields, attributes } = split(values);
  return { ...fields, enabled: true, requiredActions, attributes: { ...attributes, [keyAttribute]: [key] } };
}

/**
 * Body of the update that gives the user these values, or null where they are shown already. An update that names
 * attributes replaces all of them and empties every field that it leaves out (measured on 26.7): it must name everything.
 */
export function userChanges(user: User, values: ProfileValues): object | null {
  const wanted = Object.entries(asStored(values)) as [OwnedAttribute, string][];
  const changed = wanted.filter(([name, value]) => shownAt(user, slots[name]) !== value);
  if (changed.length === 0) return null;
  const { fields, attributes } = split(Object.fromEntries(changed) as ProfileValues);
  if (Object.keys(attributes).length === 0) return fields;
  const { username, email, firstName, lastName } = user;
  const kept = Object.entries({ username, email, firstName, lastName }).filter(([, value]) => value != null);
  return { ...Object.fromEntries(kept), ...fields, attributes: { ...user.attributes, ...attributes } };
}

function split(values: ProfileValues): { fields: Record<string, string>; attributes: Record<string, string[]> } {
  const fields: Record<string, string> = {};
  const attributes: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(values)) {
    const slot: Slot = slots[name as OwnedAttribute];
    if ('root' in slot) fields[slot.root] = value;
    else attributes[slot.attribute] = [value];
  }
  return { fields, attributes };
}

const Declared = z.object({
  name: z.string(),
  permissions: z.object({ view: z.array(z.string()).default([]), edit: z.array(z.string()).default([]) }).nullish(),
});

/** The realm's user profile: which attributes it keeps, and who may write them. */
export const UserProfile = z.object({ attributes: z.array(Declared).default([]), unmanagedAttributePolicy: text });
export type UserProfile = z.infer<typeof UserProfile>;

/** Whether an attribute that the admin REST writes is kept, and whether the person may change it. Undeclared ones vanish silently. */
export function attributeAccess(profile: UserProfile, name: string): { isKept: boolean; isOpenToUsers: boolean } {
  const declared = profile.attributes.find((each) => each.name === name);
  if (declared !== undefined) {
    const editors = declared.permissions?.edit ?? [];
    return { isKept: editors.includes('admin'), isOpenToUsers: editors.includes('user') };
  }
  const policy = profile.unmanagedAttributePolicy;
  return { isKept: policy === 'ENABLED' || policy === 'ADMIN_EDIT', isOpenToUsers: policy === 'ENABLED' };
}
