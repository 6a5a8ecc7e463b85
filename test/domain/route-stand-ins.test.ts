/** Who stands in for whom, and that the route says so: what an approver and an auditor read as the reason. */
import { describe, expect, test } from '@jest/globals';
import { routeItem, type RouteInput } from '../../src/domain/route.ts';
import { fallbackOwner, manager, owner, people, routeInput, security } from './support.ts';

function routed(changes: Partial<RouteInput>): { seats: string[][]; reasons: string[] } {
  const { route, reasons } = routeItem(routeInput({ roles: ['manager'], lastResortRefs: [], ...changes }));
  return { seats: route.kind === 'people' ? route.seats.map((seat) => seat.approverIds) : [], reasons };
}

/** Nobody but these can be found. */
const only = (...refs: string[]): RouteInput['people'] =>
  Object.fromEntries(Object.entries(people).filter(([ref]) => refs.includes(ref)));

describe('the reasons of a route', () => {
  test('are none where everybody decides in their own role', () => {
    expect(routed({ roles: ['manager', 'security', 'owner'] })).toEqual({
      seats: [[manager], [...security], [owner]],
      reasons: [],
    });
  });

  test('name the role whose people may not decide', () => {
    expect(routed({ managerRef: null })).toEqual({
      seats: [[fallbackOwner]],
      reasons: ['manager: nobody with this role may decide, a stand-in does'],
    });
    expect(routed({ roles: ['owner'], ownerRef: null })).toEqual({
      seats: [[fallbackOwner]],
      reasons: ['owner: nobody with this role may decide, a stand-in does'],
    });
  });

  test('tell that one person fills one seat: a stand-in joins the last, and nobody sits twice', () => {
    expect(routed({ roles: ['manager', 'owner'], ownerRef: 'hr/mgr' })).toEqual({
      seats: [[manager], [manager, fallbackOwner]],
      reasons: ['owner: one person fills one seat, a stand-in may decide too'],
    });
    const fallbackSitsThere = { roles: ['manager', 'owner'], managerRef: 'hr/fall', ownerRef: 'hr/fall' } as const;
    expect(routed(fallbackSitsThere).seats).toEqual([[fallbackOwner], [fallbackOwner, security[0]]]);
  });

  test('a stand-in for security is never the manager of the beneficiary; without a manager anybody of them may be', () => {
    const routing = { security: ['hr/nobody'], fallbackOwner: 'hr/mgr' };
    expect(routed({ roles: ['security'], routing, lastResortRefs: ['hr/own'] }).seats).toEqual([[owner]]);
    expect(routed({ roles: ['security'], routing, managerRef: null }).seats).toEqual([[manager]]);
  });
});

describe('a route that cannot be filled', () => {
  test('is refused by the role that lacks somebody', () => {
    expect(() => routed({ people: only('hr/ben') })).toThrow(
      expect.objectContaining({
        code: 'noApprover',
        message: expect.stringContaining('too few people whom Usher knows may decide as manager'),
      }),
    );
  });

  test('is refused by all its roles where one person would have to sit on two seats', () => {
    expect(() => routed({ roles: ['manager', 'owner'], ownerRef: 'hr/mgr', people: only('hr/ben', 'hr/mgr') })).toThrow(
      expect.objectContaining({ code: 'noApprover', message: expect.stringContaining('as manager, owner') }),
    );
  });
});
