/** Whether somebody has left: from that moment no token, link or code of theirs works, whatever its own expiry says. */
import type { Db, Tx } from '../store/db.ts';

/** True for an erased person, and while the departure that stands for the person (its number is the fence) has started. */
export async function hasDeparted(db: Db | Tx, personId: string): Promise<boolean> {
  const row = await db
    .selectFrom('person as p')
    .leftJoin('cutoff as f', (join) =>
      join.onRef('f.person_id', '=', 'p.person_id').onRef('f.n', '=', 'p.fence').on('f.state', '=', 'started'),
    )
    .select(['p.erased_at', 'f.n as departure'])
    .where('p.person_id', '=', personId)
    .executeTakeFirst();
  return row !== undefined && (row.erased_at !== null || row.departure !== null);
}
