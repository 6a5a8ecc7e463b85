/** What a policy would do, as the API takes and tells it: the difference between two versions, and invented events. */
import { z } from 'zod';
import { InstantOrNull } from './api-common.ts';
import { Instant } from './ids.ts';
import { ItemAction, RequiredRole } from './item.ts';
import { PolicyChoice, SimulatedEvent } from './policy-trial.ts';

export const DiffBody = z.strictObject({ from: PolicyChoice, to: PolicyChoice });

const Right = z
  .looseObject({
    state: z.enum(['justified', 'asked']),
    roles: z.array(RequiredRole).meta({ description: 'Empty where policy approves.' }),
    approverIds: z.array(z.string()),
  })
  .meta({ id: 'PolicyRight' });

export const PolicyDiff = z
  .looseObject({
    from: z.string(),
    to: z.string(),
    peopleCount: z.int(),
    changedPeopleCount: z.int(),
    counts: z.looseObject({ gains: z.int(), loses: z.int(), routeChanges: z.int() }),
    changes: z.array(
      z.looseObject({
        kind: z.enum(['gains', 'loses', 'routeChanges']),
        personId: z.string(),
        person: z.string(),
        entitlementId: z.string(),
        before: Right.nullable(),
        after: Right.nullable(),
        isHeld: z.boolean().meta({ description: 'Held in the system today.' }),
      }),
    ),
    unplannable: z
      .array(z.looseObject({ personId: z.string(), person: z.string(), reason: z.string() }))
      .meta({ description: 'People for whom one of the two knows too few who may decide.' }),
  })
  .meta({ id: 'PolicyDiff' });
export type PolicyDiff = z.infer<typeof PolicyDiff>;

export const SimulateBody = z.strictObject({
  policy: PolicyChoice.default({ kind: 'active' }),
  event: SimulatedEvent,
});

export const SimulatedPlan = z
  .looseObject({
    event: z.enum(['joiner', 'mover', 'leaver']),
    person: z.string().meta({ description: 'A name; `(invented)` for somebody who does not exist.' }),
    policyHash: z.string(),
    at: Instant,
    profiles: z.array(z.string()),
    items: z.array(
      z.looseObject({
        action: ItemAction,
        systemId: z.string(),
        entitlementId: z.string().nullable(),
        profileId: z.string().nullable(),
        label: z.string(),
        risk: z.number(),
        confidence: z.number(),
        reasons: z.array(z.string()),
        conflicts: z.array(z.string()),
        expiresAt: InstantOrNull,
        deciders: z
          .array(z.looseObject({ role: RequiredRole, approvers: z.array(z.string()) }))
          .meta({ description: 'Names; empty where policy approves.' }),
        outcome: z.enum(['open', 'approved', 'denied']),
        isHeld: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'SimulatedPlan' });
export type SimulatedPlan = z.infer<typeof SimulatedPlan>;
