/** Decisions of people, as they arrive and as the server signs them. */
import { z } from 'zod';
import { ApprovalId, DecisionId, Instant, ItemDigest, PersonId } from './ids.ts';
import { Seat } from './item.ts';

export const Verdict = z.enum(['approve', 'deny']);
export type Verdict = z.infer<typeof Verdict>;

export const ItemVerdict = z.strictObject({ itemDigest: ItemDigest, verdict: Verdict });
export type ItemVerdict = z.infer<typeof ItemVerdict>;

export const DecisionSurface = z.enum(['mail', 'api', 'cli', 'temporal']);
export type DecisionSurface = z.infer<typeof DecisionSurface>;

/** Payload of the signal `decide`: what a person pastes into the Temporal UI. */
export const DecideSignal = z.strictObject({
  approvalId: ApprovalId,
  approverId: PersonId,
  verdicts: z.array(ItemVerdict).min(1).max(500),
  reason: z.string().max(2000).default(''),
  code: z.string().min(8).max(100),
});
export type DecideSignal = z.infer<typeof DecideSignal>;

export const Decision = z.object({
  decisionId: DecisionId,
  approvalId: ApprovalId,
  personId: PersonId,
  approverId: PersonId,
  surface: DecisionSurface,
  verdicts: z.array(ItemVerdict),
  reason: z.string(),
  decidedAt: Instant,
  /** In whose place the approver decided; absent: in their own. */
  forApproverId: PersonId.optional(),
  /** Who might have filled which seat at that moment: a vote keeps its seat when people change later. */
  seats: z.array(Seat).optional(),
});
export type Decision = z.infer<typeof Decision>;

export const SignedDecision = z.object({ decision: Decision, keyId: z.string(), signature: z.string() });
export type SignedDecision = z.infer<typeof SignedDecision>;
