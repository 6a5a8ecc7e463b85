/**
 * What Google calls the attributes of a person, and in which form it stores them. Pure: no call is made here. Repeated
 * fields are replaced as a whole by a write, so that what other systems keep in them is sent along.
 */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView, AccountView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';

const text = z.string().nullish();

const ExternalId = z.looseObject({ type: text, customType: text, value: text });
const Organisation = z.looseObject({ title: text, department: text, primary: z.boolean().nullish() });
const Relation = z.looseObject({ type: text, value: text });

export const GoogleUser = z.object({
  id: z.string().min(1),
  primaryEmail: z.string(),
  suspended: z.boolean().nullish(),
  archived: z.boolean().nullish(),
  name: z.object({ givenName: text, familyName: text, displayName: text }).nullish(),
  externalIds: z.array(ExternalId).nullish(),
  organizations: z.array(Organisation).nullish(),
  relations: z.array(Relation).nullish(),
});
export type GoogleUser = z.infer<typeof GoogleUser>;

/** What is asked for; Google sends telephone numbers and addresses otherwise. */
export const listFields = 'id,primaryEmail,suspended,archived,externalIds';
export const userFields = `${listFields},name(givenName,familyName,displayName),organizations,relations`;

/** Where personId stands. `organization` is the employee number, which belongs to HR. */
const ownType = { type: 'custom', customType: 'usher' } as const;

const nameMaxLength = 60;
const displayNameMaxLength = 256;
/** All organisations of an account share 10 KB. */
const organisationTextMaxLength = 256;

/** The address of an account is its login: it follows, and is no attribute of its own. */
export const profileUpdates = OwnedAttribute.options.filter((name) => name !== 'email');

export function asStored(values: ProfileValues): ProfileValues {
  const maxLengthOf: Partial<Record<OwnedAttribute, number>> = {
    givenName: nameMaxLength,
    familyName: nameMaxLength,
    displayName: displayNameMaxLength,
    title: organisationTextMaxLength,
    department: organisationTextMaxLength,
  };
  const entries = Object.entries(values).map(([name, value]) => {
    const maxLength = maxLengthOf[name as OwnedAttribute];
    return [name, maxLength === undefined ? value : clip(value, maxLength)];
  });
  return Object.fromEntries(entries) as ProfileValues;
}

/** Google asks for both names; people with one name get it twice rather than no account. */
function valuesOf({ givenName, familyName, displayName, title, department }: AccountProfile): ProfileValues {
  return asStored({
    givenName: givenName || familyName || displayName,
    familyName: familyName || givenName || displayName,
    displayName,
    ...(title === null ? {} : { title }),
    ...(department === null ? {} : { department }),
  });
}

/** The body of a new account, but for its password. */
export function newAccountOf(profile: AccountProfile, personId: string) {
  const { title, department, ...names } = valuesOf(profile);
  const hasOrganisation = title !== undefined || department !== undefined;
  return {
    primaryEmail: profile.userName,
    name: names,
    externalIds: [{ ...ownType, value: personId }],
    ...(hasOrganisation ? { organizations: [{ primary: true, title, department }] } : {}),
  };
}

/** Names of Google for what differs, repeated fields whole. `managerEmail` is the address of `values.manager`. */
export function changesOf(
  user: GoogleUser,
  values: ProfileValues,
  managerEmail: string | null,
): Record<string, unknown> {
  const shown = shownBy(user, null);
  const wanted = Object.entries(asStored(values)) as [OwnedAttribute, string][];
  const changed = Object.fromEntries(
    wanted.filter(([name, value]) => name !== 'email' && name !== 'manager' && shown[name] !== value),
  ) as ProfileValues;
  const { login, title, department, ...names } = changed;
  const isOrganisationChanged = title !== undefined || department !== undefined;
  const isManagerChanged = managerEmail !== null && managerOf(user) !== managerEmail;
  return {
    ...(login === undefined ? {} : { primaryEmail: login }),
    ...(Object.keys(names).length === 0 ? {} : { name: names }),
    ...(isOrganisationChanged ? { organizations: withOrganisation(user, { title, department }) } : {}),
    ...(isManagerChanged ? { relations: withManager(user, managerEmail) } : {}),
  };
}

/** The same for what Usher owns of an account that it made. */
export function differences(user: GoogleUser, profile: AccountProfile): Record<string, unknown> {
  return changesOf(user, valuesOf(profile), null);
}

function primaryOf({ organizations }: GoogleUser) {
  return organizations?.find(({ primary }) => primary === true) ?? organizations?.[0];
}

function withOrganisation(user: GoogleUser, changes: { title: string | undefined; department: string | undefined }) {
  const current = primaryOf(user);
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  const next = { primary: true, ...current, ...Object.fromEntries(changed) };
  return [next, ...(user.organizations ?? []).filter((each) => each !== current)];
}

/** The manager's address, as Google keeps it. */
export function managerOf({ relations }: GoogleUser): string | null {
  return relations?.find(({ type }) => type === 'manager')?.value ?? null;
}

function withManager(user: GoogleUser, value: string) {
  return [...(user.relations ?? []).filter(({ type }) => type !== 'manager'), { type: 'manager', value }];
}

function shownBy(user: GoogleUser, managerId: string | null): AccountProfileView['values'] {
  const { title, department } = primaryOf(user) ?? {};
  return {
    displayName: user.name?.displayName ?? null,
    givenName: user.name?.givenName ?? null,
    familyName: user.name?.familyName ?? null,
    title: title ?? null,
    department: department ?? null,
    email: null,
    login: user.primaryEmail,
    manager: managerId,
  };
}

export function profileViewOf(user: GoogleUser, managerId: string | null): AccountProfileView {
  return { accountId: user.id, correlationKey: keyOf(user), values: shownBy(user, managerId) };
}

/** personId where Usher wrote it, else the employee number. */
export function keyOf({ externalIds }: GoogleUser): string | null {
  const own = externalIds?.find(({ type, customType }) => type === ownType.type && customType === ownType.customType);
  return own?.value ?? externalIds?.find(({ type }) => type === 'organization')?.value ?? null;
}

export function viewOf(user: GoogleUser): AccountView {
  // An archived account is kept for its data: nobody can use it.
  const vendorStatus = user.archived === true ? 'archived' : user.suspended === true ? 'suspended' : 'active';
  return {
    accountId: user.id,
    userName: user.primaryEmail,
    correlationKey: keyOf(user),
    vendorStatus,
    canLogIn: vendorStatus === 'active',
  };
}
