/** Evidence and the story, as the API tells them. */
import { z } from 'zod';
import { Instant } from './ids.ts';
import { SignedGap } from './evidence.ts';

export const Verification = z
  .looseObject({
    isSound: z.boolean(),
    findings: z.array(z.looseObject({ code: z.string(), seq: z.int().nullable(), message: z.string() })),
    checkpointAgeSeconds: z.number().nullable(),
    treeSize: z.int(),
    checkpointedSize: z.int().meta({ description: 'The first so many records are promised.' }),
    gaps: z.array(SignedGap.loose()).meta({ description: 'Restores that a person declared.' }),
  })
  .meta({ id: 'Verification' });
export type Verification = z.infer<typeof Verification>;

export const StoryQuery = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'expected a number')
    .default('0')
    .meta({ description: 'The last number that was read.' }),
});
export const Story = z.looseObject({
  entries: z.array(
    z.looseObject({
      storyId: z.string(),
      at: Instant,
      kind: z.string(),
      personId: z.string().nullable(),
      person: z.string().nullable(),
      caseId: z.string().nullable(),
      data: z.record(z.string(), z.unknown()),
    }),
  ),
  lines: z.array(z.string()).meta({ description: 'The entries in words, for a terminal.' }),
  after: z.int(),
});
