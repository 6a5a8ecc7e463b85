/** What Entra calls the attributes of a person, and in which form it stores them. Pure: no call is made here. */
import { z } from 'zod';
import { OwnedAttribute, type ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView, AccountView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';

const text = z.string().nullish();

export const GraphUser = z.object({
  id: z.string().min(1),
  userPrincipalName: z.string(),
  accountEnabled: z.boolean().nullish(),
  userType: text,
  mail: text,
  employeeId: text,
  displayName: text,
  givenName: text,
  surname: text,
  jobTitle: text,
  department: text,
  onPremisesSyncEnabled: z.boolean().nullish(),
  onPremisesExtensionAttributes: z.record(z.string(), z.unknown()).nullish(),
  manager: z.object({ id: z.string() }).nullish(),
});
export type GraphUser = z.infer<typeof GraphUser>;

const keyFields = [
  'id',
  'userPrincipalName',
  'accountEnabled',
  'userType',
  'employeeId',
  'onPremisesExtensionAttributes',
];
/** Enough to know whose account it is, for listings. */
export const listFields = keyFields.join(',');
export const userFields = [
  ...keyFields,
  'mail',
  'displayName',
  'givenName',
  'surname',
  'jobTitle',
  'department',
  'onPremisesSyncEnabled',
].join(',');

/** Graph takes no longer `employeeId`, which is why personId (36 characters) stands in an extension attribute. */
export const employeeIdMaxLength = 16;
const nicknameMaxLength = 64;

/** The property behind each attribute, and the longest value that is cut rather than refused; addresses are never cut. */
const slots = {
  displayName: { property: 'displayName', maxLength: 256 },
  givenName: { property: 'givenName', maxLength: 64 },
  familyName: { property: 'surname', maxLength: 64 },
  title: { property: 'jobTitle', maxLength: 128 },
  department: { property: 'department', maxLength: 64 },
  email: { property: 'mail', maxLength: null },
  login: { property: 'userPrincipalName', maxLength: null },
} as const satisfies Record<
  Exclude<OwnedAttribute, 'manager'>,
  { property: keyof GraphUser; maxLength: number | null }
>;
const slotNames = OwnedAttribute.options.filter((name) => name !== 'manager');

/** Attributes that Usher owns. Graph refuses empty texts: what is empty is left out. */
export function attributesOf(profile: AccountProfile): Record<string, string> {
  const { givenName, familyName, displayName, title, department } = profile;
  const named = asStored({
    displayName,
    givenName,
    familyName,
    ...(title === null ? {} : { title }),
    ...(department === null ? {} : { department }),
  });
  return propertiesOf(Object.entries(named).filter(([, value]) => value !== ''));
}

export function differences(user: GraphUser, profile: AccountProfile): Record<string, string> {
  const stored: Record<string, unknown> = user;
  return Object.fromEntries(Object.entries(attributesOf(profile)).filter(([name, value]) => stored[name] !== value));
}

/** The values as Graph will show them after it took them. */
export function asStored(values: ProfileValues): ProfileValues {
  const entries = Object.entries(values).map(([name, value]) => {
    const maxLength = name === 'manager' ? null : slots[name as keyof typeof slots].maxLength;
    return [name, maxLength === null ? value : clip(value, maxLength)];
  });
  return Object.fromEntries(entries) as ProfileValues;
}

/** Graph's names for the values that differ from what the user shows, and the manager apart: it is a reference. */
export function profileChanges(
  user: GraphUser,
  values: ProfileValues,
): { properties: Record<string, string>; manager: string | null } {
  const shown = shownBy(user);
  const changed = Object.entries(asStored(values)).filter(([name, value]) => shown[name as OwnedAttribute] !== value);
  const { manager } = Object.fromEntries(changed) as ProfileValues;
  return { properties: propertiesOf(changed.filter(([name]) => name !== 'manager')), manager: manager ?? null };
}

function propertiesOf(entries: [string, string][]): Record<string, string> {
  return Object.fromEntries(entries.map(([name, value]) => [slots[name as keyof typeof slots].property, value]));
}

function shownBy(user: GraphUser): AccountProfileView['values'] {
  const values = slotNames.map((name) => [name, user[slots[name].property] ?? null]);
  return { ...Object.fromEntries(values), manager: user.manager?.id ?? null } as AccountProfileView['values'];
}

export function profileViewOf(user: GraphUser, slot: string): AccountProfileView {
  return { accountId: user.id, correlationKey: keyOf(user, slot), values: shownBy(user) };
}

/** personId where Usher wrote it, else the HRIS key that an earlier provisioning left. */
export function keyOf(user: GraphUser, slot: string): string | null {
  const personId = user.onPremisesExtensionAttributes?.[slot];
  return typeof personId === 'string' && personId !== '' ? personId : (user.employeeId ?? null);
}

export function viewOf(user: GraphUser, slot: string): AccountView {
  // What does not say that it is disabled counts as a login that works: a leaver is then looked at, not passed over.
  const canLogIn = user.accountEnabled !== false;
  return {
    accountId: user.id,
    userName: user.userPrincipalName,
    correlationKey: keyOf(user, slot),
    vendorStatus: canLogIn ? 'enabled' : 'disabled',
    canLogIn,
  };
}

/** `mailNickname` is required, ASCII, and knows fewer characters than an address. */
export function nicknameOf(userName: string, personId: string): string {
  const local = userName.split('@', 1)[0] ?? '';
  const nickname = local.replaceAll(/[^A-Za-z0-9._-]/g, '').slice(0, nicknameMaxLength);
  return nickname === '' ? personId.replaceAll('-', '') : nickname;
}
