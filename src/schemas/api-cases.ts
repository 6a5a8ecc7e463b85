/** Cases and held departures, as the API takes and tells them. */
import { z } from 'zod';
import { Approval } from './api-approvals.ts';
import { InstantOrNull, PersonIdOrRef, PersonName, Reason } from './api-common.ts';
import { CaseKind, CaseState } from './case.ts';
import { Instant, SystemId } from './ids.ts';

export const CaseListQuery = z.strictObject({ state: CaseState.optional() });
export const RetryBody = z.strictObject({ systemId: SystemId });
export const Accepted = z.looseObject({ caseId: z.string() });
export const RetryAccepted = z.looseObject({ caseId: z.string(), systemId: z.string() });

const caseFields = {
  caseId: z.string(),
  personId: z.string(),
  person: z.string().meta({ description: 'The name, or a word in brackets that says why there is none.' }),
  n: z.int().meta({ description: 'Counts the cases of the person.' }),
  kind: CaseKind,
  state: CaseState,
  isEffective: z.boolean(),
  effectiveAt: Instant,
  openedAt: Instant,
  dueAt: InstantOrNull,
  closedAt: InstantOrNull,
  route: z.string().nullable(),
  policyHash: z.string().nullable(),
};

export const CaseRow = z.looseObject(caseFields).meta({ id: 'Case' });
export const CaseList = z.looseObject({ cases: z.array(CaseRow) });

export const Operation = z
  .looseObject({
    itemDigest: z.string(),
    item: z.string().nullable(),
    systemId: z.string(),
    round: z.int(),
    state: z.string(),
    outcome: z.string().nullable(),
    errorCode: z.string().nullable(),
    updatedAt: Instant,
  })
  .meta({ id: 'Operation' });

export const CaseDetail = z
  .looseObject({
    ...caseFields,
    approvals: z.array(Approval),
    operations: z.array(Operation),
    timeline: z.array(z.looseObject({ at: Instant, kind: z.string(), text: z.string() })),
    canAct: z
      .array(z.looseObject({ who: z.union([PersonName, z.string()]), what: z.string(), command: z.string() }))
      .meta({ description: 'Who can do what now, and with which command.' }),
    next: z.string().meta({ description: 'What comes next, in a sentence.' }),
    comingUp: z
      .array(z.looseObject({ at: Instant, approvalId: z.string(), text: z.string() }))
      .meta({ description: 'What comes next for each open approval, and when.' }),
    temporalUrl: z.string().nullable(),
  })
  .meta({ id: 'CaseDetail' });
export type CaseDetail = z.infer<typeof CaseDetail>;

export const Hold = z
  .looseObject({
    personId: z.string(),
    person: z.string(),
    caseId: z.string(),
    effectiveAt: Instant,
    heldAt: InstantOrNull,
    reason: z.string().nullable(),
  })
  .meta({ id: 'Hold' });
export const HoldList = z.looseObject({ holds: z.array(Hold) });

export const ReleaseBody = z.strictObject({
  persons: z.array(PersonIdOrRef).min(1).max(1000),
  reason: Reason.trim().min(1),
});
export const Released = z.looseObject({
  released: z.array(z.string()),
  stillEmployed: z.array(z.string()).meta({ description: 'The HR system says that they have not left.' }),
  failed: z.array(z.looseObject({ personId: z.string(), reason: z.string() })),
});
