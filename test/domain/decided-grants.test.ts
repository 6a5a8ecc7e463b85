/** What a decision justifies, at its edges: only a grant, only while its foundation stands, and from the first use on. */
import { describe, expect, test } from '@jest/globals';
import { justified, type DecidedItem, type JustifiedInput } from '../../src/domain/justified.ts';
import { planJoiner } from '../../src/domain/plan-joiner.ts';
import { indexPolicy, vendorKey, type PolicyIndex } from '../../src/domain/policy-index.ts';
import { sha256Hex } from '../../src/policy/hash.ts';
import type { Item } from '../../src/schemas/item.ts';
import { beneficiary, decision, entitlement, facts, joinerInput, manager, policyGranting, window } from './support.ts';

const approvedAt = '2026-03-02T09:00:00Z';
const dayS = 86_400;

function input(index: PolicyIndex, changes: Partial<JustifiedInput> = {}): JustifiedInput {
  const at = '2026-03-10T00:00:00Z';
  const nothing = { decided: [], grants: [], found: [] };
  const about = { personId: beneficiary, spellN: 1, facts: facts(), window: window() };
  return { ...about, ...nothing, index, at, sha256Hex, ...changes };
}

const managed = policyGranting({ riskPoints: 4 });
const item = planJoiner(joinerInput(managed))[0] as Item;
const approved = (changes: Partial<Item> = {}): DecidedItem => ({
  personId: beneficiary,
  spellN: 1,
  item: { ...item, ...changes },
  decisions: [decision(manager, [item.itemDigest], 'approve', approvedAt)],
});
const granted = (grantedAt: string, entitlementId = 'app/base') => ({
  ...({ systemId: 'app', vendorEntitlementId: 'g-base' } as const),
  entitlementId,
  grantedAt,
  basis: 'decision' as const,
});
const elsewhere = facts({ department: 'Sales' });

describe('an approved item', () => {
  test('justifies its entitlement', () => {
    expect(justified(input(managed, { decided: [approved()] }))).toHaveLength(1);
  });

  test('justifies nothing when it takes away, or names no entitlement', () => {
    for (const changes of [{ action: 'revoke' }, { action: 'disable' }, { entitlementId: null }] as const)
      expect(justified(input(managed, { decided: [approved(changes)] }))).toEqual([]);
  });

  test('justifies nothing that policy does not know any more', () => {
    expect(justified(input(managed, { decided: [approved({ entitlementId: 'app/gone' })] }))).toEqual([]);
  });

  test('of a profile falls with the profile; one that somebody asked for stands alone', () => {
    const inSales = (changes: Partial<Item>) =>
      justified(input(managed, { facts: elsewhere, decided: [approved(changes)] }));
    expect(inSales({})).toEqual([]);
    expect(inSales({ profileId: null })).toHaveLength(1);
  });

  test('that was used does not lapse; the grant of something else is no use of it', () => {
    const late = '2026-06-01T00:00:00Z';
    const at = (grants: JustifiedInput['grants']) =>
      justified(input(managed, { at: late, decided: [approved()], grants })).length;
    expect(at([granted('2026-03-03T00:00:00Z')])).toBe(1);
    expect(at([])).toBe(0);
    expect(at([granted('2026-03-03T00:00:00Z', 'app/other')])).toBe(0);
    expect(at([granted('2026-03-01T00:00:00Z')])).toBe(0);
  });
});

describe('a time-bound right', () => {
  const bound = policyGranting({ expiresAfter: '30d' });
  const ends = (grants: JustifiedInput['grants'], at = '2026-03-10T00:00:00Z') =>
    justified(input(bound, { grants, at })).map(({ expiresAt }) => expiresAt);

  test('ends after its term from the first of several grants, in whatever order they come', () => {
    const [first, second] = [granted('2026-03-02T00:00:00Z'), granted('2026-03-08T00:00:00Z')];
    const end = new Date(Date.parse(first.grantedAt) + 30 * dayS * 1_000).toISOString();
    for (const grants of [
      [first, second],
      [second, first],
    ])
      expect(ends(grants).map((each) => new Date(each ?? '').toISOString())).toEqual([end]);
    expect(ends([first, second], '2026-03-31T23:59:59Z')).toHaveLength(1);
    expect(ends([first, second], '2026-04-01T00:00:00Z')).toEqual([]);
  });

  test('is not ended by the older grant of another right', () => {
    const older = granted('2026-01-01T00:00:00Z', 'app/other');
    expect(ends([older, granted('2026-03-08T00:00:00Z')], '2026-03-20T00:00:00Z')).toHaveLength(1);
  });
});

describe('an indexed policy', () => {
  test('finds systems by id, and entitlements as the system knows them', () => {
    expect(managed.systemById.get('app')?.displayName).toBe('App');
    expect(managed.entitlementByVendorKey.get(vendorKey('app', 'g-base'))).toEqual(entitlement({ riskPoints: 4 }));
  });

  test('with a filter that does not compile is refused, by the name of the profile', () => {
    const [profile] = managed.policy.profiles;
    const broken = { ...managed.policy, profiles: [{ ...profile, when: 'nonsense eq' }] } as typeof managed.policy;
    expect(() => indexPolicy(broken)).toThrow(
      expect.objectContaining({ code: 'policyInvalid', message: expect.stringContaining('profile engineer: ') }),
    );
  });
});
