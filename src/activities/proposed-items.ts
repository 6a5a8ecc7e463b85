/** The items that a case proposed, by digest. */
import type { Item } from '../schemas/item.ts';
import type { Db } from '../store/db.ts';

export async function proposedItemsOf(db: Db, personId: string, n: number): Promise<Map<string, Item>> {
  const rows = await db
    .selectFrom('proposal')
    .select('items')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .orderBy('planned_at')
    .execute();
  return new Map(
    rows.flatMap((row) => (row.items as unknown as Item[]).map((item) => [item.itemDigest as string, item])),
  );
}
