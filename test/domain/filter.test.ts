import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileFilter } from '../../src/domain/filter.ts';
import type { FilterFacts } from '../../src/domain/filter.ts';
import type { AttributePolicy } from '../../src/schemas/policy.ts';
import { facts } from './support.ts';

const attributes: AttributePolicy[] = [
  { name: 'title', useFor: 'mapping', caseExact: false },
  { name: 'department', useFor: 'mapping', caseExact: true },
  { name: 'division', useFor: 'mapping', caseExact: false },
  { name: 'location', useFor: 'audit', caseExact: false },
  { name: 'managerKey', useFor: 'never', caseExact: false },
  { name: 'startDate', useFor: 'mapping', caseExact: false },
  { name: 'employmentType', useFor: 'mapping', caseExact: false },
];

function matches(filter: string, changes: Partial<FilterFacts> = {}): boolean {
  const compiled = compileFilter(filter, attributes);
  if (!compiled.isValid) throw new Error(compiled.problem.message);
  return compiled.filter.matches(facts(changes));
}

describe('filter', () => {
  test.each([
    ['title eq "engineer"', true],
    ['TITLE EQ "ENGINEER"', true],
    ['department eq "engineering"', false],
    ['department eq "Engineering"', true],
    ['title ne "Engineer"', false],
    ['title ne "Manager"', true],
    ['title co "GINE"', true],
    ['title sw "eng"', true],
    ['title sw "gin"', false],
    ['title ew "eer"', true],
    ['title ew "eng"', false],
    ['startDate gt "2026-03-01"', true],
    ['startDate gt "2026-03-02"', false],
    ['startDate ge "2026-03-02"', true],
    ['startDate lt "2026-03-02"', false],
    ['startDate lt "2026-03-03"', true],
    ['startDate le "2026-03-02"', true],
    ['startDate le "2026-03-01"', false],
    ['startDate sw "2026-"', true],
    ['title pr', true],
    ['employmentType eq "employee"', true],
    ['title eq "x" or title eq "Engineer" and department eq "x"', false],
    ['(title eq "x" or title eq "Engineer") and department eq "Engineering"', true],
    ['not (title eq "x")', true],
    ['not title eq "x" and department eq "x"', false],
    ['title eq "\\"quoted\\""', false],
  ])('%s on an engineer is %p', (filter, expected) => {
    expect(matches(filter)).toBe(expected);
  });

  test.each([
    'division eq "x"',
    'not (division eq "x")',
    'division ne "x"',
    'not (division ne "x")',
    'division co ""',
    'not (division sw "x")',
    'not (not (division eq "x"))',
    'not (division eq "x" and title eq "Engineer")',
    'division eq "x" and title eq "Engineer"',
    'division eq "x" or title eq "other"',
    'not (division eq "x" or title eq "other")',
    'division gt "a"',
    'division pr',
  ])('an absent attribute does not match: %s', (filter) => {
    expect(matches(filter, { division: null })).toBe(false);
  });

  test('presence can be asked for, and another condition can decide without the absent attribute', () => {
    expect(matches('not (division pr)', { division: null })).toBe(true);
    expect(matches('not (division pr)', { division: 'x' })).toBe(false);
    expect(matches('division eq "x" or title pr', { division: null })).toBe(true);
    expect(matches('not (division eq "x" and title eq "other")', { division: null })).toBe(true);
  });

  test('two spellings of one letter are the same letter', () => {
    expect(matches('title eq "caf\u00e9"', { title: 'CAFE\u0301' })).toBe(true);
    expect(matches('department eq "caf\u00e9"', { department: 'cafe\u0301' })).toBe(true);
  });

  test('names the attributes that it reads', () => {
    const compiled = compileFilter('title pr or (department pr and TITLE eq "x")', attributes);
    expect(compiled).toMatchObject({ isValid: true, filter: { attributes: ['department', 'title'] } });
  });

  test.each([
    ['titel eq "x"', 'unknown attribute titel', 0],
    ['title eq "x" and emails[type eq "work"]', 'have no parts', 17],
    ['title eq "x" and location eq "x"', 'useFor: audit', 17],
    ['managerKey pr', 'useFor: never', 0],
    ['title eq null', 'not (title pr)', 0],
    ['title eq 5', 'a value in quotes', 0],
    ['title eq true', 'a value in quotes', 0],
    ['title eq "x', 'not closed', 9],
    ['title eq "a\\\\b"', 'back-slash', 11],
    ['title eq "a\nb"', 'line breaks', 11],
    ['title eq x', 'unexpected word', 9],
    ['title is "x"', 'unexpected word', 6],
    ['title eq "x" title', 'unexpected word', 13],
    ['title eq "x" and', 'ends too early', 16],
    ['(title eq "x"', 'ends too early', 13],
    ['title', 'ends too early', 5],
    ['', 'ends too early', 0],
    ['title eq "x")', 'unexpected word', 12],
    ['title & "x"', 'unexpected character', 6],
    ['title pr not title pr', 'not stands before one condition', 9],
    ['title pr constructor title pr', 'unknown operator', 9],
    ['startDate gt "soon"', 'a date such as', 0],
    ['employmentType eq "intern"', 'employee or contractor', 0],
    [`title eq "${'x'.repeat(4000)}"`, 'at most 4000', 4000],
  ])('refuses %j and points at the place', (filter, message, position) => {
    const compiled = compileFilter(filter, attributes);
    expect(compiled.isValid).toBe(false);
    if (compiled.isValid) return;
    expect(compiled.problem.message).toContain(message);
    expect(compiled.problem.position).toBe(position);
  });

  test('a text that opens a quote and never closes it is refused at once, however long', () => {
    const compiled = compileFilter(`title eq "${'\n'.repeat(3000)}`, attributes);
    expect(compiled.isValid).toBe(false);
  });

  test('any text is compiled or refused, never thrown', () => {
    const word = fc.constantFrom(
      'title',
      'not',
      'and',
      'or',
      '(',
      ')',
      '[',
      ']',
      'eq',
      'pr',
      '"x"',
      '"',
      '\\',
      '5',
      'null',
      '.',
      'toString',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), fc.constantFrom('', ' '), (words, gap) => {
        const text = words.join(gap);
        const compiled = compileFilter(text, attributes);
        if (compiled.isValid) expect(typeof compiled.filter.matches(facts())).toBe('boolean');
        else expect(compiled.problem.position).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('a condition and its negation never both match, and one of them does exactly when the attribute is there', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', 'é', ' ', "'", '*', ')'), maxLength: 4 });
    const operator = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le');
    fc.assert(
      fc.property(operator, text, fc.option(text), (op, value, title) => {
        const positive = matches(`title ${op} "${value}"`, { title });
        const negative = matches(`not (title ${op} "${value}")`, { title });
        expect([positive, negative].filter(Boolean)).toHaveLength(title === null ? 0 : 1);
      }),
      { numRuns: 500 },
    );
  });
});
