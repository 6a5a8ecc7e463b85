/** Modes of systems, as the API takes and tells them: what a system held before Usher, and the switch to enforcement. */
import { z } from 'zod';
import { PersonName } from './api-common.ts';
import { Sha256Hex } from './ids.ts';

export const BaselineBody = z.strictObject({
  requestId: z.uuid().optional().meta({ description: 'Waits on for a reading that an earlier call began.' }),
});
export const EnforceBody = BaselineBody.extend({
  confirm: Sha256Hex.optional().meta({ description: 'The hash of the difference that a person read: switches.' }),
});

export const Reading = z
  .looseObject({
    state: z.literal('reading'),
    requestId: z.string(),
    progress: z
      .looseObject({
        part: z.enum(['entitlements', 'accounts', 'assignments']),
        entitlements: z.int(),
        accounts: z.int(),
        accountsRead: z.int().meta({ description: 'Accounts whose rights were read.' }),
      })
      .nullable()
      .meta({ description: 'Null until the worker took it up.' }),
  })
  .meta({ id: 'SystemReading', description: 'The system is still being read: ask again with the `requestId`.' });

const UnmatchedAccount = z
  .looseObject({
    accountId: z.string(),
    canLogIn: z.boolean(),
    because: z.enum(['noKey', 'unknownKey', 'ambiguousKey', 'severalAccounts']),
  })
  .meta({ id: 'UnmatchedAccount' });

export const BaselineAnswer = z.discriminatedUnion('state', [
  Reading,
  z
    .looseObject({
      state: z.literal('recorded'),
      systemId: z.string(),
      accounts: z.int(),
      people: z.int().meta({ description: 'Whose accounts they are, where Usher can tell.' }),
      grants: z.int().meta({ description: 'Recorded as found.' }),
      unmatched: z.array(UnmatchedAccount),
    })
    .meta({ id: 'RecordedBaseline' }),
]);
export type BaselineAnswer = z.infer<typeof BaselineAnswer>;

export const EnforceAnswer = z.discriminatedUnion('state', [
  Reading,
  z
    .looseObject({
      state: z.literal('diff'),
      systemId: z.string(),
      mode: z.enum(['baseline', 'enforced']),
      isSwitched: z.boolean().meta({ description: 'True when this call switched.' }),
      diffHash: z.string(),
      people: z.array(
        z.looseObject({
          person: PersonName,
          gains: z.array(
            z.looseObject({ entitlementId: z.string(), label: z.string(), decidedBy: z.array(z.string()) }),
          ),
          loses: z.array(
            z.looseObject({
              entitlementId: z.string(),
              vendorEntitlementId: z.string(),
              label: z.string(),
            }),
          ),
          stays: z
            .array(z.string())
            .meta({ description: 'Vendor ids that nothing justifies and the catalogue does not know.' }),
          undecided: z
            .enum(['noApprover', 'noProfile'])
            .nullable()
            .meta({ description: 'Why it cannot be told what the person would gain.' }),
        }),
      ),
      orphans: z.array(UnmatchedAccount),
    })
    .meta({ id: 'EnforcementDiff' }),
]);
export type EnforceAnswer = z.infer<typeof EnforceAnswer>;
