/**
 * Where SCIM keeps the attributes of a person (RFC 7643, sections 4.1 and 4.3), and the PATCH operations that change
 * them. Pure: no call is made here. Servers differ in whether they merge or replace what is complex: whatever is
 * written as a whole is therefore written with everything that was read.
 */
import { z } from 'zod';
import type { OwnedAttribute, ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView } from '../kit/contract.ts';

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const enterpriseSchema = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const scimBoolean = z.union([
  z.boolean(),
  z
    .string()
    .regex(/^(true|false)$/i)
    .transform((text) => text.toLowerCase() === 'true'),
]);
const text = z.string().nullish();
// Some servers show the manager as the bare id.
const manager = z.union([z.string().transform((value) => ({ value })), z.looseObject({ value: text })]);

export const User = z.object({
  id: z.string().min(1),
  externalId: text,
  userName: z.string(),
  // RFC 7643 leaves the meaning of an absent `active` to the server: the safe reading is that the login works.
  active: scimBoolean.nullish(),
  displayName: text,
  title: text,
  name: z.looseObject({ givenName: text, familyName: text }).nullish(),
  emails: z.array(z.looseObject({ value: text, type: text, primary: scimBoolean.nullish() })).nullish(),
  groups: z.array(z.object({ value: z.string(), type: text })).nullish(),
  [enterpriseSchema]: z.looseObject({ department: text, manager: manager.nullish() }).nullish(),
});
export type User = z.infer<typeof User>;

export function resourceOf(profile: AccountProfile) {
  const { userName, ...attributes } = attributesOf(profile);
  return { userName, ...attributes, emails: [{ value: profile.email, type: 'work', primary: true }] };
}

function attributesOf(profile: AccountProfile) {
  return {
    userName: profile.userName,
    name: { givenName: profile.givenName, familyName: profile.familyName },
    displayName: profile.displayName,
    ...(profile.title === null ? {} : { title: profile.title }),
  };
}

/** What Usher owns of an account that it made and finds different. Never `userName` and never the address: people log in with them. */
export function differences(user: User, profile: AccountProfile): Record<string, unknown> {
  const { name, displayName, title } = attributesOf(profile);
  const isNameSame = user.name?.givenName === name.givenName && user.name.familyName === name.familyName;
  return {
    ...(isNameSame ? {} : { name }),
    ...(user.displayName === displayName ? {} : { displayName }),
    ...(title === undefined || user.title === title ? {} : { title }),
  };
}

export function profileViewOf(user: User): AccountProfileView {
  const enterprise = user[enterpriseSchema];
  return {
    accountId: user.id,
    correlationKey: user.externalId ?? null,
    values: {
      displayName: user.displayName ?? null,
      givenName: user.name?.givenName ?? null,
      familyName: user.name?.familyName ?? null,
      title: user.title ?? null,
      department: enterprise?.department ?? null,
      email: workAddress(user)?.value ?? null,
      login: user.userName,
      manager: enterprise?.manager?.value ?? null,
    },
  };
}

/** The work address; else the primary one; else the only one without a type. */
function workAddress(user: User): NonNullable<User['emails']>[number] | undefined {
  const emails = user.emails ?? [];
  return (
    emails.find(({ type }) => type?.toLowerCase() === 'work') ??
    emails.find(({ primary }) => primary === true) ??
    emails.find(({ type }) => type == null)
  );
}

/**
 * Attribute names of the resource with their new values, for what differs from what the user shows; empty when nothing
 * does. For servers that are written by path the names are paths.
 */
export function profileChanges(
  user: User,
  wanted: ProfileValues,
  patchStyle: 'path' | 'value',
): Record<string, unknown> {
  const shown = profileViewOf(user).values;
  const differing = Object.entries(wanted).filter(([name, value]) => shown[name as OwnedAttribute] !== value);
  const values = Object.fromEntries(differing) as ProfileValues;
  return {
    ...simpleChanges(values),
    ...nameChange(user, values),
    ...emailChange(user, values),
    ...(patchStyle === 'path' ? enterprisePaths(values) : enterpriseObject(user, values)),
  };
}

function simpleChanges({ displayName, title, login }: ProfileValues): Record<string, unknown> {
  return {
    ...(login === undefined ? {} : { userName: login }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(title === undefined ? {} : { title }),
  };
}

function nameChange(user: User, { givenName, familyName }: ProfileValues): Record<string, unknown> {
  if (givenName === undefined && familyName === undefined) return {};
  // The server's own rendering of the old name would contradict the new one.
  const { formatted: _formatted, ...kept } = user.name ?? {};
  const changed = {
    ...(givenName === undefined ? {} : { givenName }),
    ...(familyName === undefined ? {} : { familyName }),
  };
  return { name: { ...kept, ...changed } };
}

function emailChange(user: User, { email }: ProfileValues): Record<string, unknown> {
  if (email === undefined) return {};
  const replaced = workAddress(user);
  const others = user.emails ?? [];
  if (replaced === undefined) {
    const isPrimary = !others.some(({ primary }) => primary === true);
    return { emails: [...others, { value: email, type: 'work', primary: isPrimary }] };
  }
  return { emails: others.map((entry) => (entry === replaced ? { ...entry, value: email } : entry)) };
}

function enterpriseChange({ department, manager }: ProfileValues): Record<string, unknown> {
  return {
    ...(department === undefined ? {} : { department }),
    // The rest of the former manager's entry (a name, a link) is about somebody else.
    ...(manager === undefined ? {} : { manager: { value: manager } }),
  };
}

function enterprisePaths(values: ProfileValues): Record<string, unknown> {
  const entries = Object.entries(enterpriseChange(values));
  return Object.fromEntries(entries.map(([name, value]) => [`${enterpriseSchema}:${name}`, value]));
}

function enterpriseObject(user: User, values: ProfileValues): Record<string, unknown> {
  const changed = enterpriseChange(values);
  return Object.keys(changed).length === 0 ? {} : { [enterpriseSchema]: { ...user[enterpriseSchema], ...changed } };
}
