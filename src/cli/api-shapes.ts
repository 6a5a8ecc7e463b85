/** The parts of the API's answers that the CLI prints; `--json` prints everything that came. */
import { z } from 'zod';

const PersonName = z.looseObject({ personId: z.string(), name: z.string() });

export const Anything = z.looseObject({});

export const CaseRow = z.looseObject({
  caseId: z.string(),
  person: z.string(),
  kind: z.string(),
  state: z.string(),
  effectiveAt: z.string(),
});
export const CaseList = z.looseObject({ cases: z.array(CaseRow) });

export const ApprovalItem = z.looseObject({
  itemDigest: z.string(),
  action: z.string(),
  entitlementId: z.string().nullable(),
  profileId: z.string().nullable(),
  description: z.string(),
  risk: z.number(),
  decided: z.string(),
});

export const Approval = z.looseObject({
  approvalId: z.string(),
  person: PersonName,
  state: z.string(),
  expiresAt: z.string(),
  items: z.array(ApprovalItem),
  decisions: z.array(
    z.looseObject({
      approver: PersonName,
      verdicts: z.array(z.looseObject({ itemDigest: z.string(), verdict: z.string() })),
    }),
  ),
  waitsFor: z.array(PersonName),
});
export type Approval = z.infer<typeof Approval>;
export const ApprovalList = z.looseObject({ approvals: z.array(Approval) });

export const CaseDetail = CaseRow.extend({
  next: z.string(),
  comingUp: z.array(z.looseObject({ at: z.string(), text: z.string() })),
  canAct: z.array(z.looseObject({ who: z.union([PersonName, z.string()]), what: z.string(), command: z.string() })),
  timeline: z.array(z.looseObject({ at: z.string(), kind: z.string(), text: z.string() })),
  operations: z.array(
    z.looseObject({
      systemId: z.string(),
      item: z.string().nullable(),
      state: z.string(),
      round: z.number(),
      errorCode: z.string().nullable(),
    }),
  ),
  temporalUrl: z.string().nullable(),
});

export const Me = z.looseObject({ personId: z.string().nullable() });

export const Person = z.looseObject({
  personId: z.string(),
  name: z.string(),
  spellState: z.string(),
  facts: z.record(z.string(), z.string().nullable()).nullable(),
  grants: z.array(
    z.looseObject({
      systemId: z.string(),
      entitlementId: z.string().nullable(),
      vendorEntitlementId: z.string(),
      expiresAt: z.string().nullable(),
      why: z.string(),
    }),
  ),
  accounts: z.array(z.looseObject({ systemId: z.string(), accountId: z.string(), login: z.string() })),
  cases: z.array(CaseRow),
});

export const HoldList = z.looseObject({
  holds: z.array(
    z.looseObject({
      personId: z.string(),
      person: z.string(),
      effectiveAt: z.string(),
      reason: z.string().nullable(),
    }),
  ),
});

export const Released = z.looseObject({
  released: z.array(z.string()),
  stillEmployed: z.array(z.string()),
  failed: z.array(z.looseObject({ personId: z.string(), reason: z.string() })),
});

export const Activated = z.looseObject({ policyHash: z.string(), changed: z.boolean() });

export const CheckedSystems = z.looseObject({
  isHealthy: z.boolean(),
  systems: z.array(
    z.looseObject({
      systemId: z.string(),
      isHealthy: z.boolean(),
      findings: z.array(z.looseObject({ level: z.string(), text: z.string() })),
    }),
  ),
});

export const Verification = z.looseObject({
  isSound: z.boolean(),
  findings: z.array(z.looseObject({ code: z.string(), seq: z.number().nullable(), message: z.string() })),
  checkpointAgeSeconds: z.number().nullable(),
  treeSize: z.number(),
  checkpointedSize: z.number(),
});
export type Verification = z.infer<typeof Verification>;
