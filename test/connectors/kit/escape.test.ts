import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'scim2-parse-filter';
import {
  clip,
  encodedQuery,
  EscapeError,
  oktaEqualsAny,
  pathOf,
  pathSegment,
  queryString,
  scimEquals,
  scimGreaterThan,
  scimValuePath,
} from '../../../src/connectors/kit/escape.ts';
import { hostileTexts } from '../../conformance/harness.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom(...hostileTexts));
const wellFormedText = anyText.filter((text) => text.isWellFormed());

/** Reads `<attribute> eq <JSON string>` by RFC 7644's grammar, where the string may hold every character. */
function readEquals(filter: string, attribute: string): unknown {
  const [, literal] = /^(?:[A-Za-z.]+) eq ("(?:[^"\\]|\\.)*")$/s.exec(filter) ?? [];
  expect(filter.startsWith(`${attribute} eq `)).toBe(true);
  return JSON.parse(literal ?? 'null');
}

describe('filters', () => {
  test('whatever the value is, the filter compares one attribute with exactly that value', () => {
    fc.assert(
      fc.property(wellFormedText, (value) => {
        const filter = scimEquals('externalId', value);
        expect(readEquals(filter, 'externalId')).toBe(value);
        expect(parse(filter)).toMatchObject({ op: 'eq', attrPath: 'externalId' });
      }),
    );
  });

  test('a value path names exactly one member', () => {
    fc.assert(
      fc.property(wellFormedText, (value) => {
        const path = scimValuePath('members', 'value', value);
        expect([path.slice(0, 8), path.at(-1)]).toEqual(['members[', ']']);
        expect(readEquals(path.slice(8, -1), 'value')).toBe(value);
        expect(parse(path)).toMatchObject({
          op: '[]',
          attrPath: 'members',
          valFilter: { op: 'eq', attrPath: 'value' },
        });
      }),
    );
  });

  test('a filter over several values has one term for each of them', () => {
    fc.assert(
      fc.property(fc.array(wellFormedText, { minLength: 2, maxLength: 4 }), (values) => {
        const filter = oktaEqualsAny('profile.employeeNumber', values);
        expect(filter).toBe(values.map((value) => scimEquals('profile.employeeNumber', value)).join(' or '));
        const term = { op: 'eq', attrPath: 'profile.employeeNumber' };
        expect(parse(filter)).toMatchObject({ op: 'or', filters: values.map(() => term) });
      }),
    );
  });

  test.each(['', 'a b', 'a"', 'a eq "x" or b', '1a', 'a..b', 'members[value'])(
    'the attribute %j is refused',
    (name) => {
      expect(() => scimEquals(name, 'x')).toThrow(EscapeError);
      expect(() => scimGreaterThan(name, 'x')).toThrow(EscapeError);
      expect(() => scimValuePath(name, 'value', 'x')).toThrow(EscapeError);
    },
  );

  test('a filter without values, and text that is not Unicode, are refused', () => {
    expect(() => oktaEqualsAny('id', [])).toThrow(EscapeError);
    expect(() => scimEquals('id', '\uD800')).toThrow(EscapeError);
    expect(scimGreaterThan('lastUpdated', '2026-03-02T08:00:00.000Z')).toBe(
      'lastUpdated gt "2026-03-02T08:00:00.000Z"',
    );
    expect(() => queryString({ q: '\uDC00' })).toThrow(EscapeError);
    expect(() => pathSegment('\uD800')).toThrow(EscapeError);
  });
});

describe('paths and queries', () => {
  test('a path stays where it was put: as many segments as were given, each one readable again', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 3 }), (segments) => {
        let path: string;
        try {
          path = pathOf('Users', ...segments);
        } catch (error) {
          expect(error).toBeInstanceOf(EscapeError);
          return;
        }
        const url = new URL(`https://vendor.example/scim/${path}`);
        expect([url.origin, url.search, url.hash]).toEqual(['https://vendor.example', '', '']);
        expect(url.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'scim', 'Users', ...segments]);
      }),
    );
  });

  test.each(['', '.', '..', '../x', 'a/b', 'a\\b', 'a\u0000b'])('the segment %j is refused', (segment) => {
    expect(() => pathSegment(segment)).toThrow(EscapeError);
  });

  test('a query gives back each value as it was', () => {
    fc.assert(
      fc.property(wellFormedText, wellFormedText, (a, b) => {
        const params = new URLSearchParams(queryString({ a, b }));
        expect([...params]).toEqual([
          ['a', a],
          ['b', b],
        ]);
      }),
    );
  });
});

describe('encoded queries', () => {
  test('a value either stays one term or is refused', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        try {
          const query = encodedQuery([{ field: 'correlation_id', operator: '=', value }], 'sys_id');
          expect(query.split('^')).toEqual([`correlation_id=${value}`, 'ORDERBYsys_id']);
        } catch (error) {
          expect(error).toBeInstanceOf(EscapeError);
        }
      }),
    );
  });

  test.each(['', 'a^b', 'a\nb', 'a\rb', 'a\u0000b', 'a\u2028b', 'javascript:gs.log(1)', 'x JavaScript:y'])(
    'the value %j is refused',
    (value) => {
      expect(() => encodedQuery([{ field: 'number', operator: '=', value }])).toThrow(EscapeError);
    },
  );

  test.each(['', 'a^b', 'A', 'a=b', 'a b'])('the field %j is refused', (field) => {
    expect(() => encodedQuery([{ field, operator: '=', value: 'x' }])).toThrow(EscapeError);
    expect(() => encodedQuery([{ field: 'number', operator: '=', value: 'x' }], field)).toThrow(EscapeError);
  });

  test('the message of a refusal does not hold the value', () => {
    expect(() => encodedQuery([{ field: 'number', operator: '=', value: 'secret^name' }])).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});

test('clipping never cuts a character in half', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (text, maxLength) => {
      const clipped = clip(text, maxLength);
      expect(clipped.length).toBeLessThanOrEqual(maxLength);
      expect(clipped.isWellFormed()).toBe(true);
      expect(text.startsWith(clipped)).toBe(true);
      expect(clipped.length).toBeGreaterThanOrEqual(Math.min(text.length, maxLength - 1));
    }),
  );
});
