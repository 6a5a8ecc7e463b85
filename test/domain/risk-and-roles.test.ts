import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requiredRoles } from '../../src/domain/required-roles.ts';
import type { RolesInput } from '../../src/domain/required-roles.ts';
import { scoreRisk } from '../../src/domain/risk.ts';
import type { RiskInput } from '../../src/domain/risk.ts';

const adjustments = { contractor: 1, noExactProfile: 2, exceptionToProfile: 1 };
const noExtras = { isContractor: false, hasNoExactProfile: false, isExceptionToProfile: false, adjustments };

function rolesOf(changes: Partial<RolesInput>): string {
  return requiredRoles({
    risk: 0,
    confidence: 1,
    privileged: false,
    productionAdmin: false,
    dataClass: 'internal',
    isContractor: false,
    needsPerson: false,
    breaksSeparation: false,
    routing: { autoApproveBelowRisk: 3, escalateAboveRisk: 6, autoApproveAboveConfidence: 0.85 },
    ...changes,
  }).roles.join('+');
}

describe('risk', () => {
  test('is the points plus the adjustments that apply, and says each step', () => {
    const score = scoreRisk({ ...noExtras, riskPoints: 2.5, isContractor: true, hasNoExactProfile: true });
    expect(score.risk).toBe(5.5);
    expect(score.reasons).toEqual([
      '2.5: risk points of the entitlement',
      '+1: the person is a contractor',
      '+2: no profile matches exactly',
      'risk 5.5',
    ]);
  });

  test.each([
    ['isContractor', 1],
    ['hasNoExactProfile', 2],
    ['isExceptionToProfile', 1],
  ] as const)('%s alone adds its own adjustment', (flag, points) => {
    expect(scoreRisk({ ...noExtras, riskPoints: 2, [flag]: true }).risk).toBe(2 + points);
  });

  test('is held to 0 and 10 and says so', () => {
    expect(scoreRisk({ ...noExtras, riskPoints: 9.5, hasNoExactProfile: true })).toEqual({
      risk: 10,
      reasons: expect.arrayContaining(['11.5 is held to the range from 0 to 10', 'risk 10']),
    });
    const lower: RiskInput = {
      ...noExtras,
      riskPoints: 1,
      isContractor: true,
      adjustments: { ...adjustments, contractor: -4 },
    };
    expect(scoreRisk(lower).risk).toBe(0);
    expect(scoreRisk(lower).reasons).toContain('-4: the person is a contractor');
  });

  test('the noise of binary fractions never crosses a border', () => {
    const fractions = { contractor: 0.4, noExactProfile: 0.7, exceptionToProfile: 0.9 };
    const all = { isContractor: true, hasNoExactProfile: true, isExceptionToProfile: true, adjustments: fractions };
    expect(1 + 0.4 + 0.7 + 0.9).toBeLessThan(3);
    expect(scoreRisk({ riskPoints: 1, ...all }).risk).toBe(3);
    expect(4 + 0.4 + 0.7 + 0.9).toBeGreaterThan(6);
    expect(scoreRisk({ riskPoints: 4, ...all }).risk).toBe(6);
  });

  test('stays in its range and never falls when points rise', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.boolean(),
        (a, b, isContractor) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map(
            (riskPoints) => scoreRisk({ ...noExtras, riskPoints, isContractor }).risk,
          ) as [number, number];
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(10);
          expect(low).toBeLessThanOrEqual(high);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('required roles', () => {
  test.each([
    [{ risk: 0 }, ''],
    [{ risk: 2.999 }, ''],
    [{ risk: 3 }, 'manager'],
    [{ risk: 6 }, 'manager'],
    [{ risk: 6.001 }, 'security+owner'],
    [{ risk: 10 }, 'security+owner'],
    [{ confidence: 0.85 }, 'manager'],
    [{ confidence: 0.8501 }, ''],
    [{ confidence: 0 }, 'manager'],
    [{ privileged: true }, 'security+owner'],
    [{ dataClass: 'none' }, ''],
    [{ dataClass: 'financial' }, 'manager'],
    [{ dataClass: 'customerPersonal' }, 'manager'],
    [{ productionAdmin: true }, 'manager'],
    [{ productionAdmin: true, risk: 7 }, 'security+owner'],
    [{ dataClass: 'financial', privileged: true }, 'security+owner'],
    [{ isContractor: true }, 'manager'],
    [{ isContractor: true, risk: 6.001 }, 'manager+security+owner'],
    [{ isContractor: true, privileged: true }, 'manager+security+owner'],
    [{ needsPerson: true }, 'manager'],
    [{ needsPerson: true, risk: 8 }, 'manager+security+owner'],
  ] satisfies [Partial<RolesInput>, string][])('%j needs the yes of %p', (changes, expected) => {
    expect(rolesOf(changes)).toBe(expected);
  });

  test('every route says why', () => {
    const routing = { autoApproveBelowRisk: 3, escalateAboveRisk: 6, autoApproveAboveConfidence: 0.85 };
    const low = {
      risk: 1,
      confidence: 1,
      privileged: false,
      productionAdmin: false,
      isContractor: false,
      needsPerson: false,
      breaksSeparation: false,
    };
    expect(requiredRoles({ ...low, dataClass: 'none', routing }).reasons).toEqual([
      'policy approves: risk below 3 and confidence above 0.85',
    ]);
    expect(requiredRoles({ ...low, dataClass: 'financial', isContractor: true, routing }).reasons).toEqual([
      'manager: the person is a contractor',
      'manager: financial data is never automatic',
    ]);
  });

  test('nothing sensitive, risky, unsure or for a contractor is ever approved by policy, whatever the borders', () => {
    const input = fc.record({
      risk: fc.oneof(fc.constantFrom(2.999, 3, 6, 6.001), fc.double({ min: 0, max: 10, noNaN: true })),
      confidence: fc.oneof(fc.constantFrom(0.85, 0.8501), fc.double({ min: 0, max: 1, noNaN: true })),
      privileged: fc.boolean(),
      productionAdmin: fc.boolean(),
      dataClass: fc.constantFrom(
        'none' as const,
        'internal' as const,
        'financial' as const,
        'customerPersonal' as const,
      ),
      isContractor: fc.boolean(),
      needsPerson: fc.boolean(),
      breaksSeparation: fc.boolean(),
      routing: fc.record({
        autoApproveBelowRisk: fc.double({ min: 0, max: 10, noNaN: true }),
        escalateAboveRisk: fc.double({ min: 0, max: 10, noNaN: true }),
        autoApproveAboveConfidence: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    });
    fc.assert(
      fc.property(input, (drawn) => {
        const roles = requiredRoles(drawn).roles;
        const { routing } = drawn;
        const mustAsk =
          drawn.privileged ||
          drawn.productionAdmin ||
          drawn.isContractor ||
          drawn.needsPerson ||
          drawn.breaksSeparation ||
          ['financial', 'customerPersonal'].includes(drawn.dataClass) ||
          drawn.risk >= routing.autoApproveBelowRisk ||
          drawn.risk > routing.escalateAboveRisk ||
          drawn.confidence <= routing.autoApproveAboveConfidence;
        expect(roles.length > 0).toBe(mustAsk);
        if (drawn.isContractor) expect(roles).toContain('manager');
        if (drawn.breaksSeparation) expect(roles).toContain('security');
        if (drawn.privileged || drawn.risk > routing.escalateAboveRisk) {
          expect(roles).toEqual(expect.arrayContaining(['security', 'owner']));
        }
      }),
      { numRuns: 500 },
    );
  });
});
