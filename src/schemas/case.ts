/** Words of the life of a case: its kinds, its states, and the news that an open case may get. */
import { z } from 'zod';
import { SystemId } from './ids.ts';

export const CaseKind = z.enum(['joiner', 'mover', 'leaver', 'leave', 'return', 'rehire', 'rescind', 'conversion']);
export type CaseKind = z.infer<typeof CaseKind>;

/** `UsherState` and the state column of a case. */
export const CaseState = z.enum([
  'waiting',
  'planning',
  'awaitingApproval',
  'provisioning',
  'held',
  'done',
  'cancelled',
  'superseded',
  'failed',
]);
export type CaseState = z.infer<typeof CaseState>;

/** Payload of the signal `tell`. `factsChanged` only says "read again"; it carries no fact. */
export const CaseNews = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('factsChanged') }),
  z.object({ kind: z.literal('rescinded') }),
  /** Try the failed items of one system again. */
  z.object({ kind: z.literal('retryItem'), systemId: SystemId }),
]);
export type CaseNews = z.infer<typeof CaseNews>;
