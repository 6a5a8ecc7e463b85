/** Why somebody may hold an entitlement, or why not, as the API takes and tells it. */
import { z } from 'zod';
import { InstantOrNull } from './api-common.ts';
import { Verdict } from './decision.ts';
import { EntitlementId, Instant } from './ids.ts';
import { ItemBasis, RequiredRole } from './item.ts';

export const AccessQuery = z.strictObject({
  entitlement: EntitlementId,
  asOf: z
    .union([z.iso.date(), Instant], 'expected a date such as 2026-01-31, or an instant in UTC')
    .optional()
    .meta({ description: 'A day that is over, until its end where the person works, or an instant; by default now.' }),
});

/** Where the rule stands in the files of the policy; null where the files were not kept or no rule decides. */
const Place = z.looseObject({ file: z.string(), line: z.int() }).nullable();
const told = { text: z.string().meta({ description: 'The same in words.' }), place: Place };
const Votes = z.array(
  z.looseObject({ decisionId: z.string(), approverId: z.string(), verdict: Verdict, decidedAt: Instant }),
);
const FailedClause = z.looseObject({
  clause: z.string(),
  conditions: z.array(
    z.looseObject({
      attribute: z.string(),
      actual: z.string().nullable(),
      expected: z.string(),
      truth: z.boolean().nullable().meta({ description: 'Null: cannot be told.' }),
    }),
  ),
});

const approvalId = z.string();
const profileId = z.string();

export const AccessReason = z
  .discriminatedUnion('kind', [
    z.looseObject({
      kind: z.literal('rule'),
      profileId,
      isChosen: z.boolean().meta({ description: 'A person chose the profile.' }),
      expiresAt: InstantOrNull,
      ...told,
    }),
    z.looseObject({
      kind: z.literal('decision'),
      approvalIds: z.array(approvalId),
      profileId: profileId.nullable(),
      votes: Votes,
      expiresAt: InstantOrNull,
      ...told,
    }),
    z.looseObject({ kind: z.literal('found'), ...told }),
  ])
  .meta({ id: 'AccessReason' });

export const AccessObstacle = z
  .discriminatedUnion('kind', [
    z.looseObject({
      kind: z.literal('outside'),
      phase: z.enum(['before', 'after', 'terminated', 'departed']),
      at: InstantOrNull,
      ...told,
    }),
    z.looseObject({
      kind: z.literal('filter'),
      profileId,
      distance: z.int().meta({ description: 'So many conditions would have to change at least.' }),
      conditionCount: z.int(),
      failed: z.array(FailedClause),
      ...told,
    }),
    z.looseObject({
      kind: z.literal('needsPeople'),
      profileId,
      roles: z.array(RequiredRole),
      reasons: z.array(z.string()),
      ...told,
    }),
    z.looseObject({ kind: z.literal('conflict'), profileId, ...told }),
    z.looseObject({ kind: z.literal('denied'), approvalId, votes: Votes, ...told }),
    z.looseObject({
      kind: z.literal('waiting'),
      approvalId,
      seats: z.array(z.looseObject({ role: RequiredRole, approverIds: z.array(z.string()) })),
      until: Instant,
      ...told,
    }),
    z.looseObject({ kind: z.literal('unanswered'), approvalId, at: Instant, ...told }),
    z.looseObject({ kind: z.literal('cancelled'), approvalId, at: InstantOrNull, ...told }),
    z.looseObject({ kind: z.literal('lapsed'), approvalId, approvedAt: Instant, lapsedAt: Instant, ...told }),
    z.looseObject({ kind: z.literal('ended'), at: Instant, ...told }),
    z.looseObject({ kind: z.literal('redefined'), approvalId, ...told }),
    z.looseObject({ kind: z.literal('profileGone'), approvalId, profileId, ...told }),
    z.looseObject({ kind: z.literal('nobodyAsked'), ...told }),
  ])
  .meta({ id: 'AccessObstacle' });

export const ExplainedAccess = z
  .looseObject({
    personId: z.string(),
    entitlementId: z.string(),
    at: Instant,
    policyHash: z.string().meta({ description: 'The version that was active then.' }),
    policyActivatedAt: Instant,
    snapshotId: z.string(),
    factsObservedAt: Instant,
    isJustified: z.boolean(),
    held: z
      .looseObject({
        since: Instant,
        verifiedAt: InstantOrNull,
        basis: ItemBasis.extract(['policy', 'decision']).or(z.literal('found')),
        revokedAt: InstantOrNull,
      })
      .nullable()
      .meta({ description: "By Usher's records; null: not granted by Usher." }),
    place: Place,
    reasons: z.array(AccessReason),
    obstacles: z.array(AccessObstacle).meta({ description: 'The weightiest first; empty when it is justified.' }),
  })
  .meta({ id: 'ExplainedAccess' });
export type ExplainedAccess = z.infer<typeof ExplainedAccess>;
