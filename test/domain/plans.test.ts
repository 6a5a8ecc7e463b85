import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planJoiner } from '../../src/domain/plan-joiner.ts';
import type { PlanJoinerInput } from '../../src/domain/plan-joiner.ts';
import { planLeaver } from '../../src/domain/plan-leaver.ts';
import { sha256Hex } from '../../src/policy/hash.ts';
import { Item } from '../../src/schemas/item.ts';
import {
  beneficiary,
  entitlement,
  facts,
  fallbackOwner,
  joinerInput,
  manager,
  owner,
  people,
  personId,
  policyGranting,
  policyWith,
  security,
} from './support.ts';

function only(input: PlanJoinerInput): Item {
  const items = planJoiner(input);
  expect(items).toHaveLength(1);
  return Item.parse(items[0]);
}

const rights = [
  entitlement({ id: 'app/a', vendorId: 'g-a' }),
  entitlement({ id: 'app/b', vendorId: 'g-b' }),
  entitlement({ id: 'app/c', vendorId: 'g-c' }),
].map((right) => ({ ...right, expiresAfter: null }));

function profile(id: string, when: string, grants: string[], excludes: string[] = []) {
  return { id, description: `Profile ${id}`, when, grants, excludes };
}

describe('plan of a joiner', () => {
  test('a low-risk birthright is an item that policy approves, with each step in words', () => {
    const item = only(joinerInput(policyGranting()));
    expect(item).toMatchObject({
      action: 'grant',
      systemId: 'app',
      entitlementId: 'app/base',
      vendorEntitlementId: 'g-base',
      profileId: 'engineer',
      risk: 1,
      confidence: 1,
      route: { kind: 'policy' },
      conflicts: [],
      expiresAt: null,
    });
    expect(item.reasons).toEqual([
      'profile engineer matches with confidence 1',
      '1: risk points of the entitlement',
      'risk 1',
      'policy approves: risk below 3 and confidence above 0.85',
    ]);
  });

  test.each([
    [{ riskPoints: 2.999 }, {}, 'policy'],
    [{ riskPoints: 3 }, {}, 'manager'],
    [{ riskPoints: 6 }, {}, 'manager'],
    [{ riskPoints: 6.001 }, {}, 'security+owner'],
    [{ riskPoints: 0 }, { confidence: 0.85 }, 'manager'],
    [{ riskPoints: 0.999 }, { confidence: 0.8501 }, 'policy'],
    [{ riskPoints: 1 }, { confidence: 0.8501 }, 'manager'],
    [{ privileged: true }, {}, 'security+owner'],
    [{ dataClass: 'financial' as const }, {}, 'manager'],
  ])('%j by a profile with %j goes to %s', (changes, profileChanges, expected) => {
    const { route } = only(joinerInput(policyGranting(changes, profileChanges)));
    expect(route.kind === 'policy' ? 'policy' : route.seats.map(({ role }) => role).join('+')).toBe(expected);
  });

  test('a contractor’s items always ask the manager, in parallel with the others', () => {
    const contractor = facts({ employmentType: 'contractor' });
    expect(only(joinerInput(policyGranting({ riskPoints: 0 }), { facts: contractor })).route).toEqual({
      kind: 'people',
      seats: [{ role: 'manager', approverIds: [manager] }],
    });
    expect(only(joinerInput(policyGranting({ riskPoints: 5.5 }), { facts: contractor })).route).toEqual({
      kind: 'people',
      seats: [
        { role: 'manager', approverIds: [manager] },
        { role: 'security', approverIds: [...security] },
        { role: 'owner', approverIds: [owner] },
      ],
    });
  });

  test('without a manager the fallback owner decides at once', () => {
    const item = only(joinerInput(policyGranting({ riskPoints: 3 }), { facts: facts({ managerKey: null }) }));
    expect(item.route).toEqual({ kind: 'people', seats: [{ role: 'manager', approverIds: [fallbackOwner] }] });
    expect(item.reasons).toContain('manager: nobody with this role may decide, a stand-in does');
  });

  test('what is held already gives no item; the same vendor id on another system does not count', () => {
    const index = policyGranting();
    expect(planJoiner(joinerInput(index, { held: [{ systemId: 'app', vendorEntitlementId: 'g-base' }] }))).toEqual([]);
    expect(planJoiner(joinerInput(index, { held: [{ systemId: 'idp', vendorEntitlementId: 'g-base' }] }))).toHaveLength(
      1,
    );
  });

  test('what two profiles give is one item, spoken for by the surer profile', () => {
    const index = policyWith({
      entitlements: rights,
      profiles: [
        { ...profile('also-vague', 'title pr', ['app/a']), confidence: 0.5 },
        profile('sure', 'title pr', ['app/a']),
      ],
    });
    expect(only(joinerInput(index))).toMatchObject({ profileId: 'sure', confidence: 1, risk: 1 });
  });

  test('profiles that exclude each other ask a person and name the conflict, whichever of them declares it', () => {
    const excluding = (first: string[], second: string[]) =>
      policyWith({
        entitlements: rights,
        profiles: [
          profile('maker', 'title pr', ['app/a', 'app/c'], first),
          profile('checker', 'title pr', ['app/b'], second),
          profile('zz-everybody', 'title pr', ['app/c']),
        ],
      });
    const conflict = 'profiles checker and maker exclude each other';
    for (const index of [excluding(['checker'], []), excluding([], ['maker']), excluding(['checker'], ['maker'])]) {
      const items = planJoiner(joinerInput(index));
      expect(items.map((item) => [item.entitlementId, item.conflicts, item.route.kind])).toEqual([
        ['app/a', [conflict], 'people'],
        ['app/b', [conflict], 'people'],
        ['app/c', [], 'policy'],
      ]);
      expect(items[0]?.reasons).toContain(conflict);
    }
  });

  describe('when no profile matches', () => {
    const index = policyWith({
      entitlements: rights,
      profiles: [
        profile('sales', 'department eq "sales"', ['app/a', 'app/b']),
        profile('legal', 'department eq "legal"', ['app/c']),
      ],
    });

    test('the manager gets one task: each profile of the catalogue can be chosen', () => {
      const items = planJoiner(joinerInput(index)).map((item) => Item.parse(item));
      expect(items.map((item) => [item.action, item.profileId])).toEqual([
        ['assignProfile', 'legal'],
        ['assignProfile', 'sales'],
      ]);
      const seats = [{ role: 'manager', approverIds: [manager] }];
      for (const item of items) expect(item.route).toEqual({ kind: 'people', seats });
      expect(new Set(items.map((item) => item.itemDigest)).size).toBe(2);
    });

    test('chosen items have confidence 0, the adjustment for no exact profile, and a person decides them', () => {
      const items = planJoiner(joinerInput(index, { chosenProfileIds: ['sales', 'gone'] }));
      expect(items.map((item) => [item.entitlementId, item.confidence, item.risk, item.route.kind])).toEqual([
        ['app/a', 0, 3, 'people'],
        ['app/b', 0, 3, 'people'],
      ]);
    });

    test('the choice "none" plans nothing', () => {
      expect(planJoiner(joinerInput(index, { chosenProfileIds: [] }))).toEqual([]);
    });
  });

  test('a time-bound grant ends after its term, and its digest knows the term and not the instant', () => {
    const index = policyGranting({ expiresAfter: '7d' });
    const first = only(joinerInput(index, { at: '2026-03-01T15:00:00Z' }));
    const later = only(joinerInput(index, { at: '2026-03-03T15:00:00Z' }));
    expect(first.expiresAt).toBe('2026-03-08T15:00:00.000Z');
    expect(later.expiresAt).toBe('2026-03-10T15:00:00.000Z');
    expect(later.itemDigest).toBe(first.itemDigest);
    expect(only(joinerInput(policyGranting({ expiresAfter: '8d' }))).itemDigest).not.toBe(first.itemDigest);
  });

  test('a re-plan that changes no item keeps every digest: other instants, names, managers, deputies', () => {
    const index = policyGranting({ riskPoints: 7, expiresAfter: '3d' });
    const before = only(joinerInput(index, { facts: facts({ employmentType: 'contractor' }) })).itemDigest;
    const change = fc.record({
      at: fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
      displayName: fc.string(),
      title: fc.option(fc.string()),
      managerKey: fc.option(fc.constantFrom('mgr', 'own', 'new')),
      deputy: fc.integer({ min: 20, max: 30 }),
    });
    fc.assert(
      fc.property(change, ({ at, deputy, ...changes }) => {
        const after = only(
          joinerInput(index, {
            at: at.toISOString(),
            facts: facts({ employmentType: 'contractor', ...changes }),
            people: { ...people, 'hr/new': personId(deputy), 'hr/sec1': personId(deputy + 20) },
          }),
        );
        expect(after.itemDigest).toBe(before);
      }),
      { numRuns: 100 },
    );
  });

  test('a change of route, definition, person or spell is another item', () => {
    const base = only(joinerInput(policyGranting())).itemDigest;
    const others = [
      joinerInput(policyGranting({ riskPoints: 3 })),
      joinerInput(policyGranting({ vendorId: 'g-2' })),
      joinerInput(policyGranting({ dataClass: 'none' })),
      joinerInput(policyGranting(), { personId: personId(9) }),
      joinerInput(policyGranting(), { spellN: 2 }),
    ].map((input) => only(input).itemDigest);
    expect(new Set([base, ...others]).size).toBe(6);
  });
});

describe('plan of a leaver', () => {
  const index = policyGranting();
  const accounts = [
    { systemId: 'app', accountId: 'u2', vendorEntitlementIds: ['g-unknown', 'g-base'] },
    { systemId: 'idp', accountId: 'u1', vendorEntitlementIds: ['g-all'] },
    { systemId: 'app', accountId: 'u3', vendorEntitlementIds: [] },
  ];
  const plan = (found = accounts): Item[] =>
    planLeaver({ personId: beneficiary, spellN: 1, index, accounts: found, sha256Hex }).map((item) => Item.parse(item));

  test('disables every account, the identity provider’s first, and revokes all that was found, in the catalogue or not', () => {
    expect(
      plan().map((item) => [item.action, item.systemId, item.accountId, item.vendorEntitlementId, item.entitlementId]),
    ).toEqual([
      ['disable', 'idp', 'u1', null, null],
      ['disable', 'app', 'u2', null, null],
      ['disable', 'app', 'u3', null, null],
      ['revoke', 'idp', 'u1', 'g-all', null],
      ['revoke', 'app', 'u2', 'g-base', 'app/base'],
      ['revoke', 'app', 'u2', 'g-unknown', null],
    ]);
  });

  test('needs nobody’s yes', () => {
    for (const item of plan()) expect(item.route).toEqual({ kind: 'policy' });
  });

  test('the same findings in another order, or twice, are the same plan', () => {
    expect(plan([...accounts].reverse())).toEqual(plan());
    expect(plan([...accounts, ...accounts])).toEqual(plan());
  });

  test('the same entitlement on two accounts is two items', () => {
    const twice = ['u1', 'u2'].map((accountId) => ({ systemId: 'app', accountId, vendorEntitlementIds: ['g-base'] }));
    expect(new Set(plan(twice).map((item) => item.itemDigest)).size).toBe(4);
  });
});
