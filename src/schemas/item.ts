/**
 * A proposal is what a case wants to change; it consists of items. An item is decided, authorised, written and
 * verified as a whole, and its digest is what decisions and authorisations bind to.
 */
import { z } from 'zod';
import { EntitlementId, Instant, ItemDigest, PersonId, ProposalId, Sha256Hex, SnapshotId, SystemId } from './ids.ts';
import { DataClass } from './policy.ts';

/**
 * `assignProfile` is the one task of a manager whose report matches no profile: it changes no system. `update` changes
 * attributes of an account.
 */
export const ItemAction = z.enum(['grant', 'revoke', 'disable', 'assignProfile', 'update']);
export type ItemAction = z.infer<typeof ItemAction>;

export const RequiredRole = z.enum(['manager', 'security', 'owner']);
export type RequiredRole = z.infer<typeof RequiredRole>;

/**
 * One seat that has to say yes: any one of `approverIds` fills it, and one person fills one seat only. `isOfAll`: policy
 * wants everybody with the role, so that the seat is of this one person and nobody else's yes fills it.
 */
export const Seat = z.object({
  role: RequiredRole,
  approverIds: z.array(PersonId).min(1),
  isOfAll: z.boolean().optional(),
});
export type Seat = z.infer<typeof Seat>;

export const Route = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('policy') }),
  z.object({ kind: z.literal('people'), seats: z.array(Seat).min(1) }),
]);
export type Route = z.infer<typeof Route>;

export const ItemBasis = z.enum(['policy', 'decision', 'departure', 'expiry']);
export type ItemBasis = z.infer<typeof ItemBasis>;

export const Item = z.object({
  itemDigest: ItemDigest,
  action: ItemAction,
  /** Empty string for `assignProfile`. */
  systemId: SystemId.or(z.literal('')),
  /** Null where the vendor's entitlement is not in the catalogue, for `disable`, `assignProfile` and `update`. */
  entitlementId: EntitlementId.nullable(),
  vendorEntitlementId: z.string().nullable(),
  /** Only for what was found in the system (revoke, disable, update). */
  accountId: z.string().nullable(),
  profileId: z.string().nullable(),
  /**
   * Hash over system, vendor id, privileged, data class of the entitlement; for `update` over system, attribute names and
   * snapshot; null for `disable` and `assignProfile`.
   */
  definitionHash: Sha256Hex.nullable(),
  privileged: z.boolean(),
  dataClass: DataClass,
  description: z.string(),
  risk: z.number().min(0).max(10),
  confidence: z.number().min(0).max(1),
  /** Each step of the score and of the route, in plain words. */
  reasons: z.array(z.string()),
  route: Route,
  expiresAt: Instant.nullable(),
  conflicts: z.array(z.string()),
});
export type Item = z.infer<typeof Item>;

export const Proposal = z.object({
  proposalId: ProposalId,
  personId: PersonId,
  caseN: z.number().int().positive(),
  spellN: z.number().int().positive(),
  snapshotId: SnapshotId,
  policyHash: Sha256Hex,
  plannedAt: Instant,
  /** Hash over all inputs of the plan, for the auditor's recomputation. */
  inputHash: Sha256Hex,
  items: z.array(Item),
});
export type Proposal = z.infer<typeof Proposal>;
