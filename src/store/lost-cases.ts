/** Cases whose workflow is gone before their end: items of the one open incident `caseLost`, by workflow id. */
import type { Db, Tx } from './db.ts';
import { attachedItems } from './incidents.ts';

/** The incident hangs on the engine, not on a system of the company. */
export const LOST_SYSTEM_ID = 'temporal';

/** Workflow ids that are known to be lost. */
export async function lostWorkflowIds(db: Db | Tx): Promise<Set<string>> {
  const rows = await db
    .selectFrom('incident as i')
    .innerJoin('incident_item as t', 't.incident_id', 'i.incident_id')
    .select('t.item_key')
    .where('i.kind', '=', 'caseLost')
    .where('i.state', '=', 'open')
    .where('t.detached_at', 'is', null)
    .execute();
  return new Set(rows.map((row) => row.item_key));
}

/** Those of one case. */
export async function lostOfCase(db: Db | Tx, subject: { personId: string; n: number }): Promise<string[]> {
  const attached = await attachedItems(db, subject);
  return attached.filter(({ kind }) => kind === 'caseLost').map(({ itemKey }) => itemKey);
}
