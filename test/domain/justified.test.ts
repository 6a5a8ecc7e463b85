import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chosenProfileIds, justified } from '../../src/domain/justified.ts';
import type { DecidedItem, JustifiedInput } from '../../src/domain/justified.ts';
import { planJoiner } from '../../src/domain/plan-joiner.ts';
import type { PolicyIndex } from '../../src/domain/policy-index.ts';
import { sha256Hex } from '../../src/policy/hash.ts';
import type { Item } from '../../src/schemas/item.ts';
import {
  beneficiary,
  decision,
  entitlement,
  facts,
  joinerInput,
  manager,
  personId,
  policyGranting,
  policyWith,
  security,
  window,
} from './support.ts';

const at = '2026-03-10T00:00:00Z';

function input(index: PolicyIndex, changes: Partial<JustifiedInput> = {}): JustifiedInput {
  return {
    personId: beneficiary,
    spellN: 1,
    facts: facts(),
    window: window(),
    index,
    decided: [],
    grants: [],
    found: [],
    at,
    sha256Hex,
    ...changes,
  };
}

function itemOf(index: PolicyIndex): Item {
  return planJoiner(joinerInput(index))[0] as Item;
}

function approved(item: Item, changes: Partial<DecidedItem> = {}, decidedAt = '2026-03-02T09:00:00Z'): DecidedItem {
  return {
    personId: beneficiary,
    spellN: 1,
    item,
    decisions: [decision(manager, [item.itemDigest], 'approve', decidedAt)],
    ...changes,
  };
}

const kinds = (entries: ReturnType<typeof justified>): string[] => entries.map(({ because }) => because.kind);
const automatic = policyGranting();
const managed = policyGranting({ riskPoints: 4 });
const managedItem = itemOf(managed);

describe('justified', () => {
  test('a matching profile justifies what policy may approve, and names itself', () => {
    expect(justified(input(automatic))).toEqual([
      {
        systemId: 'app',
        entitlementId: 'app/base',
        vendorEntitlementId: 'g-base',
        because: { kind: 'policy', profileId: 'engineer' },
        expiresAt: null,
      },
    ]);
  });

  test('what people must decide is not justified by its profile alone', () => {
    expect(justified(input(managed))).toEqual([]);
    expect(justified(input(managed, { decided: [approved(managedItem)] }))).toMatchObject([
      { entitlementId: 'app/base', because: { kind: 'decision', decisionIds: [expect.any(String)] } },
    ]);
  });

  test.each([
    ['2026-03-01T14:59:59Z', 0],
    ['2026-03-01T15:00:00Z', 1],
    ['2026-06-30T21:59:59Z', 1],
    ['2026-06-30T22:00:00Z', 0],
  ])('the access window bounds everything: at %s there are %p', (when, count) => {
    const found = [{ systemId: 'app', entitlementId: null, vendorEntitlementId: 'g-old' }];
    const bounded = window({ until: '2026-06-30T22:00:00Z' });
    expect(justified(input(automatic, { window: bounded, at: when }))).toHaveLength(count);
    expect(justified(input(automatic, { window: bounded, at: when, found }))).toHaveLength(count * 2);
  });

  test('a person whom HR marked as terminated holds nothing rightfully', () => {
    expect(justified(input(automatic, { facts: facts({ isTerminated: true }) }))).toEqual([]);
  });

  test('what was found before Usher enforced stays justified, in the catalogue or not', () => {
    const found = [
      { systemId: 'app', entitlementId: null, vendorEntitlementId: 'g-old' },
      { systemId: 'app', entitlementId: 'app/base', vendorEntitlementId: 'g-base' },
    ];
    expect(kinds(justified(input(automatic, { found })))).toEqual(['found', 'policy', 'found']);
  });

  test('a denied, open, foreign or earlier spell’s item justifies nothing', () => {
    const denial = decision(manager, [managedItem.itemDigest], 'deny', '2026-03-03T00:00:00Z');
    const cases: DecidedItem[] = [
      approved(managedItem, { decisions: [] }),
      approved(managedItem, { decisions: [decision(security[0], [managedItem.itemDigest])] }),
      approved(managedItem, { decisions: [decision(manager, [managedItem.itemDigest]), denial] }),
      approved(managedItem, { personId: personId(9) }),
      approved(managedItem, { spellN: 2 }),
    ];
    for (const entry of cases) expect(justified(input(managed, { decided: [entry] }))).toEqual([]);
    const secondSpell = approved(managedItem, { spellN: 2 });
    expect(justified(input(managed, { spellN: 2, decided: [secondSpell] }))).toHaveLength(1);
  });

  test('a decision about a definition that changed since does not count', () => {
    const moved = policyGranting({ riskPoints: 4, vendorId: 'g-other' });
    expect(justified(input(moved, { decided: [approved(managedItem)] }))).toEqual([]);
  });

  test('a decision about a birthright ends when no profile gives it any more', () => {
    const moved = facts({ department: 'Sales' });
    expect(justified(input(managed, { decided: [approved(managedItem)], facts: moved }))).toEqual([]);
  });

  test.each([
    ['2026-04-01T08:59:59.999Z', null, 1],
    ['2026-04-01T09:00:00Z', null, 0],
    ['2026-04-01T09:00:00Z', '2026-03-02T09:00:01Z', 1],
    ['2026-04-01T09:00:00Z', '2026-05-01T00:00:00Z', 0],
    ['2026-12-01T00:00:00Z', '2026-03-02T09:00:01Z', 1],
  ])('an approval of 2 March 9:00 at %s, used at %p, justifies %p', (when, grantedAt, count) => {
    const grants = grantedAt === null ? [] : [{ entitlementId: 'app/base', grantedAt, basis: 'decision' as const }];
    expect(justified(input(managed, { decided: [approved(managedItem)], grants, at: when }))).toHaveLength(count);
  });

  test('a decision counts from the moment at which it was made', () => {
    const decided = [approved(managedItem)];
    expect(justified(input(managed, { decided, at: '2026-03-02T08:59:59Z' }))).toEqual([]);
    expect(justified(input(managed, { decided, at: '2026-03-02T09:00:00Z' }))).toHaveLength(1);
  });

  describe('time-bound', () => {
    const timed = policyGranting({ expiresAfter: '7d' });
    const grants = [{ entitlementId: 'app/base', grantedAt: '2026-03-02T00:00:00Z', basis: 'policy' as const }];

    test.each([
      ['2026-03-08T23:59:59.999Z', 1],
      ['2026-03-09T00:00:00Z', 0],
      ['2026-05-01T00:00:00Z', 0],
    ])('a grant of 2 March with seven days has %s: %p, and the rule does not begin it anew', (when, count) => {
      const entries = justified(input(timed, { grants, at: when }));
      expect(entries).toHaveLength(count);
      for (const entry of entries) expect(entry.expiresAt).toBe('2026-03-09T00:00:00.000Z');
    });

    test('before the grant the term counts from the moment of the question', () => {
      expect(justified(input(timed))[0]?.expiresAt).toBe('2026-03-17T00:00:00.000Z');
    });

    test('a new decision after the end begins a new term', () => {
      const index = policyGranting({ riskPoints: 4, expiresAfter: '7d' });
      const item = itemOf(index);
      const first = approved(item, {}, '2026-03-01T23:30:00Z');
      const again = approved(item, {}, '2026-03-09T12:00:00Z');
      expect(justified(input(index, { grants, decided: [first] }))).toEqual([]);
      expect(justified(input(index, { grants, decided: [again] }))[0]?.expiresAt).toBe('2026-03-17T00:00:00.000Z');
    });
  });

  test('profiles that people chose speak for a person whom no rule matches', () => {
    const index = policyWith({
      entitlements: [{ ...entitlement(), expiresAfter: null }],
      profiles: [{ id: 'sales', description: 'Sales', when: 'department eq "sales"', grants: ['app/base'] }],
    });
    const choice = approved(itemOf(index));
    expect(choice.item.action).toBe('assignProfile');
    const chosen = chosenProfileIds(input(index, { decided: [choice] }));
    expect(chosen).toEqual(['sales']);
    const item = planJoiner(joinerInput(index, { chosenProfileIds: chosen }))[0] as Item;
    expect(justified(input(index, { decided: [choice] }))).toEqual([]);
    expect(justified(input(index, { decided: [approved(item)] }))).toEqual([]);
    expect(kinds(justified(input(index, { decided: [choice, approved(item)] })))).toEqual(['decision']);
  });

  test('never more than profiles, decisions and findings name, and never outside the window', () => {
    const index = policyWith({
      entitlements: [1, 4, 7].map((riskPoints) => ({
        ...entitlement({ id: `app/r${String(riskPoints)}`, vendorId: `g-${String(riskPoints)}`, riskPoints }),
        expiresAfter: '20d',
      })),
      profiles: [{ id: 'engineer', description: 'All', when: 'department pr', grants: ['app/r1', 'app/r4', 'app/r7'] }],
    });
    const items = planJoiner(joinerInput(index));
    const day = fc.integer({ min: 0, max: 90 }).map((days) => new Date(Date.UTC(2026, 1, 20 + days)).toISOString());
    const approvers = fc.subarray([manager, ...security, personId(3)]);
    fc.assert(
      fc.property(
        day,
        day,
        day,
        fc.option(day),
        approvers,
        fc.option(fc.constantFrom('Sales')),
        (when, decidedAt, grantedAt, until, yes, department) => {
          const decided = items.map((item) => ({
            personId: beneficiary,
            spellN: 1,
            item,
            decisions: yes.map((who) => decision(who, [item.itemDigest], 'approve', decidedAt)),
          }));
          const bounded = window({ until });
          const entries = justified(
            input(index, {
              decided,
              at: when,
              window: bounded,
              facts: facts({ department }),
              grants: [{ entitlementId: 'app/r4', grantedAt, basis: 'decision' }],
            }),
          );
          const isInside =
            Date.parse(when) >= Date.parse(bounded.from) && (until === null || Date.parse(when) < Date.parse(until));
          if (!isInside || department === null) expect(entries).toEqual([]);
          for (const entry of entries) {
            expect(Date.parse(entry.expiresAt ?? '')).toBeGreaterThan(Date.parse(when));
            expect(entry.because.kind).toBe(entry.entitlementId === 'app/r1' ? 'policy' : 'decision');
            if (entry.entitlementId !== 'app/r1') expect(Date.parse(decidedAt)).toBeLessThanOrEqual(Date.parse(when));
            if (entry.entitlementId === 'app/r4') expect(yes).toContain(manager);
            if (entry.entitlementId === 'app/r7') {
              expect(yes).toContain(personId(3));
              expect(yes.some((id) => id === security[0] || id === security[1])).toBe(true);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
