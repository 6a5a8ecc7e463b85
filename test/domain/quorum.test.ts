import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { groupForApproval } from '../../src/domain/approval-groups.ts';
import { compareText } from '../../src/domain/compare-text.ts';
import { itemOutcome } from '../../src/domain/item-outcome.ts';
import { planJoiner } from '../../src/domain/plan-joiner.ts';
import { eligibleApprovers, quorum } from '../../src/domain/quorum.ts';
import type { Decision, Verdict } from '../../src/schemas/decision.ts';
import type { Item, Route, Seat } from '../../src/schemas/item.ts';
import { decision, joinerInput, personId, policyGranting, seat } from './support.ts';

const [a, b, c] = [personId(11), personId(12), personId(13)] as const;
const route = (...seats: Seat[]): Route => ({ kind: 'people', seats });

describe('quorum', () => {
  test('what policy decides is approved; a route without seats never is', () => {
    expect(quorum({ kind: 'policy' }, {})).toBe('approved');
    expect(quorum(route(), {})).toBe('open');
  });

  test('one person cannot fill two seats', () => {
    const both = route(seat('security', a), seat('owner', a, b));
    expect(quorum(both, { [a]: 'approve' })).toBe('open');
    expect(quorum(both, { [a]: 'approve', [b]: 'approve' })).toBe('approved');
  });

  test('the most favourable assignment of people to seats counts', () => {
    const seats = route(seat('security', a, b), seat('owner', a));
    expect(quorum(seats, { [a]: 'approve', [b]: 'approve' })).toBe('approved');
    const chain = route(seat('manager', a, b), seat('security', a, c), seat('owner', a));
    expect(quorum(chain, { [a]: 'approve', [b]: 'approve', [c]: 'approve' })).toBe('approved');
    expect(quorum(chain, { [a]: 'approve', [b]: 'approve' })).toBe('open');
  });

  test('one denial by an eligible person denies, even after enough approvals', () => {
    expect(quorum(route(seat('security', a, b)), { [a]: 'approve', [b]: 'deny' })).toBe('denied');
  });

  test('votes of people without a seat count for nothing', () => {
    expect(quorum(route(seat('manager', a)), { [c]: 'approve' })).toBe('open');
    expect(quorum(route(seat('manager', a)), { [a]: 'approve', [c]: 'deny' })).toBe('approved');
  });

  test('it is approved exactly when some assignment of distinct approvers fills every seat', () => {
    const ids = [a, b, c, personId(14)];
    const seats = fc.array(fc.subarray(ids, { minLength: 1 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(seats, fc.subarray(ids), (candidates, yes) => {
        const fits = (remaining: readonly string[][], free: readonly string[]): boolean => {
          const [first, ...rest] = remaining;
          if (first === undefined) return true;
          return first.some(
            (id) =>
              free.includes(id) &&
              fits(
                rest,
                free.filter((other) => other !== id),
              ),
          );
        };
        const verdicts = Object.fromEntries(yes.map((id): [string, Verdict] => [id, 'approve']));
        const asRoute = route(...candidates.map((approverIds) => seat('owner', ...approverIds)));
        expect(quorum(asRoute, verdicts)).toBe(fits(candidates, yes) ? 'approved' : 'open');
      }),
      { numRuns: 500 },
    );
  });

  test('the eligible are everybody with a seat, once each', () => {
    expect(eligibleApprovers(route(seat('security', b, a), seat('owner', a)))).toEqual([a, b]);
    expect(eligibleApprovers({ kind: 'policy' })).toEqual([]);
  });
});

describe('outcome of an item', () => {
  const item = {
    ...(planJoiner(joinerInput(policyGranting()))[0] as Item),
    route: route(seat('manager', a), seat('owner', b)),
  };
  const personOf = decision(a, []).personId;
  const at = '2026-04-01T00:00:00Z';
  const yes = (who: typeof a, when: string) => decision(who, [item.itemDigest], 'approve', when);

  test('is approved at the moment when the last needed seat was filled', () => {
    const decisions = [yes(b, '2026-03-04T10:00:00Z'), yes(a, '2026-03-03T10:00:00Z')];
    expect(itemOutcome(item, personOf, decisions, at)).toEqual({
      state: 'approved',
      decisionIds: [decisions[1]?.decisionId, decisions[0]?.decisionId],
      approvedAt: '2026-03-04T10:00:00Z',
    });
  });

  test('knows only decisions that were made by then', () => {
    const decisions = [yes(a, '2026-03-03T10:00:00Z'), yes(b, '2026-03-04T10:00:00Z')];
    expect(itemOutcome(item, personOf, decisions, '2026-03-04T09:59:59Z').state).toBe('open');
    expect(itemOutcome(item, personOf, decisions, '2026-03-04T10:00:00Z').state).toBe('approved');
  });

  test('ignores decisions about another digest or another person', () => {
    const other = { ...yes(b, '2026-03-04T10:00:00Z'), personId: personId(99) };
    expect(itemOutcome(item, personOf, [yes(a, '2026-03-03T10:00:00Z'), other], at).state).toBe('open');
    const elsewhere = decision(b, [], 'approve');
    expect(itemOutcome(item, personOf, [yes(a, '2026-03-03T10:00:00Z'), elsewhere], at).decisionIds).toHaveLength(1);
  });

  test('an approval does not undo the same person’s denial', () => {
    const denied = decision(a, [item.itemDigest], 'deny', '2026-03-03T10:00:00Z');
    const later = [denied, yes(a, '2026-03-04T10:00:00Z'), yes(b, '2026-03-04T10:00:00Z')];
    expect(itemOutcome(item, personOf, later, at)).toMatchObject({ state: 'denied', approvedAt: null });
  });
});

describe('an item that was approved and is asked about again', () => {
  const item = {
    ...(planJoiner(joinerInput(policyGranting()))[0] as Item),
    route: route(seat('manager', a), seat('owner', b)),
  };
  const personOf = decision(a, []).personId;
  const at = '2026-06-01T00:00:00Z';
  const yes = (who: typeof a, when: string, question: 1 | 2): Decision => ({
    ...decision(who, [item.itemDigest], 'approve', when),
    approvalId: `approval_${personOf}_${question}_1` as Decision['approvalId'],
  });
  const first = [yes(a, '2026-03-01T10:00:00Z', 1), yes(b, '2026-03-02T10:00:00Z', 1)];

  test('stays approved as before while the new question is open', () => {
    const outcome = itemOutcome(item, personOf, [...first, yes(a, '2026-05-01T10:00:00Z', 2)], at);
    expect(outcome).toMatchObject({ state: 'approved', approvedAt: '2026-03-02T10:00:00Z' });
  });

  test('is approved anew once the new question is answered in full', () => {
    const again = [yes(a, '2026-05-01T10:00:00Z', 2), yes(b, '2026-05-02T10:00:00Z', 2)];
    const outcome = itemOutcome(item, personOf, [...first, ...again], at);
    expect(outcome).toMatchObject({ state: 'approved', approvedAt: '2026-05-02T10:00:00Z' });
  });

  test('is not approved anew by one more vote on the question that approved it', () => {
    const outcome = itemOutcome(item, personOf, [...first, yes(a, '2026-05-01T10:00:00Z', 1)], at);
    expect(outcome.approvedAt).toBe('2026-03-02T10:00:00Z');
  });

  test('is denied by a denial of the new question', () => {
    const no = {
      ...yes(b, '2026-05-02T10:00:00Z', 2),
      verdicts: [{ itemDigest: item.itemDigest, verdict: 'deny' as const }],
    };
    expect(itemOutcome(item, personOf, [...first, no], at).state).toBe('denied');
  });
});

describe('approval groups', () => {
  const base = planJoiner(joinerInput(policyGranting()))[0] as Item;
  const items = [
    { ...base, description: '1', route: route(seat('manager', a)) },
    { ...base, description: '2', route: { kind: 'policy' as const } },
    { ...base, description: '3', route: route(seat('security', b, c), seat('owner', a)) },
    { ...base, description: '4', route: route(seat('security', c, b), seat('owner', a)) },
    { ...base, description: '5', route: route(seat('owner', a)) },
  ];

  test('items with the same seats form one group, and the others their own', () => {
    const { policyItems, groups } = groupForApproval(items);
    expect(policyItems.map((item) => item.description)).toEqual(['2']);
    expect(groups.map((group) => group.items.map((item) => item.description).join('+')).toSorted(compareText)).toEqual([
      '1',
      '3+4',
      '5',
    ]);
  });

  test('the order of groups does not depend on the order of items', () => {
    const keys = groupForApproval(items).groups.map((group) => group.key);
    fc.assert(
      fc.property(fc.shuffledSubarray(items, { minLength: items.length }), (shuffled) => {
        expect(groupForApproval(shuffled).groups.map((group) => group.key)).toEqual(keys);
      }),
      { numRuns: 50 },
    );
  });
});
