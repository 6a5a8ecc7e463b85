import { describe, expect, test } from '@jest/globals';
import { EMAIL_CANDIDATES_MAX, emailCandidates } from '../../src/domain/propose-email.ts';
import { EmailPattern } from '../../src/schemas/email-pattern.ts';
import { hostileTexts } from '../conformance/harness.ts';

const pattern = '{given}.{family}@example.com';
const first = (givenName: string, familyName: string, by = pattern): string | undefined =>
  emailCandidates(by, { givenName, familyName })[0];

describe('addresses from names', () => {
  test.each([
    ['Ada', 'Byron', 'ada.byron@example.com'],
    ['Zoë', 'Müller-Łukasz', 'zoe.muellerlukasz@example.com'],
    ['Søren', 'Åkerström', 'soren.akerstroem@example.com'],
    ['Đặng', 'Nguyễn Văn', 'dang.nguyenvan@example.com'],
    ['İpek', 'Işık', 'ipek.isik@example.com'],
    ['Jean-Luc', "d'Arc", 'jeanluc.darc@example.com'],
    ['ＡＤＡ', 'ﬁsher', 'ada.fisher@example.com'],
    ['Groß', 'Straße', 'gross.strasse@example.com'],
    ['Madonna', '', 'madonna@example.com'],
    ['', 'Pelé', 'pele@example.com'],
    ['Ada', '小林', 'ada@example.com'],
  ])('%s %s', (given, family, address) => {
    expect(first(given, family)).toBe(address);
  });

  test.each([
    ['{givenInitial}{family}@example.com', 'abyron@example.com'],
    ['{family}_{givenInitial}@example.com', 'byron_a@example.com'],
    ['{familyInitial}-{given}@mail.example.com', 'b-ada@mail.example.com'],
    ['x.{given}@example.com', 'x.ada@example.com'],
  ])('by the pattern %s', (by, address) => {
    expect(first('Ada', 'Byron', by)).toBe(address);
  });

  test('are numbered from 2 for people of one name, all different, in the same order for everybody', () => {
    const all = emailCandidates(pattern, { givenName: 'Ada', familyName: 'Byron' });
    expect(all.slice(0, 3)).toEqual(['ada.byron@example.com', 'ada.byron2@example.com', 'ada.byron3@example.com']);
    expect(new Set(all).size).toBe(EMAIL_CANDIDATES_MAX);
    expect(emailCandidates(pattern, { givenName: 'ADA', familyName: 'byron' })).toEqual(all);
  });

  test('are none for names that no ASCII letter can write', () => {
    expect(emailCandidates(pattern, { givenName: '小林', familyName: 'Дмитрий' })).toEqual([]);
    expect(emailCandidates(pattern, { givenName: '', familyName: '' })).toEqual([]);
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))(
    'of %s are plain addresses of the domain, or none',
    (_label, text) => {
      for (const address of emailCandidates(pattern, { givenName: text, familyName: text })) {
        expect(address).toMatch(/^[a-z0-9]+(?:[._-][a-z0-9]+)*@example\.com$/);
        expect(address.indexOf('@')).toBeLessThanOrEqual(64);
      }
    },
  );

  test('a name that looks like a placeholder fills nothing', () => {
    expect(first('{family}', '$&')).toBe('family@example.com');
  });
});

describe('the pattern of policy', () => {
  test.each([pattern, '{givenInitial}.{family}@a-b.example.co.uk', 'staff-{given}@example.com'])(
    '%s is taken',
    (text) => {
      expect(EmailPattern.parse(text)).toBe(text);
    },
  );

  test.each([
    'everybody@example.com',
    '{given}@example',
    '{given}@-example.com',
    '{name}@example.com',
    '{given}@@example.com',
    'A{given}@example.com',
    '{given}@example.com\n',
    '{given} {family}@example.com',
    '{given}@{family}.com',
    '',
  ])('%j is refused', (text) => {
    expect(EmailPattern.safeParse(text).success).toBe(false);
  });
});
