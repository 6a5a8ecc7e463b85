import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { definitionHash } from '../../src/domain/definition-hash.ts';
import { accessAt } from '../../src/domain/employment.ts';
import { AppError, appErrorCodes, appErrorSentences } from '../../src/domain/errors.ts';
import { itemDigest } from '../../src/domain/item-digest.ts';
import type { ItemTerms } from '../../src/domain/item-digest.ts';
import { sha256Hex } from '../../src/policy/hash.ts';
import { beneficiary, entitlement, window } from './support.ts';

describe('canonical JSON', () => {
  test('does not depend on the order of keys and leaves out what is undefined', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'é"' }], a: undefined, A: true })).toBe(
      '{"A":true,"b":[1,{"c":"é\\"","d":null}]}',
    );
  });

  test('reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 },
    );
  });

  test.each([[NaN], [Infinity], [() => 1], [[undefined]], [1n], [Symbol('x')]])('refuses %p', (value) => {
    expect(() => canonicalJson({ value: Array.isArray(value) ? value : [value] })).toThrow(TypeError);
  });
});

describe('digest of an item', () => {
  const terms: ItemTerms = {
    personId: beneficiary,
    spellN: 1,
    action: 'grant',
    systemId: 'app',
    entitlementId: 'app/base',
    vendorEntitlementId: 'g-base',
    accountId: null,
    profileId: 'engineer',
    definitionHash: 'f'.repeat(64),
    conflicts: ['x', 'y'],
    expiresAfterSeconds: null,
    requiredRoles: ['security', 'owner'],
  };
  const digest = itemDigest(terms, sha256Hex);

  test('does not depend on the order of roles and conflicts', () => {
    expect(itemDigest({ ...terms, conflicts: ['y', 'x'], requiredRoles: ['owner', 'security'] }, sha256Hex)).toBe(
      digest,
    );
  });

  test.each([
    { personId: 'other' },
    { spellN: 2 },
    { action: 'revoke' },
    { systemId: 'other' },
    { entitlementId: 'app/other' },
    { vendorEntitlementId: 'g-other' },
    { accountId: '17' },
    { profileId: null },
    { definitionHash: 'e'.repeat(64) },
    { conflicts: ['x'] },
    { expiresAfterSeconds: 60 },
    { requiredRoles: ['manager'] },
    { requiredRoles: [] },
  ] satisfies Partial<ItemTerms>[])('another %j is another item', (changes) => {
    expect(itemDigest({ ...terms, ...changes }, sha256Hex)).not.toBe(digest);
  });
});

describe('hash of a definition', () => {
  const hash = definitionHash(entitlement(), sha256Hex);

  test('changes with each thing that an approver relied on', () => {
    const changed = [{ system: 'idp' }, { vendorId: 'g-2' }, { privileged: true }, { dataClass: 'financial' as const }];
    const hashes = changed.map((changes) => definitionHash({ ...entitlement(), ...changes }, sha256Hex));
    expect(new Set([hash, ...hashes]).size).toBe(5);
  });

  test('does not change with description, owner or risk points', () => {
    const other = entitlement({ description: 'Other words', owner: 'hr/sys', riskPoints: 9 });
    expect(definitionHash(other, sha256Hex)).toBe(hash);
  });
});

describe('access window', () => {
  const bounded = window({ until: '2026-06-30T22:00:00Z' });

  test.each([
    ['2026-03-01T14:59:59.999Z', 'before'],
    ['2026-03-01T15:00:00Z', 'lead'],
    ['2026-03-01T22:59:59.999Z', 'lead'],
    ['2026-03-01T23:00:00Z', 'employed'],
    ['2026-06-30T21:59:59.999Z', 'employed'],
    ['2026-06-30T22:00:00Z', 'after'],
  ])('at %s the phase is %s', (at, phase) => {
    expect(accessAt(bounded, at)).toBe(phase);
  });

  test('a window that ends before it begins never gives access', () => {
    const never = window({ until: '2026-02-01T00:00:00Z' });
    const phases = ['2026-01-01T00:00:00Z', '2026-02-15T00:00:00Z', '2026-03-05T00:00:00Z'].map((at) =>
      accessAt(never, at),
    );
    expect(phases).toEqual(['before', 'after', 'after']);
  });
});

describe('app errors', () => {
  test('every code has a sentence, which is the message when nothing better is known', () => {
    for (const code of appErrorCodes) expect(appErrorSentences[code]).toMatch(/^[A-Z].*\.$/);
    expect(new AppError('selfApproval')).toMatchObject({
      code: 'selfApproval',
      field: null,
      message: appErrorSentences.selfApproval,
    });
  });
});
