/** Cases, cut-offs and deliveries: what the delivery loop carries from rows to Temporal. */
import type { Insertable, Selectable } from 'kysely';
import { currentTraceparent } from '../observe/tracing.ts';
import type { CaseNews } from '../schemas/case.ts';
import type { SignedDeparture } from '../schemas/authorisation.ts';
import type { Db, Tx } from './db.ts';
import type { Verifier } from './signing-key.ts';
import type { CaseTable, CutoffTable, DeliveryTable } from './tables.ts';
import { uuidV7 } from './uuid.ts';

export type CaseRow = Selectable<CaseTable>;
export type CutoffRow = Selectable<CutoffTable>;

/** Takes the next number of the person. The caller holds the lock on the person's source key. */
export async function nextN(tx: Tx, personId: string): Promise<number> {
  const row = await tx
    .updateTable('person')
    .set((eb) => ({ last_n: eb('last_n', '+', 1) }))
    .where('person_id', '=', personId)
    .returning('last_n')
    .executeTakeFirstOrThrow();
  return row.last_n;
}

export async function insertCase(tx: Tx, row: Insertable<CaseTable>): Promise<void> {
  await tx.insertInto('usher_case').values(row).execute();
  await enqueue(tx, {
    kind: 'startCase',
    personId: row.person_id,
    n: row.n,
    payload: {},
    dueAt: row.opened_at,
  });
}

/** Writes a delivery; the caller's transaction decides whether it ever existed. */
export async function enqueue(
  tx: Db | Tx,
  delivery: {
    kind: DeliveryTable['kind'];
    personId: string;
    n: number;
    payload: object;
    dueAt: Date;
    /** Default: of the running trace. */
    traceparent?: string | null;
  },
): Promise<void> {
  await tx
    .insertInto('delivery')
    .values({
      delivery_id: uuidV7(delivery.dueAt),
      created_at: delivery.dueAt,
      kind: delivery.kind,
      person_id: delivery.personId,
      n: delivery.n,
      payload: JSON.stringify(delivery.payload),
      due_at: delivery.dueAt,
      traceparent: delivery.traceparent ?? currentTraceparent(),
    })
    .execute();
}

/** The trace in which the case was opened: what becomes due later goes on with it. */
export async function traceOfCase(tx: Db | Tx, personId: string, n: number): Promise<string | null> {
  const row = await tx
    .selectFrom('delivery')
    .select('traceparent')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('kind', '=', 'startCase')
    .executeTakeFirst();
  return row?.traceparent ?? null;
}

export async function enqueueNews(
  tx: Db | Tx,
  personId: string,
  n: number,
  news: CaseNews,
  dueAt: Date,
): Promise<void> {
  await enqueue(tx, { kind: 'tell', personId, n, payload: { news }, dueAt });
}

export async function getCase(db: Db | Tx, personId: string, n: number): Promise<CaseRow | null> {
  const row = await db
    .selectFrom('usher_case')
    .selectAll()
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirst();
  return row ?? null;
}

/** Open cases of a person, newest last. */
export async function openCases(db: Db | Tx, personId: string): Promise<CaseRow[]> {
  return db
    .selectFrom('usher_case')
    .selectAll()
    .where('person_id', '=', personId)
    .where('closed_at', 'is', null)
    .orderBy('n')
    .execute();
}

/** The signed departure of a cut-off row, or null when the row does not carry the server's signature. */
export function openDeparture(row: CutoffRow, verifier: Verifier): SignedDeparture | null {
  const signed = {
    departure: row.departure,
    keyId: row.key_id,
    signature: row.signature,
  };
  const isOurs = verifier.verify('departure', signed.departure, signed);
  const fits = signed.departure.personId === row.person_id && signed.departure.caseN === row.n;
  return isOurs && fits ? signed : null;
}

export async function getCutoff(db: Db | Tx, personId: string, n: number): Promise<CutoffRow | null> {
  const row = await db
    .selectFrom('cutoff')
    .selectAll()
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirst();
  return row ?? null;
}

/** The departure that stands for the person (its number is the fence), or null. */
export async function standingCutoff(db: Db | Tx, personId: string, fence: number): Promise<CutoffRow | null> {
  const row = await getCutoff(db, personId, fence);
  return row && row.state !== 'rescinded' ? row : null;
}
