/**
 * A user of the identity store: what is read of it, where the person's key stands, and the operations that change its
 * attributes. Pure. The API can write no external ids (CreateUser has no such member): a key that Usher writes stands in
 * an ordinary attribute, by default the employee number of the enterprise extension.
 * https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_User.html
 */
import { z } from 'zod';
import type { OwnedAttribute, ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView, AccountView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';

export const enterprise = 'aws:identitystore:enterprise';

/** Where the key of the person stands. `externalId`: in the ids of an identity provider, which Usher reads only. */
export const PersonKey = z.enum(['employeeNumber', 'nickName', 'profileUrl', 'userType', 'externalId']);
export type PersonKey = z.infer<typeof PersonKey>;

const text = z.string().nullish();

export const IdentityUser = z.object({
  UserId: z.string().min(1),
  UserName: text,
  UserStatus: text,
  DisplayName: text,
  Title: text,
  NickName: text,
  ProfileUrl: text,
  UserType: text,
  Name: z.looseObject({ GivenName: text, FamilyName: text }).nullish(),
  Emails: z.array(z.looseObject({ Value: text, Type: text, Primary: z.boolean().nullish() })).nullish(),
  ExternalIds: z.array(z.object({ Issuer: z.string(), Id: z.string() })).nullish(),
  Extensions: z.record(z.string(), z.unknown()).nullish(),
});
export type IdentityUser = z.infer<typeof IdentityUser>;

export interface KeyPlace {
  personKey: PersonKey;
  externalIdIssuer?: string | undefined;
}

export const profileAttributes = [
  'displayName',
  'givenName',
  'familyName',
  'title',
  'department',
  'email',
  'login',
] as const satisfies OwnedAttribute[];

/** The key as it stands in the configured place, or null. */
export function keyOf(user: IdentityUser, { personKey, externalIdIssuer }: KeyPlace): string | null {
  switch (personKey) {
    case 'employeeNumber':
      return enterpriseText(user, 'employeeNumber');
    case 'nickName':
      return user.NickName ?? null;
    case 'profileUrl':
      return user.ProfileUrl ?? null;
    case 'userType':
      return user.UserType ?? null;
    case 'externalId':
      return (user.ExternalIds ?? []).find(({ Issuer }) => Issuer === externalIdIssuer)?.Id ?? null;
    default:
      return personKey satisfies never;
  }
}

export function viewOf(user: IdentityUser, place: KeyPlace): AccountView {
  return {
    accountId: user.UserId,
    userName: user.UserName ?? '',
    correlationKey: keyOf(user, place),
    vendorStatus: user.UserStatus ?? 'ENABLED',
    // A status that is not told: the safe reading is that the login works.
    canLogIn: user.UserStatus !== 'DISABLED',
  };
}

export function profileViewOf(user: IdentityUser, place: KeyPlace): AccountProfileView {
  return {
    accountId: user.UserId,
    correlationKey: keyOf(user, place),
    values: {
      displayName: user.DisplayName ?? null,
      givenName: user.Name?.GivenName ?? null,
      familyName: user.Name?.FamilyName ?? null,
      title: user.Title ?? null,
      department: enterpriseText(user, 'department'),
      email: addressOf(user)?.Value ?? null,
      login: user.UserName ?? null,
      manager: null,
    },
  };
}

/** Extension data is a free document; both spellings of its members are met. */
function enterpriseText(user: IdentityUser, name: string): string | null {
  const extension = user.Extensions?.[enterprise];
  if (typeof extension !== 'object' || extension === null) return null;
  const found = Object.entries(extension).find(([member]) => member.toLowerCase() === name.toLowerCase());
  return typeof found?.[1] === 'string' ? found[1] : null;
}

/** The store holds one address. */
function addressOf(user: IdentityUser) {
  return (user.Emails ?? []).find(({ Primary }) => Primary === true) ?? user.Emails?.[0];
}

/**
 * Texts as the store takes them: letters, marks, numbers, punctuation, symbols and a few blanks, 1 to 1024 of them.
 * Marks of writing direction are none of these. What nothing is left of becomes a hyphen, for empty is not allowed.
 */
export function textAsStored(value: string): string {
  const kept = value.replaceAll(/[^\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r \u00a0\u3000]/gu, '');
  return kept === '' ? '-' : clip(kept, 1024);
}

export function profileAsStored(values: ProfileValues): ProfileValues {
  const entries = Object.entries(values).map(([name, value]) => [name, name === 'login' ? value : textAsStored(value)]);
  return Object.fromEntries(entries) as ProfileValues;
}

/** Input of CreateUser without the store's id. */
export function newUser(profile: AccountProfile, personId: string, personKey: Exclude<PersonKey, 'externalId'>) {
  const extension = {
    ...(personKey === 'employeeNumber' ? { employeeNumber: personId } : {}),
    ...(profile.department === null ? {} : { department: textAsStored(profile.department) }),
  };
  return {
    UserName: profile.userName,
    DisplayName: textAsStored(profile.displayName),
    Name: { GivenName: textAsStored(profile.givenName), FamilyName: textAsStored(profile.familyName) },
    Emails: [{ Value: textAsStored(profile.email), Type: 'work', Primary: true }],
    ...(profile.title === null ? {} : { Title: textAsStored(profile.title) }),
    ...(personKey === 'nickName' ? { NickName: personId } : {}),
    ...(personKey === 'profileUrl' ? { ProfileUrl: personId } : {}),
    ...(personKey === 'userType' ? { UserType: personId } : {}),
    ...(Object.keys(extension).length === 0 ? {} : { Extensions: { [enterprise]: extension } }),
  };
}

/** What Usher owns of an account that it made. Never the login and never the address: people log in with them. */
export function ownedValues(profile: AccountProfile): ProfileValues {
  const { givenName, familyName, displayName, title } = profile;
  return { givenName, familyName, displayName, ...(title === null ? {} : { title }) };
}

export interface AttributeOperation {
  AttributePath: string;
  AttributeValue: string | { Value: string; Type: string; Primary: boolean }[];
}

/**
 * Operations of UpdateUser for what differs from what the user shows; empty when nothing does. Paths are written in the
 * camel case of SCIM; of a list only the whole can be replaced.
 */
export function operationsFor(user: IdentityUser, wanted: ProfileValues, place: KeyPlace): AttributeOperation[] {
  const shown = profileViewOf(user, place).values;
  return Object.entries(profileAsStored(wanted))
    .filter(([name, value]) => shown[name as OwnedAttribute] !== value)
    .map(([name, value]) => operationFor(user, name as OwnedAttribute, value))
    .filter((operation) => operation !== null);
}

function operationFor(user: IdentityUser, name: OwnedAttribute, value: string): AttributeOperation | null {
  const at = (AttributePath: string): AttributeOperation => ({ AttributePath, AttributeValue: value });
  switch (name) {
    case 'displayName':
    case 'title':
      return at(name);
    case 'givenName':
    case 'familyName':
      return at(`name.${name}`);
    case 'department':
      return at(`${enterprise}.department`);
    case 'login':
      return at('userName');
    case 'email':
      return {
        AttributePath: 'emails',
        AttributeValue: [{ Value: value, Type: addressOf(user)?.Type ?? 'work', Primary: true }],
      };
    case 'manager':
      return null;
    default:
      return name satisfies never;
  }
}
