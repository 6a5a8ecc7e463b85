import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clockAt, type ClockInput } from '../../src/domain/approval-clock.ts';
import { actorsOf, isWay, type ActorsInput, type Mandate, type MandateKind } from '../../src/domain/mandates.ts';
import { openHolders } from '../../src/domain/open-holders.ts';
import { requiredTerms } from '../../src/domain/required-terms.ts';
import { routeItem } from '../../src/domain/route.ts';
import { SeatCount } from '../../src/domain/seat-count.ts';
import {
  beneficiary,
  fallbackOwner,
  manager,
  owner,
  people,
  personId,
  seat,
  security,
  systemOwner,
} from './support.ts';

const [a, b, c, d] = [personId(11), personId(12), personId(13), personId(14)] as const;
const at = '2026-03-10T09:00:00.000Z';
const approvalId = `approval_${beneficiary}_1_1`;

function mandate(kind: MandateKind, fromId: string, toId: string, changes: Partial<Mandate> = {}): Mandate {
  const isDeputy = kind === 'deputy';
  return {
    mandateId: `${kind}/${fromId}/${toId}`,
    kind,
    approvalId: isDeputy ? null : approvalId,
    fromId,
    toId,
    validFrom: '2026-03-01T00:00:00.000Z',
    validUntil: isDeputy ? '2026-04-01T00:00:00.000Z' : null,
    ...changes,
  };
}

const input = (mandates: Mandate[], changes: Partial<ActorsInput> = {}): ActorsInput => ({
  approvalId,
  seats: [seat('manager', a)],
  mandates,
  at,
  isBarred: (id) => id === beneficiary,
  hasLeft: () => false,
  ...changes,
});
const who = (mandates: Mandate[], changes: Partial<ActorsInput> = {}): string[] =>
  actorsOf(input(mandates, changes)).map(({ personId: id }) => id);

describe('who may act for whom', () => {
  test('who handed over has no vote, until the other one leaves', () => {
    const over = [mandate('handedOver', a, b)];
    expect(who(over)).toEqual([b]);
    expect(who(over, { hasLeft: (id) => id === b })).toEqual([a]);
  });

  test('a deputy and the next level act beside the holder; a deputy has no deputy', () => {
    expect(who([mandate('deputy', a, b), mandate('escalated', a, c)])).toEqual([a, b, c]);
    expect(who([mandate('deputy', a, b), mandate('deputy', b, c)])).toEqual([a, b]);
    expect(who([mandate('handedOver', a, b), mandate('deputy', b, c), mandate('deputy', a, d)])).toEqual([b, c]);
  });

  test('a mandate for another approval, before its time or after it is none', () => {
    expect(who([mandate('handedOver', a, b, { approvalId: 'approval_other' })])).toEqual([a]);
    expect(who([mandate('deputy', a, b, { validFrom: '2026-03-11T00:00:00.000Z' })])).toEqual([a]);
    expect(who([mandate('deputy', a, b, { validUntil: at })])).toEqual([a]);
    expect(who([mandate('deputy', a, b, { validUntil: '2026-03-10T09:00:00.001Z' })])).toEqual([a, b]);
  });

  test('nobody acts about themselves', () => {
    expect(who([mandate('deputy', a, beneficiary)])).toEqual([a]);
  });

  const ids = [a, b, c, d];
  const anyMandate = fc
    .tuple(
      fc.constantFrom<MandateKind>('handedOver', 'deputy', 'escalated'),
      fc.constantFrom(...ids),
      fc.constantFrom(...ids),
    )
    .map(([kind, from, to]) => mandate(kind, from, to));

  test('loops end, nobody stands twice for a seat, and every way that is found is one that the issuer accepts', () => {
    fc.assert(
      fc.property(fc.array(anyMandate, { maxLength: 12 }), fc.subarray(ids), (mandates, gone) => {
        const distinct = [...new Map(mandates.map((each) => [each.mandateId, each])).values()];
        const seats = [seat('manager', a), seat('owner', b)];
        const actors = actorsOf(input(distinct, { seats, hasLeft: (id) => (gone as string[]).includes(id) }));
        expect(new Set(actors.map((actor) => `${actor.personId} ${actor.forId}`)).size).toBe(actors.length);
        for (const actor of actors) {
          expect(gone).not.toContain(actor.personId);
          if (actor.personId === actor.forId) continue;
          const way = actor.mandateIds.map((id) => distinct.find(({ mandateId }) => mandateId === id) as Mandate);
          const { personId: approverId, forId } = actor;
          expect(isWay(way, { approvalId, forId, approverId, beneficiaryId: beneficiary, decidedAt: at })).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the way from a seat to a vote', () => {
  const claim = { approvalId, forId: a, approverId: c, beneficiaryId: beneficiary, decidedAt: at };
  const way = [mandate('handedOver', a, b), mandate('deputy', b, c)];

  test('holds link by link, at the time of the decision', () => {
    expect(isWay(way, claim)).toBe(true);
    expect(isWay([], claim)).toBe(false);
    expect(isWay(way.toReversed(), claim)).toBe(false);
    expect(isWay(way.slice(0, 1), claim)).toBe(false);
    expect(isWay(way, { ...claim, approverId: d })).toBe(false);
    expect(isWay(way, { ...claim, forId: d })).toBe(false);
    expect(isWay(way, { ...claim, decidedAt: '2026-04-02T00:00:00.000Z' })).toBe(false);
    expect(isWay(way, { ...claim, approvalId: `approval_${beneficiary}_1_2` })).toBe(false);
    expect(isWay(way, { ...claim, beneficiaryId: c })).toBe(false);
  });

  test('never passes two deputies, nor a person twice', () => {
    expect(isWay([mandate('deputy', a, b), mandate('deputy', b, c)], claim)).toBe(false);
    const round = [mandate('handedOver', a, b), mandate('handedOver', b, a), mandate('escalated', a, c)];
    expect(isWay(round, claim)).toBe(false);
    expect(isWay([mandate('handedOver', a, c, { approvalId: null })], claim)).toBe(false);
    expect(isWay([mandate('deputy', a, c, { approvalId })], claim)).toBe(false);
  });
});

describe('counting seats', () => {
  const two = [seat('security', a, b, c), seat('security', a, b, c)];

  test('two votes in the place of one person are one', () => {
    const count = new SeatCount();
    count.add({ approverId: a, verdict: 'approve' });
    count.add({ approverId: d, forApproverId: a, verdict: 'approve' });
    expect(count.state(two)).toBe('open');
    count.add({ approverId: b, verdict: 'approve' });
    expect(count.state(two)).toBe('approved');
  });

  test('one person who decides in the place of two is one voice', () => {
    const count = new SeatCount();
    count.add({ approverId: d, forApproverId: a, verdict: 'approve' });
    count.add({ approverId: d, forApproverId: b, verdict: 'approve' });
    expect(count.state(two)).toBe('open');
  });

  test('a vote keeps its role when people change, but never fills the seat of somebody else of "all"', () => {
    const count = new SeatCount();
    count.add({ approverId: a, seats: [seat('manager', a), seat('owner', b)], verdict: 'approve' });
    count.add({ approverId: b, seats: [seat('manager', c), seat('owner', b)], verdict: 'approve' });
    expect(count.state([seat('manager', c), seat('owner', b)])).toBe('approved');
    const all = (...ids: (typeof a)[]) => ids.map((id) => ({ ...seat('owner', id), isOfAll: true }));
    const owners = new SeatCount();
    owners.add({ approverId: a, seats: all(a, b), verdict: 'approve' });
    expect(owners.state(all(b))).toBe('open');
    owners.add({ approverId: b, seats: all(b), verdict: 'approve' });
    expect(owners.state(all(b))).toBe('approved');
  });

  test('a denial in somebody’s place denies, before and after their own approval', () => {
    for (const order of [0, 1]) {
      const votes = [
        { approverId: a, verdict: 'approve' as const },
        { approverId: d, forApproverId: a, verdict: 'deny' as const },
      ];
      const count = new SeatCount();
      for (const vote of order === 0 ? votes : votes.toReversed()) count.add(vote);
      expect(count.state([seat('manager', a)])).toBe('denied');
    }
  });

  test('n of a role is approved exactly by n different places, whoever speaks for them', () => {
    const places = [a, b, c, d];
    const vote = fc.record({ approverId: fc.constantFrom(...places), forApproverId: fc.constantFrom(...places) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(vote, { maxLength: 8 }), (n, votes) => {
        const count = new SeatCount();
        const placeOf = new Map<string, string>();
        for (const each of votes) {
          if (!placeOf.has(each.approverId)) placeOf.set(each.approverId, each.forApproverId);
          count.add({ ...each, verdict: 'approve' });
        }
        const seats = Array.from({ length: n }, () => seat('security', ...places));
        expect(count.state(seats)).toBe(new Set(placeOf.values()).size >= n ? 'approved' : 'open');
      }),
      { numRuns: 300 },
    );
  });
});

describe('quorum by policy', () => {
  const routed = (quorum: Parameters<typeof requiredTerms>[1], changes = {}) => {
    const { route } = routeItem({
      roles: ['security', 'owner'],
      beneficiaryId: beneficiary,
      requesterId: null,
      managerRef: 'hr/mgr',
      nextManagerRef: null,
      ownerRef: 'hr/own',
      coOwnerRefs: ['hr/sys'],
      routing: { security: ['hr/sec1', 'hr/sec2'], fallbackOwner: 'hr/fall', quorum },
      lastResortRefs: [],
      people,
      ...changes,
    });
    return route.kind === 'people' ? route.seats : [];
  };

  test('any one, so many, or all', () => {
    expect(routed(undefined)).toEqual([seat('security', ...security), seat('owner', owner, systemOwner)]);
    expect(routed({ security: 2 }).filter(({ role }) => role === 'security')).toHaveLength(2);
    expect(routed({ owner: 'all' }).slice(1)).toEqual([
      { ...seat('owner', owner), isOfAll: true },
      { ...seat('owner', systemOwner), isOfAll: true },
    ]);
  });

  test('more than there are: stand-ins fill up', () => {
    expect(routed({ security: 3 }).flatMap(({ approverIds }) => approverIds)).toContain(fallbackOwner);
  });

  test('changes the terms that decisions bind to; "any" and one are the same', () => {
    expect(requiredTerms(['security', 'owner'], undefined)).toEqual(['security', 'owner']);
    expect(requiredTerms(['security', 'owner'], { security: 1, owner: 'any' })).toEqual(['security', 'owner']);
    expect(requiredTerms(['manager', 'security', 'owner'], { security: 2, owner: 'all' })).toEqual([
      'manager',
      'security',
      'security',
      'owner:all',
    ]);
  });

  test('a manager who is not there gives way to the next of the line', () => {
    const { 'hr/mgr': _gone, ...others } = people;
    const next = { managerLine: ['hr/mgr', 'hr/sys', 'hr/own'], people: others, roles: ['manager'] };
    expect(routed(undefined, next)).toEqual([seat('manager', systemOwner)]);
    expect(routed(undefined, { ...next, managerLine: [] })).toEqual([seat('manager', fallbackOwner)]);
    expect(routed(undefined, { ...next, people })).toEqual([seat('manager', manager)]);
  });
});

describe('seats that wait', () => {
  test('one holder for each, and nobody for two', () => {
    expect(openHolders([seat('security', a, b), seat('security', a, b)], new Set([a]))).toEqual([
      { role: 'security', holderId: b },
    ]);
    expect(openHolders([seat('manager', a), seat('owner', b)], new Set())).toEqual([
      { role: 'manager', holderId: a },
      { role: 'owner', holderId: b },
    ]);
    expect(openHolders([seat('manager', a)], new Set([a]))).toEqual([]);
  });
});

describe('the clock of an approval', () => {
  const clock: ClockInput = {
    remindAtMs: 3_000,
    escalateAtMs: [7_000],
    expiresAtMs: 14_000,
    pausedAtMs: null,
    pausedBeforeMs: 0,
    pauseAtMostMs: 5_000,
  };

  test('stands while a question is open, for so long at most, and moves what is still to come', () => {
    const paused = { ...clock, pausedAtMs: 4_000 };
    expect(clockAt(paused, 6_000)).toEqual({
      isPaused: true,
      pausedMs: 2_000,
      resumesAtMs: 9_000,
      remindAtMs: 3_000,
      escalateAtMs: [9_000],
      expiresAtMs: 16_000,
    });
    expect(clockAt(paused, 9_000)).toMatchObject({ isPaused: false, resumesAtMs: null, expiresAtMs: 19_000 });
    expect(clockAt(paused, 99_000)).toMatchObject({ pausedMs: 5_000, expiresAtMs: 19_000 });
    expect(clockAt({ ...paused, pausedBeforeMs: 5_000 }, 6_000)).toMatchObject({
      isPaused: false,
      expiresAtMs: 14_000,
    });
  });

  test('never loses time: what is left is never more and never less than without the stop', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(14_000), (nowMs, pausedAtMs) => {
        const { expiresAtMs, pausedMs } = clockAt({ ...clock, pausedAtMs }, nowMs);
        expect(expiresAtMs).toBe(pausedAtMs < 14_000 ? 14_000 + pausedMs : 14_000);
        expect(pausedMs).toBeLessThanOrEqual(5_000);
      }),
    );
  });
});
