/** The shapes of an import: the mapping file (YAML) that tells an HR export's columns and words, and what may be asked. */
import { z } from 'zod';
import { EmploymentType } from './facts.ts';
import { Sha256Hex, SystemId } from './ids.ts';

const Column = z.string().min(1).max(200);
const Word = z.string().max(200);

/** A mapping file. Everything in it may be left out: known header names and words are found without it. */
export const ImportMapping = z.strictObject({
  /** Fact to the name of its column. */
  columns: z
    .strictObject({
      sourceKey: Column.optional(),
      givenName: Column.optional(),
      familyName: Column.optional(),
      displayName: Column.optional(),
      workEmail: Column.optional(),
      title: Column.optional(),
      department: Column.optional(),
      division: Column.optional(),
      location: Column.optional(),
      employmentType: Column.optional(),
      managerKey: Column.optional(),
      startDate: Column.optional(),
      endDate: Column.optional(),
      status: Column.optional(),
      terminated: Column.optional(),
      birthDate: Column.optional(),
    })
    .default({}),
  /** The file's word for a kind of employment to Usher's. */
  employmentTypes: z.record(Word, EmploymentType).default({}),
  /** The file's word for the state of an employment: still employed, or ended. */
  statuses: z.record(Word, z.enum(['employed', 'ended'])).default({}),
  /** How dates with the year at the end are meant. */
  dateOrder: z.enum(['YMD', 'DMY', 'MDY']).nullable().default(null),
  delimiter: z.enum([',', ';', '\t', '|']).nullable().default(null),
  /** Where cells are empty. */
  defaults: z
    .strictObject({
      startDate: z.iso.date().nullable().default(null),
      employmentType: EmploymentType.nullable().default(null),
    })
    .prefault({}),
  /** Which of several rows with one id counts where they differ. */
  duplicateIds: z.enum(['first', 'last', 'refuse']).default('first'),
});
export type ImportMapping = z.infer<typeof ImportMapping>;

export const ImportQuery = z.strictObject({
  /** Under which source the people are kept. */
  source: SystemId.default('csv'),
  /** The HR system whose keys the ids are, or `none`; by default the only HR system of the policy. */
  keysOf: SystemId.or(z.literal('none')).optional(),
  /** The hash of the report that a person read. Without it nothing is written. */
  confirm: Sha256Hex.optional(),
});
export type ImportQuery = z.infer<typeof ImportQuery>;
