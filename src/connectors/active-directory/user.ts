/** A user of Active Directory: which attributes mean what, and in which form they are stored. Pure: no call is made here. */
import { createHash } from 'node:crypto';
import { OwnedAttribute, type ProfileValues } from '../../schemas/owned-attribute.ts';
import type { AccountProfile, AccountProfileView, AccountView } from '../kit/contract.ts';
import { clip } from '../kit/escape.ts';
import { bytesOf, type LdapEntry, textOf } from '../kit/ldap/ldap-entry.ts';
import { guidText } from './guid.ts';

/** ADS_UF_ACCOUNTDISABLE. */
const disabledFlag = 0x2;
/** ADS_UF_NORMAL_ACCOUNT with the login switched off: how an account begins. */
export const newAccountControl = 0x200 | disabledFlag;

export const binaryAttributes = ['objectGUID'];
const stateAttributes = ['userAccountControl', 'accountExpires', 'pwdLastSet', 'userPrincipalName', 'sAMAccountName'];
const profileAttributes = ['displayName', 'givenName', 'sn', 'title', 'department', 'mail', 'manager'];

/** Where a person's keys stand. */
export interface KeyAttributes {
  /** Usher writes personId here. */
  own: string;
  /** Further places with a key of the HR system; Usher only reads them. */
  matched: readonly string[];
}

export function userAttributes({ own, matched }: KeyAttributes): string[] {
  return [...new Set([...binaryAttributes, ...stateAttributes, ...profileAttributes, own, ...matched])];
}

/** A user as read; `manager` is a distinguished name. */
export interface AdUser {
  accountId: string;
  dn: string;
  control: number;
  /** Milliseconds since the epoch; null: never. */
  expiresAtMs: number | null;
  hasPassword: boolean;
  userName: string;
  correlationKey: string | null;
  values: Record<Exclude<OwnedAttribute, 'manager'>, string | null>;
  managerDn: string | null;
}

/** Null where the entry lacks what every user has. */
export function userOf(entry: LdapEntry, keys: KeyAttributes): AdUser | null {
  const guid = bytesOf(entry, 'objectGUID');
  const control = Number(textOf(entry, 'userAccountControl') ?? Number.NaN);
  const sam = textOf(entry, 'sAMAccountName');
  if (guid?.length !== 16 || !Number.isInteger(control) || sam === null) return null;
  const upn = textOf(entry, 'userPrincipalName');
  const values = Object.entries(slots).map(([name, { attribute }]) => [name, textOf(entry, attribute)]);
  return {
    accountId: guidText(guid),
    dn: entry.dn,
    control,
    expiresAtMs: expiryMs(textOf(entry, 'accountExpires')),
    // 0 also stands for "must change at the next login", which is then with a password that somebody handed out.
    hasPassword: textOf(entry, 'pwdLastSet') !== '0',
    userName: upn ?? sam,
    correlationKey: keyOf(entry, keys),
    values: Object.fromEntries(values) as AdUser['values'],
    managerDn: textOf(entry, 'manager'),
  };
}

function keyOf(entry: LdapEntry, { own, matched }: KeyAttributes): string | null {
  for (const name of [own, ...matched]) {
    const value = textOf(entry, name);
    if (value !== null && value !== '') return value;
  }
  return null;
}

export const isSwitchedOff = (control: number): boolean => (control & disabledFlag) !== 0;

/** The same flags, but for the one that switches the login off. */
export function withLogin(control: number, state: 'enabled' | 'disabled'): number {
  return state === 'disabled' ? control | disabledFlag : control & ~disabledFlag;
}

/** A locked or outdated password is no obstacle for good: time or a reset ends it. An end date in the past is one. */
export function viewOf(user: AdUser, nowMs: number): AccountView {
  const { accountId, userName, correlationKey } = user;
  const isOff = isSwitchedOff(user.control);
  const vendorStatus = isOff ? 'disabled' : isExpired(user, nowMs) ? 'expired' : 'enabled';
  return { accountId, userName, correlationKey, vendorStatus, canLogIn: vendorStatus === 'enabled' };
}

export function isExpired({ expiresAtMs }: AdUser, nowMs: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= nowMs;
}

export function profileViewOf(user: AdUser, managerId: string | null): AccountProfileView {
  const { accountId, correlationKey, values } = user;
  return { accountId, correlationKey, values: { ...values, manager: managerId } };
}

/** `accountExpires`: 0 and the largest number mean never (MS-ADA1, section 2.2). */
function expiryMs(text: string | null): number | null {
  if (text === null || text === '0' || text === '9223372036854775807') return null;
  return fileTimeMs(text);
}

const epochOffsetMs = 11_644_473_600_000;

/** Milliseconds since the epoch of a Windows time (steps of 100 ns since 1601), or null for what is none. */
export function fileTimeMs(text: string): number | null {
  if (!/^\d{1,19}$/.test(text)) return null;
  return Number(BigInt(text) / 10_000n) - epochOffsetMs;
}

/** The Windows time of a moment. */
export function fileTimeOf(ms: number): string {
  return (BigInt(ms + epochOffsetMs) * 10_000n).toString();
}

/** Attribute and longest value; a text that is cut harms nobody, a refused account does. Addresses are never cut. */
const slots = {
  displayName: { attribute: 'displayName', maxLength: 256 },
  givenName: { attribute: 'givenName', maxLength: 64 },
  familyName: { attribute: 'sn', maxLength: 64 },
  title: { attribute: 'title', maxLength: 128 },
  department: { attribute: 'department', maxLength: 64 },
  email: { attribute: 'mail', maxLength: null },
  login: { attribute: 'userPrincipalName', maxLength: null },
} as const satisfies Record<Exclude<OwnedAttribute, 'manager'>, { attribute: string; maxLength: number | null }>;
type Slot = keyof typeof slots;

/** The values as Active Directory shows them once it took them; an empty one is not asserted, for it stores none. */
export function asStored(values: ProfileValues): ProfileValues {
  const entries = Object.entries(values).map(([name, value]) => {
    const maxLength = name === 'manager' ? null : slots[name as Slot].maxLength;
    return [name, maxLength === null ? value : clip(value, maxLength)];
  });
  return Object.fromEntries(entries) as ProfileValues;
}

/** Attribute and value of what differs; the manager is not among them. */
export function changedAttributes(user: AdUser, values: ProfileValues): [attribute: string, value: string][] {
  const wanted = Object.entries(asStored(values)).filter(([name, value]) => name !== 'manager' && value !== '');
  return wanted
    .filter(([name, value]) => user.values[name as Slot] !== value)
    .map(([name, value]) => [slots[name as Slot].attribute, value]);
}

/** What Usher owns of an account that it made. */
export function ownedValues({ displayName, givenName, familyName, title, department }: AccountProfile): ProfileValues {
  const names = { displayName, givenName, familyName };
  return { ...names, ...(title === null ? {} : { title }), ...(department === null ? {} : { department }) };
}

const maxSamLength = 20;

/**
 * The name before Windows 2000, which every account has: what stands before the @, without the signs that it may not
 * hold (MS-SAMR, section 3.1.1.6). A longer one is cut and told apart by a digest of personId, so that two people whose
 * names begin alike do not collide and every attempt for one person comes to the same name.
 */
export function samAccountName(userName: string, personId: string): string {
  const [local = ''] = userName.split('@');
  const plain = local.replaceAll(/["/\\[\]:;|=,+*?<>\p{C}]/gu, '').replace(/[.\s]+$/u, '');
  if (plain !== '' && plain.length <= maxSamLength) return plain;
  const digest = createHash('sha256').update(personId).digest('hex').slice(0, 6);
  return `${clip(plain, maxSamLength - digest.length - 1)}-${digest}`.replace(/^-/, 'u-');
}

/** The login in the form that Active Directory wants, `name@domain`; a bare name gets the domain of the base. */
export function principalName(userName: string, baseDn: string): string {
  if (userName.includes('@')) return userName;
  const domain = [...baseDn.matchAll(/(?:^|,)\s*DC=([^,]+)/gi)].map(([, label]) => label).join('.');
  return `${userName}@${domain}`;
}
