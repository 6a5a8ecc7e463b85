/** The inventory of a system and what Usher knows of it, as the API takes and tells them. */
import { z } from 'zod';
import { Reading } from './api-baseline.ts';
import { InstantOrNull, PersonName } from './api-common.ts';
import { System } from './api-systems.ts';
import { LastUse } from './last-use.ts';

const Because = z.enum(['noKey', 'unknownKey', 'ambiguousKey', 'severalAccounts']);
const Mode = z.enum(['observe', 'baseline', 'enforced']);

export const InventoryBody = z.strictObject({
  requestId: z.uuid().optional().meta({ description: 'Waits on for a reading that an earlier call began.' }),
});

export const InventoryAnswer = z.discriminatedUnion('state', [
  Reading,
  z
    .looseObject({
      state: z.literal('taken'),
      systemId: z.string(),
      mode: Mode,
      accounts: z.int(),
      people: z.int().meta({ description: 'Whose accounts they are, where Usher can tell.' }),
      assignments: z.int(),
      isRecordedAsFound: z.boolean().meta({ description: 'In baseline: what people hold counts as found.' }),
      entitlements: z.looseObject({
        total: z.int(),
        inPolicy: z.int(),
        owned: z.int().meta({ description: 'With an owner, by the policy or by the system itself.' }),
      }),
      orphans: z.array(
        z
          .looseObject({
            accountId: z.string(),
            vendorStatus: z.string(),
            canLogIn: z.boolean(),
            holds: z.int(),
            because: Because,
          })
          .meta({ id: 'OrphanAccount' }),
      ),
    })
    .meta({ id: 'TakenInventory' }),
]);
export type InventoryAnswer = z.infer<typeof InventoryAnswer>;

export const SystemQuery = z.strictObject({
  after: z.string().min(1).max(1000).optional().meta({ description: 'Accounts after this one: `after` of an answer.' }),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  accounts: z.enum(['all', 'orphans']).default('all'),
});

export const SystemDetail = System.extend({
  mode: Mode,
  readAt: InstantOrNull.meta({ description: 'When its accounts were read last.' }),
  usage: z.looseObject({
    tells: z.enum(['none', 'account', 'entitlement']),
    readUntil: InstantOrNull.meta({ description: 'Uses before this moment are known.' }),
    lastErrorCode: z.string().nullable(),
  }),
  entitlements: z.array(
    z.looseObject({
      vendorEntitlementId: z.string(),
      displayName: z.string(),
      entitlementId: z.string().nullable().meta({ description: 'Null: the policy does not name it.' }),
      owners: z.array(z.looseObject({ ...PersonName.shape, by: z.enum(['policy', 'system']) })),
    }),
  ),
  accountCount: z.int(),
  orphanCount: z.int(),
  accounts: z.array(
    z.looseObject({
      accountId: z.string(),
      person: PersonName.nullable(),
      because: Because.nullable().meta({ description: "Why it is nobody's." }),
      vendorStatus: z.string(),
      canLogIn: z.boolean(),
      holds: z.array(z.looseObject({ vendorEntitlementId: z.string(), label: z.string(), lastUse: LastUse })),
      lastUse: LastUse,
    }),
  ),
  after: z.string().nullable(),
}).meta({ id: 'SystemDetail' });
export type SystemDetail = z.infer<typeof SystemDetail>;
