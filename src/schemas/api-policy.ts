/** What the API says about policy versions and about duties that are to be kept apart. */
import { z } from 'zod';
import { EntitlementId, Instant } from './ids.ts';

/** `allowedUntil` null: nobody allowed it. */
export const Conflicts = z.object({
  conflicts: z.array(
    z.object({
      ruleId: z.string(),
      description: z.string(),
      personId: z.uuid(),
      person: z.string(),
      entitlementIds: z.array(EntitlementId),
      allowedUntil: Instant.nullable(),
      compensatingControl: z.string(),
    }),
  ),
});
export type Conflicts = z.infer<typeof Conflicts>;
