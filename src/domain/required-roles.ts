/** Whose yes one item needs, by role: the routing defaults of the architecture, section 4. People come later, in route.ts. */
import type { RequiredRole } from '../schemas/item.ts';
import type { EntitlementPolicy, RoutingPolicy } from '../schemas/policy.ts';

export interface RolesInput {
  risk: number;
  confidence: number;
  privileged: boolean;
  productionAdmin: boolean;
  dataClass: EntitlementPolicy['dataClass'];
  isContractor: boolean;
  /** Profiles exclude each other, or there is something to choose: a person decides, whatever the risk. */
  needsPerson: boolean;
  /** Duties that are to be kept apart would come into one hand: security decides, whatever the risk. */
  breaksSeparation: boolean;
  routing: Pick<RoutingPolicy, 'autoApproveBelowRisk' | 'escalateAboveRisk' | 'autoApproveAboveConfidence'>;
}

export interface RequiredRoles {
  /** Empty: policy approves. In the order manager, security, owner. */
  roles: RequiredRole[];
  reasons: string[];
}

/**
 * Below the automatic risk **and** above the confidence policy approves; up to the escalation risk, inclusive, the
 * manager; above it or privileged security **and** the owner. Financial data, customers' personal data and production
 * administration are never automatic: the manager, unless the risk asks for more already. For a contractor the manager
 * decides always, beside the others.
 */
export function requiredRoles(input: RolesInput): RequiredRoles {
  const roles = new Set<RequiredRole>();
  const reasons: string[] = [];
  for (const rule of [...strongRules(input), ...managerRules(input)]) {
    if (!rule.applies) continue;
    for (const role of rule.roles) roles.add(role);
    reasons.push(rule.reason);
  }
  // "At least the manager": security and owner together are more than that, so the rules of the manager alone come second.
  if (!roles.has('owner')) {
    for (const rule of leastRules(input)) {
      if (!rule.applies) continue;
      roles.add('manager');
      reasons.push(rule.reason);
    }
  }
  if (roles.size === 0) {
    const { autoApproveBelowRisk, autoApproveAboveConfidence } = input.routing;
    reasons.push(
      `policy approves: risk below ${String(autoApproveBelowRisk)} and confidence above ${String(autoApproveAboveConfidence)}`,
    );
  }
  const order: RequiredRole[] = ['manager', 'security', 'owner'];
  return { roles: order.filter((role) => roles.has(role)), reasons };
}

interface RoleRule {
  applies: boolean;
  roles: RequiredRole[];
  reason: string;
}

function strongRules({ risk, privileged, breaksSeparation, routing }: RolesInput): RoleRule[] {
  const roles: RequiredRole[] = ['security', 'owner'];
  return [
    {
      applies: risk > routing.escalateAboveRisk,
      roles,
      reason: `security and owner: risk above ${String(routing.escalateAboveRisk)}`,
    },
    { applies: privileged, roles, reason: 'security and owner: privileged' },
    { applies: breaksSeparation, roles: ['security'], reason: 'security: duties that are to be kept apart' },
  ];
}

function managerRules({ isContractor, needsPerson }: RolesInput): RoleRule[] {
  return [
    { applies: isContractor, roles: ['manager'], reason: 'manager: the person is a contractor' },
    { applies: needsPerson, roles: ['manager'], reason: 'manager: a person has to choose' },
  ];
}

function leastRules(input: RolesInput): Omit<RoleRule, 'roles'>[] {
  const { risk, confidence, productionAdmin, dataClass, routing } = input;
  return [
    {
      applies: risk >= routing.autoApproveBelowRisk,
      reason: `manager: risk from ${String(routing.autoApproveBelowRisk)} to ${String(routing.escalateAboveRisk)}`,
    },
    { applies: dataClass === 'financial', reason: 'manager: financial data is never automatic' },
    { applies: dataClass === 'customerPersonal', reason: "manager: customers' personal data is never automatic" },
    { applies: productionAdmin, reason: 'manager: production administration is never automatic' },
    {
      applies: !(confidence > routing.autoApproveAboveConfidence),
      reason: `manager: confidence not above ${String(routing.autoApproveAboveConfidence)}`,
    },
  ];
}
