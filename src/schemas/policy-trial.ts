/** What is asked of a policy before it is active: which version is meant, and the invented event that is planned under it. */
import { z } from 'zod';
import { PersonIdOrRef } from './api-common.ts';
import { PolicyHashPrefix } from './ids.ts';
import { ExamplePerson } from './policy-examples.ts';

/** A version by name, by its hash (or enough of it), or as files that are nowhere stored. */
export const PolicyChoice = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('active') }),
  z.strictObject({
    kind: z.literal('hash'),
    hash: PolicyHashPrefix,
  }),
  z.strictObject({
    kind: z.literal('files'),
    files: z
      .array(z.strictObject({ name: z.string().min(1).max(200), text: z.string().max(1_000_000) }))
      .min(1)
      .max(200),
  }),
]);
export type PolicyChoice = z.infer<typeof PolicyChoice>;

/** The day on which it happens; by default now. */
const At = z.iso.date().optional();
/** Only what is given changes. */
const Changes = ExamplePerson.extend({ employmentType: ExamplePerson.shape.employmentType.unwrap().optional() });

export const SimulatedEvent = z.discriminatedUnion('event', [
  /** Without a person somebody is invented, of whom nothing is known but the facts. */
  z.strictObject({ event: z.literal('joiner'), person: PersonIdOrRef.optional(), facts: Changes.default({}), at: At }),
  z.strictObject({ event: z.literal('mover'), person: PersonIdOrRef, facts: Changes, at: At }),
  z.strictObject({ event: z.literal('leaver'), person: PersonIdOrRef, at: At }),
]);
export type SimulatedEvent = z.infer<typeof SimulatedEvent>;
