/** What GitHub's SCIM keeps of a person, and the PATCH that changes it. A member's public profile is the member's own. */
import type { OwnedAttribute, ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView } from '../kit/contract.ts';
import type { ScimUser } from './api.ts';

export const githubAttributes = [
  'displayName',
  'givenName',
  'familyName',
  'email',
  'login',
] as const satisfies readonly OwnedAttribute[];

/** GitHub requires both names; people with one name get it twice rather than no account. */
export function resourceOf({ userName, givenName, familyName, displayName, email }: AccountProfile) {
  const name = {
    givenName: givenName || familyName || displayName,
    familyName: familyName || givenName || displayName,
  };
  return { userName, displayName, name, emails: [{ value: email, type: 'work', primary: true }] };
}

/** Paths and values for what Usher owns of an identity that it made and finds different; never the address or user name. */
export function differences(scim: ScimUser, profile: AccountProfile): Record<string, unknown> {
  const { name, displayName } = resourceOf(profile);
  return profileChanges(scim, { ...name, displayName });
}

export function profileViewOf(accountId: string, scim: ScimUser | null): AccountProfileView {
  const values = {
    displayName: scim?.displayName ?? null,
    givenName: scim?.name?.givenName ?? null,
    familyName: scim?.name?.familyName ?? null,
    title: null,
    department: null,
    email: addressOf(scim),
    login: scim?.userName ?? null,
    manager: null,
  };
  return { accountId, correlationKey: scim?.externalId ?? null, values };
}

export function addressOf(scim: ScimUser | null): string | null {
  const emails = scim?.emails ?? [];
  return (emails.find(({ primary }) => primary === true) ?? emails[0])?.value ?? null;
}

/** Paths and values for what differs from what the identity shows. GitHub takes no path with a filter. */
export function profileChanges(scim: ScimUser, wanted: ProfileValues): Record<string, unknown> {
  const shown = profileViewOf(scim.id, scim).values;
  const { displayName, givenName, familyName, email, login } = Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => shown[name as OwnedAttribute] !== value),
  ) as ProfileValues;
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(givenName === undefined ? {} : { 'name.givenName': givenName }),
    ...(familyName === undefined ? {} : { 'name.familyName': familyName }),
    ...(email === undefined ? {} : { emails: [{ value: email, primary: true }] }),
    ...(login === undefined ? {} : { userName: login }),
  };
}
