import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { BerReader, BerWriter, ConstraintViolationError, InvalidCredentialsError } from 'ldapts';
import { ConnectorError, type ConnectorErrorCode } from '../../../src/connectors/kit/errors.ts';
import { EscapeError } from '../../../src/connectors/kit/escape.ts';
import { childDn, rdn } from '../../../src/connectors/kit/ldap/dn.ts';
import { anyOf, equals } from '../../../src/connectors/kit/ldap/filters.ts';
import { classifyLdapCode, isRefusal, toLdapError } from '../../../src/connectors/kit/ldap/ldap-errors.ts';
import { generalizedTimeMs } from '../../../src/connectors/kit/ldap/ldap-time.ts';
import { hostileTexts } from '../../conformance/harness.ts';

test.each<[number, ConnectorErrorCode]>([
  [1, 'transient'],
  [4, 'transient'],
  [8, 'auth'],
  [12, 'unsupported'],
  [19, 'validation'],
  [32, 'notFound'],
  [49, 'auth'],
  [50, 'auth'],
  [51, 'throttled'],
  [52, 'transient'],
  [53, 'precondition'],
  [65, 'validation'],
  [68, 'conflict'],
  [80, 'transient'],
  [12_345, 'transient'],
])('the result code %i is %s', (code, expected) => {
  expect(classifyLdapCode(code)).toBe(expected);
});

test('of a refusal only codes go on, never its text', () => {
  const text =
    '0000052D: Constraint violation - check_password_restrictions: ada.byron <CN=Ada Byron>, data 52f, v1db1';
  const failure = { systemId: 'ad', operation: 'setLogin', wasWriteSent: true };
  const error = toLdapError(new ConstraintViolationError(text), failure);
  expect(error).toMatchObject({ code: 'validation', detail: { vendorCode: '19/0000052D/52f' } });
  expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/byron/i);
  expect([isRefusal(error, 19), isRefusal(error, 1), isRefusal(new Error('19'), 19)]).toEqual([true, false, false]);
  const login = toLdapError(new InvalidCredentialsError('80090308: LdapErr: DSID-0C0903A9, data 533, v1db1'), failure);
  expect(login).toMatchObject({ code: 'auth', detail: { vendorCode: '49/80090308/533' } });
});

test('what happened to a write whose connection ended is unknown, to a read it is transient', () => {
  const lost = Object.assign(new Error('read ECONNRESET 10.1.2.3'), { code: 'ECONNRESET' });
  const where = { systemId: 'ad', operation: 'setLogin' };
  expect(toLdapError(lost, { ...where, wasWriteSent: true })).toMatchObject({ code: 'unknownOutcome' });
  const read = toLdapError(lost, { ...where, wasWriteSent: false });
  expect(read).toMatchObject({ code: 'transient', detail: { vendorCode: 'ECONNRESET' } });
  expect(read.message).not.toContain('10.1');
  const own = new ConnectorError('conflict', 'taken', where);
  expect(toLdapError(own, { ...where, wasWriteSent: true })).toBe(own);
});

test.each([
  ['plain name', 'CN=plain name'],
  [' leading and trailing ', 'CN=\\20leading and trailing\\20'],
  ['Byron, Ada', 'CN=Byron\\2c Ada'],
  ['"x"+y=z;<>\\#', 'CN=\\22x\\22\\2by\\3dz\\3b\\3c\\3e\\5c\\23'],
  ['line\r\nend', 'CN=line\\0d\\0aend'],
  ['Zoë Ελένη', 'CN=Zoë Ελένη'],
  ['\u202Ex', 'CN=\\e2\\80\\aex'],
])('a name like %j is one part of a distinguished name', (value, expected) => {
  expect(rdn('CN', value)).toBe(expected);
});

test('no name can leave its part, and what cannot be written is refused', () => {
  for (const text of hostileTexts)
    expect(childDn('CN', text, 'DC=x')).toMatch(/^CN=(?:\\[0-9a-f]{2}|[^\\,"+=;<>#])+,DC=x$/u);
  for (const text of ['', 'a\0b', '\uD800']) expect(() => rdn('CN', text)).toThrow(EscapeError);
  expect(() => rdn('CN=x,OU', 'y')).toThrow(EscapeError);
});

test('a value of a filter goes out byte by byte as it is', () => {
  const bytes = createHash('md5').update('guid').digest();
  for (const value of [...hostileTexts, bytes]) {
    const writer = new BerWriter();
    equals('employeeNumber', value).write(writer);
    const reader = new BerReader(writer.buffer);
    reader.readSequence(0xa3);
    expect(reader.readString()).toBe('employeeNumber');
    expect(reader.readString(0x04, true)).toEqual(Buffer.from(value as string));
  }
  expect(() => equals('cn', '\uD800')).toThrow(EscapeError);
  expect(() => anyOf()).toThrow(EscapeError);
});

test('times of directories', () => {
  expect(generalizedTimeMs('20260302080000.0Z')).toBe(Date.parse('2026-03-02T08:00:00Z'));
  expect(generalizedTimeMs('20260302080000Z')).toBe(Date.parse('2026-03-02T08:00:00Z'));
  for (const text of [null, '', '20260302', '20260302080000+0100']) expect(generalizedTimeMs(text)).toBeNull();
});
