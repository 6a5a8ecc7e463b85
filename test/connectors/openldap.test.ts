import { expect, test } from '@jest/globals';
import { toLdapEntry } from '../../src/connectors/kit/ldap/ldap-entry.ts';
import { changedAttributes, lockedForGood, newEntry, personOf, viewOf } from '../../src/connectors/openldap/person.ts';
import { aProfile } from '../conformance/harness.ts';

const person = (attributes: Record<string, string> = {}) =>
  personOf(
    toLdapEntry({ dn: 'uid=ada,dc=x', entryUUID: 'b5e7e95c-7c6d-1041-876c-dd80e04f3ce8', uid: 'ada', ...attributes }),
    'employeeNumber',
  )!;

test('a lock shuts a login only where the policy makes it count, and one for failed attempts is not for good', () => {
  const locked = person({ pwdAccountLockedTime: lockedForGood });
  expect(viewOf(locked, true)).toMatchObject({ vendorStatus: 'locked', canLogIn: false });
  expect(viewOf(locked, false)).toMatchObject({ vendorStatus: 'locked', canLogIn: true });
  const passing = person({ pwdAccountLockedTime: '20260302080000Z' });
  expect(viewOf(passing, true)).toMatchObject({ vendorStatus: 'lockedByAttempts', canLogIn: true });
  expect(viewOf(person(), true)).toMatchObject({ vendorStatus: 'active', canLogIn: true });
});

test('a new entry has the family name that its class asks for, the key, and no empty value', () => {
  const profile = { ...aProfile('ada@example.test'), familyName: '', title: null, department: null };
  expect(newEntry('employeeNumber', 'p-1', profile)).toEqual({
    objectClass: ['inetOrgPerson'],
    cn: ['Ada Byron'],
    sn: ['Ada'],
    givenName: ['Ada'],
    displayName: ['Ada Byron'],
    uid: ['ada@example.test'],
    mail: ['ada@example.test'],
    employeeNumber: ['p-1'],
  });
});

test('only what differs is written, and nothing is emptied', () => {
  expect(
    changedAttributes(person({ title: 'Analyst', mail: 'a@x' }), { title: 'Analyst', email: 'b@x', department: '' }),
  ).toEqual([['mail', 'b@x']]);
});
