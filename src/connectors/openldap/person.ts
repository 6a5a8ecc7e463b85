/** A person in OpenLDAP (inetOrgPerson, RFC 2798) and the lock of its password policy. Pure: no call is made here. */
import { OwnedAttribute, type ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView, AccountView } from '../kit/contract.ts';
import { type LdapEntry, textOf } from '../kit/ldap/ldap-entry.ts';

/** Locked until an administrator unlocks it (draft-behera-ldap-password-policy-10, section 5.3.3). */
export const lockedForGood = '000001010000Z';

const attributeOf = {
  displayName: 'displayName',
  givenName: 'givenName',
  familyName: 'sn',
  title: 'title',
  department: 'departmentNumber',
  email: 'mail',
  login: 'uid',
} as const satisfies Record<Exclude<OwnedAttribute, 'manager'>, string>;
type Slot = keyof typeof attributeOf;
const names = Object.keys(attributeOf) as Slot[];

export function personAttributes(keyAttribute: string): string[] {
  const state = ['entryUUID', 'pwdAccountLockedTime', 'pwdPolicySubentry', 'cn', 'manager'];
  return [...new Set([...state, ...Object.values(attributeOf), keyAttribute])];
}

/** A person as read; `manager` is a distinguished name. */
export interface LdapPerson {
  accountId: string;
  dn: string;
  userName: string;
  correlationKey: string | null;
  lockedTime: string | null;
  /** The policy of this account; null: the default one. */
  policyDn: string | null;
  commonName: string | null;
  values: Record<Slot, string | null>;
  managerDn: string | null;
}

/** Null where the entry lacks what every person has. */
export function personOf(entry: LdapEntry, keyAttribute: string): LdapPerson | null {
  const accountId = textOf(entry, 'entryUUID');
  if (accountId === null) return null;
  const values = names.map((name) => [name, textOf(entry, attributeOf[name])]);
  return {
    accountId,
    dn: entry.dn,
    userName: textOf(entry, 'uid') ?? textOf(entry, 'cn') ?? '',
    correlationKey: textOf(entry, keyAttribute) || null,
    lockedTime: textOf(entry, 'pwdAccountLockedTime'),
    policyDn: textOf(entry, 'pwdPolicySubentry'),
    commonName: textOf(entry, 'cn'),
    values: Object.fromEntries(values) as LdapPerson['values'],
    managerDn: textOf(entry, 'manager'),
  };
}

/** True where the entry has the lock of an administrator; one for failed attempts ends by itself. */
export const hasLock = ({ lockedTime }: LdapPerson): boolean => lockedTime === lockedForGood;

/** A lock counts only where the password policy of the account makes the server look at it. */
export function viewOf(person: LdapPerson, isLockEffective: boolean): AccountView {
  const { accountId, userName, correlationKey, lockedTime } = person;
  const vendorStatus = hasLock(person) ? 'locked' : lockedTime === null ? 'active' : 'lockedByAttempts';
  return { accountId, userName, correlationKey, vendorStatus, canLogIn: !(hasLock(person) && isLockEffective) };
}

export function profileViewOf(person: LdapPerson, managerId: string | null): AccountProfileView {
  const { accountId, correlationKey, values } = person;
  return { accountId, correlationKey, values: { ...values, manager: managerId } };
}

/** OpenLDAP keeps values as they are; an empty one is not asserted, for it stores none. */
export const asStored = (values: ProfileValues): ProfileValues => values;

/** Attribute and value of what differs; the manager is not among them. */
export function changedAttributes(person: LdapPerson, values: ProfileValues): [attribute: string, value: string][] {
  return names.flatMap((name) => {
    const value = values[name];
    return value === undefined || value === '' || value === person.values[name] ? [] : [[attributeOf[name], value]];
  });
}

/** What Usher owns of an account that it made; the class asks for a family name, which not everybody has. */
export function ownedValues(profile: AccountProfile): ProfileValues {
  const { displayName, givenName, title, department } = profile;
  const familyName = profile.familyName || givenName || displayName || profile.userName;
  const texts = { displayName, givenName, familyName };
  return { ...texts, ...(title === null ? {} : { title }), ...(department === null ? {} : { department }) };
}

/** All attributes of a new entry. */
export function newEntry(keyAttribute: string, personId: string, profile: AccountProfile): Record<string, string[]> {
  const given: ProfileValues = { ...ownedValues(profile), email: profile.email, login: profile.userName };
  const filled = names.filter((name) => (given[name] ?? '') !== '');
  return {
    objectClass: ['inetOrgPerson'],
    cn: [profile.displayName || profile.userName],
    [keyAttribute]: [personId],
    ...Object.fromEntries(filled.map((name) => [attributeOf[name], [given[name] ?? '']])),
  };
}
