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
  const name = { givenName: givenName || familyName || displayName, familyName: familyName || givenName || displayName };
  return { userName, displayName, name, emails: [{ value: email, type: 'work', primary: true }] };
}

/** What Usher owns of an identity that it made and finds different; never the address and never the user name. */
export function differences(scim: ScimUser, profile: AccountProfile): Record<string, unknown> {
  const { name, displayName } = resourceOf(profile);
  const isSame = scim.name?.givenName === name.givenName && scim.name.familyName === name.familyName;
  return {
    ...(isSame ? {} : { name }),
    ...(scim.displayName === displayName ? {} : { displayName }),
  };
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

/** Attributes of the resource with their new values, for what differs from what the identity shows. */
export function profileChanges(scim: ScimUser, wanted: ProfileValues): Record<string, unknown> {
  const shown = profileViewOf(scim.id, scim).values;
  const { displayName, givenName, familyName, email, login } = Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => shown[name as OwnedAttribute] !== value),
  ) as ProfileValues;
  const isRenamed = givenName !== undefined || familyName !== undefined;
  const name = {
    givenName: givenName ?? scim.name?.givenName ?? '',
    familyName: familyName ?? scim.name?.familyName ?? '',
  };
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(isRenamed ? { name } : {}),
    ...(email === undefined ? {} : { emails: [{ value: email, type: 'work', primary: true }] }),
    ...(login === undefined ? {} : { userName: login }),
  };
}
