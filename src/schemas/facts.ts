/**
 * What Usher reads about a person, already normalised from one HRIS. Only these fields are stored: the connector
 * asks for nothing else and drops what it gets beside them.
 */
import { z } from 'zod';
import { Instant, PersonId, SnapshotId } from './ids.ts';

export const EmploymentType = z.enum(['employee', 'contractor']);
export type EmploymentType = z.infer<typeof EmploymentType>;

export const PersonFacts = z.object({
  sourceKey: z.string().min(1).max(64),
  givenName: z.string().max(20_000),
  familyName: z.string().max(20_000),
  displayName: z.string().max(40_000),
  workEmail: z.string().max(320).nullable(),
  title: z.string().max(500).nullable(),
  department: z.string().max(500).nullable(),
  division: z.string().max(500).nullable(),
  location: z.string().max(500).nullable(),
  employmentType: EmploymentType,
  /** HRIS key of the manager at the same source. */
  managerKey: z.string().max(64).nullable(),
  /** First day of work, a calendar date in the person's zone. */
  startDate: z.iso.date(),
  /** Last day of work, a calendar date in the person's zone; access ends when this day ends, unless `endsNow`. */
  endDate: z.iso.date().nullable(),
  /** HR marked the person as no longer employed now, whatever the dates say. */
  isTerminated: z.boolean(),
});
export type PersonFacts = z.infer<typeof PersonFacts>;

/** When access may exist at all. Computed with zone data when the snapshot is stored, then never again. */
export const AccessWindow = z.object({
  zone: z.string(),
  /** Lead time before the first day of work. */
  from: Instant,
  /** Start of the first day of work. */
  startsAt: Instant,
  /** End of the last day of work, or null. An instant in the past means: no access. */
  until: Instant.nullable(),
});
export type AccessWindow = z.infer<typeof AccessWindow>;

export const Snapshot = z.object({
  snapshotId: SnapshotId,
  personId: PersonId,
  source: z.string(),
  observedAt: Instant,
  window: AccessWindow,
  facts: PersonFacts,
});
export type Snapshot = z.infer<typeof Snapshot>;
