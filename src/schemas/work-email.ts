/** What the worker tells the server about an address that it gave to a new account, and the answer. */
import { z } from 'zod';
import { PersonId, SystemId } from './ids.ts';

export const WorkEmailReport = z.strictObject({
  personId: PersonId,
  caseN: z.int32().positive(),
  /** The identity provider that has it. */
  systemId: SystemId,
  workEmail: z.string().min(3).max(320),
  login: z.string().min(1).max(320),
});
export type WorkEmailReport = z.infer<typeof WorkEmailReport>;

/**
 * `queued`: it is written to HR; `notNeeded`: HR has an address, or policy writes none; `notProposed`: policy's pattern
 * does not make this address for this person, so that it is somebody else's invention.
 */
export const WorkEmailAnswer = z.object({ outcome: z.enum(['queued', 'notNeeded', 'notProposed']) });
export type WorkEmailAnswer = z.infer<typeof WorkEmailAnswer>;
