/** What the worker answers when the server asks which accounts a system holds. It travels as a row: parsed where it is read. */
import { z } from 'zod';

export const SystemAccountsAnswer = z.discriminatedUnion('outcome', [
  /** `error` is a connector's error code. */
  z.object({ outcome: z.literal('failed'), error: z.string() }),
  z.object({
    outcome: z.literal('listed'),
    accounts: z.array(
      z.object({
        accountId: z.string(),
        /** As stored in the vendor's slot: a person id, an HRIS key, or nothing. */
        correlationKey: z.string().nullable(),
        vendorStatus: z.string(),
        canLogIn: z.boolean(),
        vendorEntitlementIds: z.array(z.string()),
      }),
    ),
  }),
]);
export type SystemAccountsAnswer = z.infer<typeof SystemAccountsAnswer>;
export type ListedAccounts = Extract<SystemAccountsAnswer, { outcome: 'listed' }>['accounts'];

/** How a reading of a whole system ended; what it saw lies in rows. `error` is a code. */
export const InventoryEnd = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('failed'), error: z.string() }),
  z.object({ outcome: z.literal('read') }),
]);
export type InventoryEnd = z.infer<typeof InventoryEnd>;
