/** The record `planned` as the recomputation reads it back: what was decided, and everything that it was decided from. */
import { z } from 'zod';
import { CaseKind } from './case.ts';
import { DecisionId, Instant, PersonId, ProposalId, Sha256Hex, SnapshotId } from './ids.ts';
import { Item } from './item.ts';

/** Public part. Names nobody: it outlives erasure. */
export const PlannedBody = z.object({
  proposalId: ProposalId,
  snapshotId: SnapshotId,
  policyHash: Sha256Hex,
  inputHash: Sha256Hex,
  at: Instant,
  items: z.array(Item),
  inputs: z.object({
    kind: CaseKind,
    spellN: z.int().min(1),
    decisionIds: z.array(DecisionId),
    grants: z.array(z.object({ entitlementId: z.string(), grantedAt: Instant, basis: z.enum(['policy', 'decision']) })),
    found: z.array(
      z.object({ systemId: z.string(), entitlementId: z.string().nullable(), vendorEntitlementId: z.string() }),
    ),
    heldIds: z.array(z.string()),
    takeableIds: z.array(z.string()),
    isHandingOver: z.boolean(),
    managerSince: Instant.nullable(),
  }),
});
export type PlannedBody = z.infer<typeof PlannedBody>;

/** Sealed part: whom references of the HR system named then, and what was found in the systems (leavers). */
export const PlannedValues = z.object({
  people: z.record(z.string(), PersonId),
  managerLine: z.array(z.string()),
  nextManagerRef: z.string().nullable(),
  accounts: z
    .array(
      z.object({
        systemId: z.string(),
        accountId: z.string(),
        vendorEntitlementIds: z.array(z.string()),
        canLogIn: z.boolean(),
      }),
    )
    .nullable(),
});
export type PlannedValues = z.infer<typeof PlannedValues>;
