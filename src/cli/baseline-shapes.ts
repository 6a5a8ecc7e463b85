/** The parts of the answers about imports and modes of systems that the CLI prints; `--json` prints everything that came. */
import { z } from 'zod';

export const ImportAnswer = z.looseObject({
  reportHash: z.string(),
  isWritten: z.boolean(),
  source: z.string(),
  keysOf: z.string().nullable(),
  columns: z.array(z.looseObject({ field: z.string(), column: z.string() })),
  notImported: z.array(z.looseObject({ column: z.string(), reason: z.string() })),
  rowCount: z.number(),
  people: z.number(),
  counts: z.looseObject({
    created: z.number(),
    updated: z.number(),
    unchanged: z.number(),
    known: z.number(),
    erased: z.number(),
  }),
  unusable: z.array(
    z.looseObject({ line: z.number(), code: z.string(), column: z.string().nullable(), reason: z.string() }),
  ),
  warnings: z.array(
    z.looseObject({
      code: z.string(),
      lines: z.array(z.number()),
      sourceKeys: z.array(z.string()),
      message: z.string(),
    }),
  ),
  tookMs: z.number(),
});
export type ImportAnswer = z.infer<typeof ImportAnswer>;

const Reading = z.looseObject({ state: z.literal('reading'), requestId: z.string() });
const Who = z.looseObject({ personId: z.string(), name: z.string() });
const OrphanAccount = z.looseObject({ accountId: z.string(), canLogIn: z.boolean(), because: z.string() });

export const BaselineAnswer = z.discriminatedUnion('state', [
  Reading,
  z.looseObject({
    state: z.literal('recorded'),
    systemId: z.string(),
    accounts: z.number(),
    people: z.number(),
    grants: z.number(),
    unmatched: z.array(OrphanAccount),
  }),
]);
export type BaselineAnswer = z.infer<typeof BaselineAnswer>;

const Entitlement = z.looseObject({ label: z.string() });

export const EnforceAnswer = z.discriminatedUnion('state', [
  Reading,
  z.looseObject({
    state: z.literal('diff'),
    systemId: z.string(),
    mode: z.string(),
    isSwitched: z.boolean(),
    diffHash: z.string(),
    people: z.array(
      z.looseObject({
        person: Who,
        gains: z.array(Entitlement.extend({ decidedBy: z.array(z.string()) })),
        loses: z.array(Entitlement),
        undecided: z.string().nullable(),
      }),
    ),
    orphans: z.array(OrphanAccount),
  }),
]);
export type EnforceAnswer = z.infer<typeof EnforceAnswer>;
