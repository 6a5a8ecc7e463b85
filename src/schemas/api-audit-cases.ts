/** What an auditor asks of cases, as the API takes and tells it: recomputation, archive, and a sample of a period. */
import { z } from 'zod';
import { InstantOrNull } from './api-common.ts';
import { CaseKind, CaseState } from './case.ts';
import { Instant } from './ids.ts';

const PlanVerdict = z.enum(['match', 'differs', 'erased', 'unreadable']);

export const Recomputation = z
  .looseObject({
    caseId: z.string(),
    verdict: PlanVerdict.or(z.literal('nothingPlanned')).meta({ description: 'The worst of its plans.' }),
    plans: z.array(
      z.looseObject({
        proposalId: z.string(),
        plannedAt: Instant,
        verdict: PlanVerdict,
        itemCount: z.int(),
        policyHash: z.string().nullable(),
        snapshotId: z.string().nullable(),
        differences: z.array(
          z.looseObject({
            field: z.string(),
            itemDigest: z.string().nullable(),
            recorded: z.string().nullable(),
            recomputed: z.string().nullable(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Recomputation' });
export type Recomputation = z.infer<typeof Recomputation>;

const run = { workflowId: z.string(), runId: z.string() };

export const ArchivedCase = z
  .looseObject({
    caseId: z.string(),
    state: z.enum(['archived', 'erased', 'waiting']).meta({
      description: '`waiting`: open, or closed and not archived yet. `erased`: nothing is kept of an erased person.',
    }),
    isSound: z.boolean().meta({ description: 'Every file is what was archived.' }),
    archivedAt: InstantOrNull,
    manifestHash: z.string().nullable(),
    histories: z.array(
      z.looseObject({
        ...run,
        eventCount: z.int(),
        bundleHash: z.string().nullable(),
        isIntact: z.boolean(),
      }),
    ),
    bundles: z.array(z.looseObject({ bundleHash: z.string(), isIntact: z.boolean() })),
    missing: z.array(z.looseObject(run)).meta({ description: 'Runs that Temporal could not give any more.' }),
  })
  .meta({ id: 'ArchivedCase' });

const Moment = z
  .union(
    [z.iso.date(), z.iso.datetime({ offset: true })],
    'expected a day (2026-01-31) or an instant (2026-01-31T08:00:00Z)',
  )
  .transform((text) => new Date(text));

export const SampleQuery = z
  .strictObject({
    from: Moment.meta({ description: 'Cases opened on or after this day or instant.' }),
    to: Moment.meta({ description: 'And before this one.' }),
    kind: CaseKind.optional(),
    size: z.coerce.number('expected a number').int().min(1).max(10_000).default(25),
    seed: z.string().min(1).max(100).meta({ description: 'The same seed and period draw the same sample again.' }),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'expected a time after "from"' });

const Count = z.int();

export const AuditSample = z
  .looseObject({
    from: Instant,
    to: Instant,
    kind: CaseKind.nullable(),
    seed: z.string(),
    populationSize: Count,
    populationByKind: z.record(z.string(), Count),
    completeness: z.looseObject({
      isComplete: z.boolean(),
      eventsAccepted: Count.meta({ description: 'Of the ledger, which keeps derived events for 30 days.' }),
      eventsByVerdict: z.record(z.string(), Count),
      eventsRecorded: Count,
      casesOpened: Count,
      casesRecorded: Count,
      casesClosed: Count,
      closingsRecorded: Count,
      casesArchived: Count,
      gaps: z.array(z.looseObject({ code: z.string(), id: z.string() })),
    }),
    sample: z.array(
      z.looseObject({
        caseId: z.string(),
        personId: z.string(),
        kind: CaseKind,
        state: CaseState,
        effectiveAt: Instant,
        openedAt: Instant,
        closedAt: InstantOrNull,
        route: z.string().nullable(),
        policyHash: z.string().nullable(),
        eventId: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'AuditSample' });
export type AuditSample = z.infer<typeof AuditSample>;
