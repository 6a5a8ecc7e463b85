import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fillableSeats } from '../../src/domain/max-matching.ts';
import { routeItem } from '../../src/domain/route.ts';
import type { RouteInput } from '../../src/domain/route.ts';
import type { RequiredRole } from '../../src/schemas/item.ts';
import { beneficiary, fallbackOwner, manager, owner, personId, routeInput, security, systemOwner } from './support.ts';

function seatsOf(changes: Partial<RouteInput> & { roles: RequiredRole[] }): Record<string, string[]> {
  const { route } = routeItem(routeInput(changes));
  if (route.kind !== 'people') throw new Error('expected people');
  return Object.fromEntries(route.seats.map((seat) => [seat.role, seat.approverIds]));
}

describe('route', () => {
  test('no required role means that policy decides', () => {
    expect(routeItem(routeInput({ roles: [] })).route).toEqual({ kind: 'policy' });
  });

  test('each role is filled by those who have it; for security any member', () => {
    expect(seatsOf({ roles: ['manager', 'security', 'owner'] })).toEqual({
      manager: [manager],
      security: [...security],
      owner: [owner],
    });
  });

  test('without a manager, or with one whom Usher does not know, the fallback owner decides at once', () => {
    expect(seatsOf({ roles: ['manager'], managerRef: null })).toEqual({ manager: [fallbackOwner] });
    expect(seatsOf({ roles: ['manager'], managerRef: 'hr/nobody' })).toEqual({ manager: [fallbackOwner] });
    expect(seatsOf({ roles: ['manager'], managerRef: '__proto__' })).toEqual({ manager: [fallbackOwner] });
  });

  test.each(['beneficiaryId', 'requesterId'] as const)(
    'an owner who is the %s gives way to the fallback owner',
    (who) => {
      expect(seatsOf({ roles: ['owner'], [who]: owner })).toEqual({ owner: [fallbackOwner] });
    },
  );

  test('a member of security who is beneficiary, requester or the manager of the beneficiary gives way', () => {
    expect(seatsOf({ roles: ['security'], beneficiaryId: security[0] })).toEqual({ security: [security[1]] });
    expect(seatsOf({ roles: ['security'], requesterId: security[1] })).toEqual({ security: [security[0]] });
    expect(seatsOf({ roles: ['security'], managerRef: 'hr/sec1' })).toEqual({ security: [security[1]] });
    const onlyManager = { security: ['hr/mgr'], fallbackOwner: 'hr/fall' };
    expect(seatsOf({ roles: ['security'], routing: onlyManager })).toEqual({ security: [fallbackOwner] });
  });

  test('the manager of the beneficiary may decide as the owner', () => {
    expect(seatsOf({ roles: ['owner'], ownerRef: 'hr/mgr' })).toEqual({ owner: [manager] });
  });

  test('a fallback owner who may not decide gives way to security, then to another owner', () => {
    expect(seatsOf({ roles: ['manager'], managerRef: null, beneficiaryId: fallbackOwner })).toEqual({
      manager: [security[0]],
    });
    const unknown = { security: ['hr/nobody'], fallbackOwner: 'hr/nobody' };
    expect(seatsOf({ roles: ['manager'], managerRef: null, routing: unknown })).toEqual({ manager: [systemOwner] });
  });

  test('when one person would have to fill two seats, a stand-in may decide too', () => {
    const seats = seatsOf({ roles: ['manager', 'owner'], ownerRef: 'hr/mgr' });
    expect(seats).toEqual({ manager: [manager], owner: [manager, fallbackOwner] });
    const same = { security: ['hr/own'], fallbackOwner: 'hr/own' };
    expect(seatsOf({ roles: ['security', 'owner'], routing: same })).toEqual({
      security: [owner],
      owner: [owner, systemOwner],
    });
  });

  test('a stand-in who already has another seat to fill is not added in vain', () => {
    const routing = { security: ['hr/sec1'], fallbackOwner: 'hr/sec1' };
    expect(seatsOf({ roles: ['manager', 'security', 'owner'], ownerRef: 'hr/mgr', routing })).toEqual({
      manager: [manager],
      security: [security[0]],
      owner: [manager, systemOwner],
    });
  });

  test('with nobody to decide the item is refused, never approved and never left to the beneficiary', () => {
    expect(() => routeItem(routeInput({ roles: ['manager'], people: {} }))).toThrow(
      expect.objectContaining({ code: 'noApprover' }),
    );
    const alone = { 'hr/mgr': beneficiary, 'hr/fall': beneficiary };
    expect(() => routeItem(routeInput({ roles: ['manager'], people: alone }))).toThrow(
      expect.objectContaining({ code: 'noApprover' }),
    );
    const onlyTwo = { 'hr/mgr': manager, 'hr/own': owner };
    expect(() => routeItem(routeInput({ roles: ['manager', 'security', 'owner'], people: onlyTwo }))).toThrow(
      expect.objectContaining({ code: 'noApprover' }),
    );
  });

  test('whoever is who, seats hold nobody who is barred and can all be filled by distinct people', () => {
    const someone = fc.integer({ min: 1, max: 5 });
    const refs = ['hr/mgr', 'hr/own', 'hr/sec1', 'hr/sec2', 'hr/fall', 'hr/sys'] as const;
    const directory = fc.record(Object.fromEntries(refs.map((ref) => [ref, someone])), { requiredKeys: [] });
    const roles = fc.subarray<RequiredRole>(['manager', 'security', 'owner'], { minLength: 1 });
    fc.assert(
      fc.property(directory, roles, fc.option(someone), (numbers, wanted, requester) => {
        const known = Object.fromEntries(
          Object.entries(numbers).map(([ref, number]) => [ref, personId(Number(number))]),
        );
        const requesterId = requester === null ? null : personId(requester);
        const barred = [beneficiary, requesterId];
        const isFree = (id: string): boolean => !barred.some((other) => other === id);
        const all = [...new Set(Object.values(known))].filter(isFree);
        const bossId = known['hr/mgr'];
        const reachable = (role: RequiredRole): string[] => {
          const ids = [
            'hr/fall',
            'hr/sec1',
            'hr/sec2',
            'hr/sys',
            ...(role === 'security' ? [] : [role === 'manager' ? 'hr/mgr' : 'hr/own']),
          ]
            .map((ref) => known[ref])
            .filter((id) => id !== undefined && all.includes(id));
          return ids.filter((id) => id !== undefined && !(role === 'security' && id === bossId)) as string[];
        };
        const isPossible = fillableSeats(wanted.map(reachable)) === wanted.length;
        const run = (): ReturnType<typeof routeItem> =>
          routeItem(routeInput({ roles: wanted, people: known, requesterId }));
        if (!isPossible) {
          expect(run).toThrow(expect.objectContaining({ code: 'noApprover' }));
          return;
        }
        const { route } = run();
        if (route.kind !== 'people') throw new Error('expected people');
        expect(route.seats.map((seat) => seat.role)).toEqual(wanted);
        expect(fillableSeats(route.seats.map((seat) => seat.approverIds))).toBe(wanted.length);
        for (const seat of route.seats) {
          expect(seat.approverIds.length).toBeGreaterThan(0);
          for (const id of seat.approverIds) {
            expect(barred).not.toContain(id);
            if (seat.role === 'security') expect(id).not.toBe(bossId);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
