/** People and tokens, as the API takes and tells them. */
import { z } from 'zod';
import { CaseRow } from './api-cases.ts';
import { InstantOrNull, Reason } from './api-common.ts';
import { Instant } from './ids.ts';
import { LastUse } from './last-use.ts';

export const Me = z.looseObject({
  personId: z.string().nullable().meta({ description: 'Null for a service token.' }),
  name: z.string().nullable(),
  label: z.string(),
  scopes: z.array(z.string()),
});

export const Person = z
  .looseObject({
    personId: z.string(),
    name: z.string(),
    isErased: z.boolean(),
    spellState: z.enum(['none', 'pending', 'open', 'ended']),
    sourceKeys: z.array(z.string()),
    facts: z.record(z.string(), z.string().nullable()).nullable(),
    grants: z.array(
      z.looseObject({
        systemId: z.string(),
        entitlementId: z.string().nullable(),
        vendorEntitlementId: z.string(),
        description: z.string().nullable(),
        since: Instant,
        expiresAt: InstantOrNull,
        verifiedAt: InstantOrNull,
        why: z.string().meta({ description: 'Why it may live, in words.' }),
        lastUse: LastUse,
      }),
    ),
    accounts: z.array(
      z.looseObject({
        systemId: z.string(),
        accountId: z.string(),
        origin: z.string(),
        login: z.enum(['enabled', 'disabled', 'unknown']),
        observedAt: Instant,
        lastUse: LastUse,
      }),
    ),
    cases: z.array(CaseRow),
  })
  .meta({ id: 'Person' });
export type Person = z.infer<typeof Person>;

export const LeaveBody = z.strictObject({ reason: Reason.trim().min(1) });
export const LeaveAccepted = z.looseObject({ caseN: z.int() });

/** Closed: free text would outlive the person whom it names. */
export const EraseBody = z.strictObject({ reason: z.enum(['requested', 'retentionEnded', 'ordered']) });
export const Erased = z.looseObject({ personId: z.string(), isErased: z.boolean() });
