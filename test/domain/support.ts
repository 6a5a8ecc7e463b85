/** Builders for the tests of rules and policy: a small policy, a person's facts, and the people who decide. */
import type { RouteInput } from '../../src/domain/route.ts';
import { sha256Hex } from '../../src/policy/hash.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { PolicyIndex } from '../../src/domain/policy-index.ts';
import type { PlanJoinerInput } from '../../src/domain/plan-joiner.ts';
import type { PeopleByRef } from '../../src/domain/route.ts';
import type { Decision, Verdict } from '../../src/schemas/decision.ts';
import type { AccessWindow, PersonFacts } from '../../src/schemas/facts.ts';
import { ApprovalId, DecisionId, PersonId } from '../../src/schemas/ids.ts';
import type { ItemDigest } from '../../src/schemas/ids.ts';
import type { Seat } from '../../src/schemas/item.ts';
import { EntitlementPolicy, Policy } from '../../src/schemas/policy.ts';
import type { z } from 'zod';

/** A person id that differs for each number. */
export function personId(number: number): PersonId {
  return PersonId.parse(`00000000-0000-7000-8000-${String(number).padStart(12, '0')}`);
}

export const beneficiary = personId(1);
export const manager = personId(2);
export const owner = personId(3);
export const security = [personId(4), personId(5)] as const;
export const fallbackOwner = personId(6);
export const systemOwner = personId(7);

export const people: PeopleByRef = {
  'hr/ben': beneficiary,
  'hr/mgr': manager,
  'hr/own': owner,
  'hr/sec1': security[0],
  'hr/sec2': security[1],
  'hr/fall': fallbackOwner,
  'hr/sys': systemOwner,
};

export function facts(changes: Partial<PersonFacts> = {}): PersonFacts {
  return {
    sourceKey: 'ben',
    givenName: 'Ben',
    familyName: 'Adler',
    displayName: 'Ben Adler',
    workEmail: 'ben@example.com',
    title: 'Engineer',
    department: 'Engineering',
    division: null,
    location: 'Berlin',
    employmentType: 'employee',
    managerKey: 'mgr',
    startDate: '2026-03-02',
    endDate: null,
    isTerminated: false,
    ...changes,
  };
}

export function window(changes: Partial<AccessWindow> = {}): AccessWindow {
  return {
    zone: 'Europe/Berlin',
    from: '2026-03-01T15:00:00Z',
    startsAt: '2026-03-01T23:00:00Z',
    until: null,
    ...changes,
  };
}

export function entitlement(changes: Partial<z.input<typeof EntitlementPolicy>> = {}): EntitlementPolicy {
  return EntitlementPolicy.parse({
    id: 'app/base',
    system: 'app',
    vendorId: 'g-base',
    owner: 'hr/own',
    riskPoints: 1,
    dataClass: 'internal',
    description: 'Base access',
    ...changes,
  });
}

const plainPolicy: z.input<typeof Policy> = {
  systems: [
    { id: 'hr', connector: 'hris', displayName: 'HR', owner: 'hr/sys' },
    { id: 'idp', connector: 'target', displayName: 'Directory', owner: 'hr/sys', isIdentityProvider: true },
    { id: 'app', connector: 'target', displayName: 'App', owner: 'hr/sys' },
  ],
  entitlements: [],
  profiles: [],
  separationOfDuties: [],
  attributes: [
    { name: 'department', useFor: 'mapping' },
    { name: 'title', useFor: 'mapping' },
    { name: 'employmentType', useFor: 'mapping' },
  ],
  routing: { security: ['hr/sec1', 'hr/sec2'], fallbackOwner: 'hr/fall' },
  lifecycle: { zones: { default: 'Europe/Berlin' } },
};

/** A policy with the given parts in place of the plain ones. */
export function policyWith(changes: Partial<z.input<typeof Policy>> = {}): PolicyIndex {
  return compilePolicy(Policy.parse({ ...plainPolicy, ...changes })).index;
}

/** One profile that matches everybody in Engineering and grants one entitlement. */
export function policyGranting(
  changes: Partial<z.input<typeof EntitlementPolicy>> = {},
  profile: { confidence?: number } = {},
): PolicyIndex {
  const granted = entitlement(changes);
  return policyWith({
    entitlements: [{ ...entitlementInput, ...changes }],
    profiles: [
      {
        id: 'engineer',
        description: 'Engineers',
        when: 'department eq "engineering"',
        grants: [granted.id],
        ...profile,
      },
    ],
  });
}

const entitlementInput: z.input<typeof EntitlementPolicy> = {
  id: 'app/base',
  system: 'app',
  vendorId: 'g-base',
  owner: 'hr/own',
  riskPoints: 1,
  dataClass: 'internal',
  description: 'Base access',
};

export function joinerInput(index: PolicyIndex, changes: Partial<PlanJoinerInput> = {}): PlanJoinerInput {
  return {
    personId: beneficiary,
    spellN: 1,
    source: 'hr',
    facts: facts(),
    index,
    held: [],
    people,
    chosenProfileIds: null,
    at: '2026-03-01T15:00:00Z',
    sha256Hex,
    ...changes,
  };
}

/** A decision of one approver about some items. */
export function decision(
  approverId: PersonId,
  digests: readonly ItemDigest[],
  verdict: Verdict = 'approve',
  decidedAt = '2026-03-02T09:00:00Z',
): Decision {
  const suffix = sha256Hex(`${approverId} ${verdict} ${decidedAt}`).slice(0, 12);
  return {
    decisionId: DecisionId.parse(`00000000-0000-7000-8000-${suffix}`),
    approvalId: ApprovalId.parse(`approval_${beneficiary}_1_1`),
    personId: beneficiary,
    approverId,
    surface: 'api',
    verdicts: digests.map((itemDigest) => ({ itemDigest, verdict })),
    reason: '',
    decidedAt,
  };
}

export function seat(role: Seat['role'], ...approverIds: PersonId[]): Seat {
  return { role, approverIds };
}

/** A question about the beneficiary, with everybody in the place that policy names. */
export function routeInput(changes: Partial<RouteInput> & { roles: RouteInput['roles'] }): RouteInput {
  return {
    beneficiaryId: beneficiary,
    requesterId: null,
    managerRef: 'hr/mgr',
    nextManagerRef: null,
    ownerRef: 'hr/own',
    routing: { security: ['hr/sec1', 'hr/sec2'], fallbackOwner: 'hr/fall' },
    lastResortRefs: ['hr/sys'],
    people,
    ...changes,
  };
}
