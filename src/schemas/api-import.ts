/** Taking over people from a file, as the API takes and tells it. */
import { z } from 'zod';

/** The parts of `multipart/form-data`. */
export const ImportForm = z.strictObject({
  file: z.file('expected a CSV file').meta({ description: 'CSV with a header line, at most 32 MiB.' }),
  mapping: z
    .union([z.file(), z.string()], 'expected a mapping, as a file or as text')
    .optional()
    .meta({ description: 'YAML: which column is what, and what its words mean; see the page about imports.' }),
});

const Count = z.int().min(0);

export const ImportAnswer = z
  .looseObject({
    reportHash: z.string().meta({ description: 'Give it back as `confirm` to write exactly this.' }),
    isWritten: z.boolean(),
    source: z.string(),
    keysOf: z.string().nullable(),
    columns: z.array(z.looseObject({ field: z.string(), column: z.string() })),
    notImported: z.array(z.looseObject({ column: z.string(), reason: z.string() })),
    rowCount: Count,
    people: Count.meta({ description: 'Distinct people in the usable rows.' }),
    counts: z.looseObject({ created: Count, updated: Count, unchanged: Count, known: Count, erased: Count }),
    employed: Count,
    ended: Count,
    startsLater: Count,
    unusable: z.array(
      z
        .looseObject({
          line: z.int(),
          sourceKey: z.string().nullable(),
          code: z.string(),
          column: z.string().nullable(),
          reason: z.string(),
        })
        .meta({ id: 'UnusableRow' }),
    ),
    warnings: z.array(
      z
        .looseObject({
          code: z.string(),
          lines: z.array(z.int()),
          sourceKeys: z.array(z.string()),
          message: z.string(),
        })
        .meta({ id: 'ImportWarning' }),
    ),
    tookMs: z.int(),
  })
  .meta({ id: 'ImportReport' });
export type ImportAnswer = z.infer<typeof ImportAnswer>;
