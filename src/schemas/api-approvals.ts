/** Approvals and decisions, as the API takes and tells them. */
import { z } from 'zod';
import { Question } from './api-approval-people.ts';
import { InstantOrNull, PersonName, Reason } from './api-common.ts';
import { ItemVerdict, Verdict } from './decision.ts';
import { Instant } from './ids.ts';
import { ItemAction } from './item.ts';
import { DataClass } from './policy.ts';

export const ApprovalListQuery = z.strictObject({
  of: z.enum(['mine', 'all']).optional().meta({ description: '`mine`: only those in which I have a seat.' }),
  state: z.enum(['open', 'any']).default('open'),
});

export const DecisionBody = z.strictObject({
  verdicts: z.array(ItemVerdict).min(1).max(500),
  reason: Reason.default('').meta({ description: 'Needed for a denial, and for approving a risk above 6.' }),
  surface: z
    .enum(['api', 'cli'])
    .default('api')
    .meta({ description: 'Which client decided; it is part of the record.' }),
});
export const Decided = z.looseObject({ decisionId: z.string() });

export const ApprovalItem = z
  .looseObject({
    itemDigest: z.string(),
    action: ItemAction,
    systemId: z.string(),
    entitlementId: z.string().nullable(),
    vendorEntitlementId: z.string().nullable(),
    accountId: z.string().nullable(),
    profileId: z.string().nullable(),
    definitionHash: z.string().nullable(),
    privileged: z.boolean(),
    dataClass: DataClass,
    description: z.string(),
    risk: z.number(),
    confidence: z.number(),
    reasons: z.array(z.string()),
    conflicts: z.array(z.string()),
    expiresAt: InstantOrNull,
    decided: z.enum(['open', 'approved', 'denied']).meta({ description: 'What the decisions so far say.' }),
  })
  .meta({ id: 'ApprovalItem' });

export const Approval = z
  .looseObject({
    approvalId: z.string(),
    caseId: z.string(),
    person: PersonName,
    state: z.enum(['open', 'decided', 'expired', 'cancelled']),
    openedAt: Instant,
    expiresAt: Instant.meta({ description: 'Silence until then is a denial.' }),
    closedAt: InstantOrNull,
    seats: z.array(z.looseObject({ role: z.string(), approvers: z.array(PersonName) })),
    seatsFilled: z.int(),
    items: z.array(ApprovalItem),
    decisions: z.array(
      z.looseObject({
        decisionId: z.string(),
        approver: PersonName,
        surface: z.string(),
        decidedAt: Instant,
        reason: z.string().nullable(),
        verdicts: z.array(z.looseObject({ itemDigest: z.string(), verdict: Verdict })),
      }),
    ),
    waitsFor: z.array(PersonName).meta({ description: 'Who may still decide; empty unless open.' }),
    actors: z
      .array(z.looseObject({ person: PersonName, inPlaceOf: PersonName.nullable() }))
      .meta({ description: 'Everybody who may decide now, and in whose place; empty unless open.' }),
    pausedUntil: InstantOrNull.meta({ description: 'Until when an open question stops the clock; null: it runs.' }),
    upcoming: z
      .array(
        z.looseObject({
          at: Instant,
          what: z.enum(['reminder', 'escalation', 'clockGoesOn', 'expiry']),
          level: z.int().nullable(),
        }),
      )
      .meta({ description: 'What comes by itself, in order; empty unless open.' }),
    questions: z.array(Question),
  })
  .meta({ id: 'Approval' });
export type Approval = z.infer<typeof Approval>;
export const ApprovalList = z.looseObject({ approvals: z.array(Approval) });
