/** Examples that a policy has to fulfil, as people write them: who somebody is, and what the policy should give them. */
import { z } from 'zod';
import { EmploymentType } from './facts.ts';
import { EntitlementId } from './ids.ts';
import { RequiredRole } from './item.ts';

const Text = z.string().min(1).max(500);

/** What is left out is absent; `employmentType` is `employee` unless said otherwise. */
export const ExamplePerson = z.strictObject({
  title: Text.optional(),
  department: Text.optional(),
  division: Text.optional(),
  location: Text.optional(),
  employmentType: EmploymentType.default('employee'),
  managerKey: Text.optional(),
  startDate: z.iso.date().optional(),
  workEmail: Text.optional(),
});
export type ExamplePerson = z.infer<typeof ExamplePerson>;

/** `policy`, or the roles that have to agree, in any order. */
export const ExpectedRoute = z.union(
  [z.literal('policy'), z.array(RequiredRole).min(1)],
  'expected policy, or a list of manager, security, owner',
);
export type ExpectedRoute = z.infer<typeof ExpectedRoute>;

export const ExpectedRight = z.strictObject({
  route: ExpectedRoute.optional(),
  risk: z.number().min(0).max(10).optional(),
  /** The profiles that grant it exclude each other. */
  isConflict: z.boolean().optional(),
});

export const PolicyExample = z.strictObject({
  name: z.string().min(1).max(200),
  person: ExamplePerson,
  /** All matching profiles, in any order. */
  profiles: z.array(z.string()).optional(),
  /** All entitlements, and what is expected of each. */
  entitlements: z.record(EntitlementId, ExpectedRight.nullable()).optional(),
  /** Entitlements that must not come by birthright. */
  never: z.array(EntitlementId).optional(),
});
export type PolicyExample = z.infer<typeof PolicyExample>;

export const PolicyExamples = z.strictObject({ examples: z.array(PolicyExample).min(1) });
export type PolicyExamples = z.infer<typeof PolicyExamples>;
