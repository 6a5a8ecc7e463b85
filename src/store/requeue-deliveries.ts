/**
 * After a restore: Temporal's copy is a little older than the database's, so that what was delivered in between is unknown to
 * it. All of that is delivered again, which is harmless: starts refuse duplicates, news say what rows say anyway, and an
 * update is known by its id.
 */
import type pg from 'pg';

/** Answers how many rows wait again. `since`: shortly before the copy of Temporal was made. */
export async function requeueDeliveries(client: pg.Client, since: Date): Promise<number> {
  const again = await client.query(
    `update delivery set delivered_at = null, due_at = created_at, attempts = 0 where delivered_at >= $1`,
    [since],
  );
  // A decision that came as a signal has no row of its own: the signal may be lost, the decision counts.
  const decisions = await client.query(
    `insert into delivery (delivery_id, created_at, kind, person_id, n, payload, due_at)
     select d.decision_id, d.decided_at, 'submitDecision', a.person_id, a.n,
       jsonb_build_object('decisionId', d.decision_id, 'approvalId', d.approval_id), d.decided_at
     from decision d join approval a on a.approval_id = d.approval_id
     where d.decided_at >= $1 and not exists (
       select 1 from delivery x where x.kind = 'submitDecision' and x.payload->>'decisionId' = d.decision_id::text)
     on conflict (delivery_id) do nothing`,
    [since],
  );
  return (again.rowCount ?? 0) + (decisions.rowCount ?? 0);
}
