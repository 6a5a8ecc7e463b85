import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { guidBytes, guidDn, guidText } from '../../src/connectors/active-directory/guid.ts';
import { randomPassword, unicodePwd } from '../../src/connectors/active-directory/password.ts';
import {
  asStored,
  changedAttributes,
  fileTimeMs,
  fileTimeOf,
  principalName,
  samAccountName,
  userOf,
  viewOf,
  withLogin,
} from '../../src/connectors/active-directory/user.ts';
import { toLdapEntry } from '../../src/connectors/kit/ldap/ldap-entry.ts';
import { hostileTexts } from '../conformance/harness.ts';

const keys = { own: 'employeeNumber', matched: ['employeeID'] };
const guid = Buffer.from('c1d879f8de07b54d9ceed7599cef7107', 'hex');
const entry = (attributes: Record<string, string | Buffer> = {}) =>
  toLdapEntry({
    dn: 'CN=ada,DC=x',
    objectGUID: guid,
    userAccountControl: '512',
    sAMAccountName: 'ada',
    userPrincipalName: 'ada@x',
    pwdLastSet: '133000000000000000',
    ...attributes,
  });
const user = (attributes: Record<string, string | Buffer> = {}) => userOf(entry(attributes), keys)!;

test('a GUID is shown as Windows shows it, and comes back to the same bytes', () => {
  expect(guidText(guid)).toBe('f879d8c1-07de-4db5-9cee-d7599cef7107');
  expect(guidDn('f879d8c1-07de-4db5-9cee-d7599cef7107')).toBe(`<GUID=${guid.toString('hex')}>`);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(guidBytes(guidText(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
  for (const text of ['', 'does-not-exist', 'f879d8c1-07de-4db5-9cee-d7599cef7107>', ...hostileTexts]) {
    expect([guidBytes(text), guidDn(text)]).toEqual([null, null]);
  }
});

test('switching a login off and on touches one flag', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0x7ff_ffff }), (control) => {
      expect(withLogin(control, 'disabled') & 2).toBe(2);
      expect(withLogin(control, 'enabled') & 2).toBe(0);
      expect(withLogin(control, 'disabled') | 2).toBe(control | 2);
      expect(withLogin(withLogin(control, 'disabled'), 'enabled')).toBe(control & ~2);
    }),
  );
});

test('an end date that is over shuts a login, one that never comes does not', () => {
  const endMs = Date.parse('2026-03-01T00:00:00Z');
  const ending = user({ accountExpires: fileTimeOf(endMs) });
  expect(viewOf(ending, endMs - 1)).toMatchObject({ vendorStatus: 'enabled', canLogIn: true });
  expect(viewOf(ending, endMs)).toMatchObject({ vendorStatus: 'expired', canLogIn: false });
  for (const never of ['0', '9223372036854775807']) {
    expect(viewOf(user({ accountExpires: never }), Number.MAX_SAFE_INTEGER)).toMatchObject({ canLogIn: true });
  }
  expect(viewOf(user({ userAccountControl: '66050' }), 0)).toMatchObject({ vendorStatus: 'disabled', canLogIn: false });
  expect([fileTimeMs('132223104000000000'), fileTimeMs('x')]).toEqual([Date.parse('2020-01-01T00:00:00Z'), null]);
});

test('the key of Usher comes before one of the HR system, and names are matched in any case', () => {
  expect(user({ employeeID: '104' }).correlationKey).toBe('104');
  expect(user({ employeeID: '104', employeeNumber: 'p-1' }).correlationKey).toBe('p-1');
  expect(user({ EMPLOYEENUMBER: 'p-2' }).correlationKey).toBe('p-2');
  expect(user().correlationKey).toBeNull();
});

test('an entry without what every user has is none', () => {
  for (const broken of [{ objectGUID: 'text' }, { userAccountControl: 'x' }, { objectGUID: Buffer.alloc(3) }]) {
    expect(userOf(entry(broken), keys)).toBeNull();
  }
});

test('the old-style name is at most 20 characters, without forbidden signs, and the same for every attempt', () => {
  expect(samAccountName('ada.byron@example.test', 'p')).toBe('ada.byron');
  const long = samAccountName('maximiliane.von.hohenstein@example.test', 'p-1');
  expect([long, long.length]).toEqual([expect.stringMatching(/^maximiliane\.v-[0-9a-f]{6}$/), 20]);
  expect(samAccountName('maximiliane.von.hohenstein@example.test', 'p-1')).toBe(long);
  expect(samAccountName('maximiliane.von.hohenstein@example.test', 'p-2')).not.toBe(long);
  for (const text of [...hostileTexts, '', '@x', '...']) {
    const name = samAccountName(text, 'p');
    expect([name, name.length <= 20 && name.length > 0]).toEqual([
      expect.not.stringMatching(/["/\\[\]:;|=,+*?<>\p{C}]|\.$/u),
      true,
    ]);
  }
});

test('a bare login gets the domain of the base', () => {
  expect(principalName('ada', 'OU=People,DC=corp,DC=example')).toBe('ada@corp.example');
  expect(principalName('ada@mail.example', 'DC=corp,DC=example')).toBe('ada@mail.example');
});

test('only what differs is written, cut to the length of its attribute, and nothing is emptied', () => {
  const stored = user({ displayName: 'Ada', title: 'Analyst' });
  const values = { displayName: 'Ada', title: 'n'.repeat(500), department: '', login: 'new@x' };
  expect(changedAttributes(stored, values)).toEqual([
    ['title', 'n'.repeat(128)],
    ['userPrincipalName', 'new@x'],
  ]);
  expect(asStored({ familyName: 'n'.repeat(65), login: 'l'.repeat(600) })).toEqual({
    familyName: 'n'.repeat(64),
    login: 'l'.repeat(600),
  });
});

test('a password that nobody is told fits the rules of Active Directory and holds no part of a name', () => {
  const passwords = new Set(Array.from({ length: 50 }, randomPassword));
  expect(passwords.size).toBe(50);
  for (const password of passwords) {
    expect(password).toMatch(/^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)(?=.*-).{64}$/);
    expect(password).not.toMatch(/[A-Za-z]{3}/);
  }
  expect(unicodePwd('a"b').toString('utf16le')).toBe('"a"b"');
});
