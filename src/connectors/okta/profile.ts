/** What Okta calls the attributes of a person, and in which form it stores them. Pure: no call is made here. */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';

const text = z.string().nullish();

export const User = z.object({
  id: z.string().min(1),
  // A status that is new at Okta must not break a cut-off, so that the list is open here and closed in canLogIn.
  status: z.string().min(1),
  transitioningToStatus: text,
  lastLogin: text,
  profile: z.object({
    login: z.string(),
    email: text,
    employeeNumber: text,
    firstName: text,
    lastName: text,
    displayName: text,
    title: text,
    department: text,
    managerId: text,
  }),
});
export type User = z.infer<typeof User>;

/** Okta refuses longer names; a display name that is cut harms nobody, a refused account does. */
const maxNameLength = 50;
const maxTextLength = 256;

/** The profile property behind each attribute, and the longest value that is cut rather than refused; addresses are never cut. */
const slots = {
  displayName: { property: 'displayName', maxLength: maxTextLength },
  givenName: { property: 'firstName', maxLength: maxNameLength },
  familyName: { property: 'lastName', maxLength: maxNameLength },
  title: { property: 'title', maxLength: maxTextLength },
  department: { property: 'department', maxLength: maxTextLength },
  email: { property: 'email', maxLength: null },
  login: { property: 'login', maxLength: null },
  manager: { property: 'managerId', maxLength: null },
} as const satisfies Record<OwnedAttribute, { property: keyof User['profile']; maxLength: number | null }>;

const ownedAttributes = OwnedAttribute.options;

/** Attributes that Usher owns. Okta asks for both names; people with one name get it twice rather than no account. */
export function attributesOf({ givenName, familyName, displayName, title, department }: AccountProfile) {
  return {
    firstName: clip(givenName || familyName || displayName, maxNameLength),
    lastName: clip(familyName || givenName || displayName, maxNameLength),
    displayName: clip(displayName, maxTextLength),
    ...(title === null ? {} : { title: clip(title, maxTextLength) }),
    ...(department === null ? {} : { department: clip(department, maxTextLength) }),
  };
}

export function differences(user: User, profile: AccountProfile): Record<string, string> {
  const stored: Record<string, unknown> = user.profile;
  return Object.fromEntries(Object.entries(attributesOf(profile)).filter(([name, value]) => stored[name] !== value));
}

/** The values as Okta will show them after it took them. */
export function asStored(values: ProfileValues): ProfileValues {
  const entries = Object.entries(values).map(([name, value]) => {
    const { maxLength } = slots[name as OwnedAttribute];
    return [name, maxLength === null ? value : clip(value, maxLength)];
  });
  return Object.fromEntries(entries) as ProfileValues;
}

export function profileViewOf({ id, profile }: User): AccountProfileView {
  const values = ownedAttributes.map((name) => [name, profile[slots[name].property] ?? null]);
  return {
    accountId: id,
    correlationKey: profile.employeeNumber ?? null,
    values: Object.fromEntries(values) as AccountProfileView['values'],
  };
}

/** Okta's names for the values that differ from what the user shows. */
export function profileChanges(user: User, values: ProfileValues): Record<string, string> {
  const shown = profileViewOf(user).values;
  const changed = Object.entries(asStored(values)).filter(([name, value]) => shown[name as OwnedAttribute] !== value);
  return Object.fromEntries(changed.map(([name, value]) => [slots[name as OwnedAttribute].property, value]));
}
