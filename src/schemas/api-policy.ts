/** Policy versions and duties that are to be kept apart, as the API takes and tells them. */
import { z } from 'zod';
import { EntitlementId, Instant } from './ids.ts';

export const Conflicts = z.looseObject({
  conflicts: z.array(
    z
      .looseObject({
        ruleId: z.string(),
        description: z.string(),
        personId: z.string(),
        person: z.string(),
        entitlementIds: z.array(EntitlementId),
        allowedUntil: Instant.nullable().meta({ description: 'Null: nobody allowed it.' }),
        compensatingControl: z.string(),
      })
      .meta({ id: 'SeparationConflict' }),
  ),
});
export type Conflicts = z.infer<typeof Conflicts>;

/** Who stands behind a version. */
const Author = z.looseObject({
  personId: z.string().nullable().meta({ description: 'Null for the first version of an installation.' }),
  name: z.string(),
});

export const PolicyChange = z
  .looseObject({
    kind: z.enum(['added', 'removed', 'changed']),
    section: z.string(),
    id: z.string().meta({ description: 'Empty for routing and lifecycle.' }),
    fields: z.array(z.string()).meta({ description: 'For `changed`: what differs.' }),
  })
  .meta({ id: 'PolicyChange' });
export type PolicyChange = z.infer<typeof PolicyChange>;

const step = {
  proposalId: z.string(),
  policyHash: z.string(),
  baseHash: z.string().nullable().meta({ description: 'The version that was active; null before the first one.' }),
  diffHash: z.string().meta({ description: 'Names the step from the one to the other.' }),
  changes: z.array(PolicyChange),
};

export const ProposedPolicy = z.looseObject(step).meta({ id: 'ProposedPolicy' });
export const ApprovedPolicy = z.looseObject({
  policyHash: z.string(),
  proposedBy: z.string().meta({ description: 'The id of the person.' }),
});

export const ProposalList = z.looseObject({
  approvalsNeeded: z.int().meta({ description: 'So many people stand behind a version here.' }),
  proposals: z.array(
    z
      .looseObject({
        ...step,
        sourceHash: z.string(),
        state: z.enum(['open', 'activated', 'replaced']),
        proposedAt: Instant,
        proposedBy: Author,
      })
      .meta({ id: 'PolicyProposal' }),
  ),
});

export const PolicyVersionList = z.looseObject({
  versions: z.array(
    z
      .looseObject({
        activationId: z.string(),
        policyHash: z.string(),
        sourceHash: z.string().nullable().meta({ description: 'Null where the files were not kept.' }),
        mode: z.enum(['bootstrap', 'onePerson', 'twoPeople']),
        activatedAt: Instant,
        proposedBy: Author,
        approvedBy: Author.nullable(),
      })
      .meta({ id: 'PolicyVersion' }),
  ),
});
