/** Changes that wait for a person outside Usher, one row for each operation. */
import { sql, type Selectable } from 'kysely';
import type { Db, Tx } from './db.ts';
import type { OutsideWaitTable } from './outside-wait-tables.ts';
import { uuidV7 } from './uuid.ts';

export type OutsideWait = Selectable<OutsideWaitTable>;

export interface WaitSubject {
  operationKey: string;
  systemId: string;
  personId: string;
  n: number;
  action: string;
  vendorEntitlementId: string | null;
}

/** A person has to act. Asked again after the owner said no, it begins anew. `isNew` where nobody was waited for before. */
export async function saveOpenWait(
  tx: Tx,
  subject: WaitSubject,
  ticketNumber: string | null,
  now: Date,
): Promise<{ wait: OutsideWait; isNew: boolean }> {
  const { isNew, ...wait } = await tx
    .insertInto('outside_wait')
    .values({ ...rowOf(subject, now), ticket_number: ticketNumber, state: 'open' })
    .onConflict((conflict) =>
      conflict.column('operation_key').doUpdateSet({
        state: 'open',
        ticket_number: ticketNumber,
        opened_at: sql<Date>`case when outside_wait.state = 'open' then outside_wait.opened_at else excluded.opened_at end`,
        told_at: sql<Date | null>`case when outside_wait.state = 'open' then outside_wait.told_at end`,
        claimed_at: null,
        answered_at: null,
        answered_by: null,
      }),
    )
    .returningAll()
    // A row that this statement updated carries its transaction in xmax.
    .returning(sql<boolean>`xmax = 0`.as('isNew'))
    .executeTakeFirstOrThrow();
  if (isNew) await endSiblings(tx, subject);
  return { wait, isNew };
}

/** The ticket says that it is done. Answers the row, with what the owner said of it already. */
export async function saveClaim(tx: Tx, subject: WaitSubject, now: Date): Promise<OutsideWait> {
  const before = await latestOf(tx, subject);
  // The same change, claimed and confirmed under an earlier operation: nobody is asked twice about one deed.
  if (before && before.operation_key !== subject.operationKey && before.state === 'confirmed') return before;
  await tx
    .insertInto('outside_wait')
    .values({
      ...rowOf(subject, now),
      ticket_number: before?.ticket_number ?? null,
      state: 'claimed',
      claimed_at: now,
    })
    .onConflict((conflict) =>
      conflict
        .column('operation_key')
        .doUpdateSet({ state: 'claimed', claimed_at: now, told_at: null })
        .where('outside_wait.state', 'in', ['open', 'over']),
    )
    .execute();
  await endSiblings(tx, subject);
  return tx
    .selectFrom('outside_wait')
    .selectAll()
    .where('operation_key', '=', subject.operationKey)
    .executeTakeFirstOrThrow();
}

function rowOf({ operationKey, systemId, personId, n, action, vendorEntitlementId }: WaitSubject, now: Date) {
  return {
    wait_id: uuidV7(now),
    operation_key: operationKey,
    system_id: systemId,
    person_id: personId,
    n,
    action,
    vendor_entitlement_id: vendorEntitlementId,
    opened_at: now,
    answered_by: null,
    reason: null,
  };
}

async function latestOf(tx: Tx, subject: WaitSubject): Promise<OutsideWait | null> {
  const row = await tx
    .selectFrom('outside_wait')
    .selectAll()
    .where('person_id', '=', subject.personId)
    .where('system_id', '=', subject.systemId)
    .where('vendor_entitlement_id', 'is not distinct from', subject.vendorEntitlementId)
    .orderBy('opened_at', 'desc')
    .orderBy('wait_id', 'desc')
    .executeTakeFirst();
  return row !== undefined && row.action === subject.action ? row : null;
}

/** What is asked for under a newer operation is not waited for twice. */
async function endSiblings(tx: Tx, subject: WaitSubject): Promise<void> {
  await tx
    .updateTable('outside_wait')
    .set({ state: 'over' })
    .where('person_id', '=', subject.personId)
    .where('system_id', '=', subject.systemId)
    .where('vendor_entitlement_id', 'is not distinct from', subject.vendorEntitlementId)
    .where('operation_key', '!=', subject.operationKey)
    .where('state', 'in', ['open', 'claimed'])
    .execute();
}

/** Those that still wait, oldest first: the case is open, and the operation has not come through or failed by another way. */
export async function waitsStanding(
  db: Db | Tx,
  filter: { personId?: string; n?: number } = {},
): Promise<OutsideWait[]> {
  let query = db
    .selectFrom('outside_wait as w')
    .innerJoin('usher_case as c', (join) => join.onRef('c.person_id', '=', 'w.person_id').onRef('c.n', '=', 'w.n'))
    .leftJoin('operation as o', 'o.operation_key', 'w.operation_key')
    .selectAll('w')
    .where('c.closed_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb.and([eb('w.state', '=', 'open'), eb(eb.fn.coalesce('o.state', sql.lit('intended')), '=', 'intended')]),
        eb.and([eb('w.state', '=', 'claimed'), eb(eb.fn.coalesce('o.state', sql.lit('applied')), '=', 'applied')]),
      ]),
    );
  if (filter.personId !== undefined) query = query.where('w.person_id', '=', filter.personId);
  if (filter.n !== undefined) query = query.where('w.n', '=', filter.n);
  return query.orderBy('w.opened_at').orderBy('w.wait_id').execute();
}

/** In words, without a person: `grant reader`, `disable login`. */
export function waitLabel({ action, vendor_entitlement_id }: OutsideWait): string {
  return `${action} ${vendor_entitlement_id ?? 'login'}`;
}
