/** The risk score of one grant, with each of its steps in words. */
import type { RoutingPolicy } from '../schemas/policy.ts';

export interface RiskInput {
  riskPoints: number;
  isContractor: boolean;
  /** No rule says exactly that the person should have it. */
  hasNoExactProfile: boolean;
  /** Asked for beyond what the profiles give. */
  isExceptionToProfile: boolean;
  adjustments: RoutingPolicy['riskAdjustments'];
}

export interface RiskScore {
  risk: number;
  reasons: string[];
}

/** `risk = clamp(0, 10, riskPoints + Σ adjustments)`, fractions allowed (architecture, section 4: Routing defaults). */
export function scoreRisk(input: RiskInput): RiskScore {
  const steps: [number, string][] = [[input.riskPoints, 'risk points of the entitlement']];
  if (input.isContractor) steps.push([input.adjustments.contractor, 'the person is a contractor']);
  if (input.hasNoExactProfile) steps.push([input.adjustments.noExactProfile, 'no profile matches exactly']);
  if (input.isExceptionToProfile) steps.push([input.adjustments.exceptionToProfile, 'it goes beyond the profiles']);
  const sum = tidy(steps.reduce((total, [points]) => total + points, 0));
  const risk = Math.min(10, Math.max(0, sum));
  const reasons = steps.map(([points, why], step) => `${step === 0 ? String(points) : signed(points)}: ${why}`);
  if (risk !== sum) reasons.push(`${String(sum)} is held to the range from 0 to 10`);
  reasons.push(`risk ${String(risk)}`);
  return { risk, reasons };
}

/** 0.1 + 0.7 + 2.2 must be 3: the noise of binary fractions may not cross the border of a route. */
function tidy(points: number): number {
  return Math.round(points * 1e9) / 1e9;
}

function signed(points: number): string {
  return points < 0 ? String(points) : `+${String(points)}`;
}
