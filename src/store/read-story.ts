/** The story of all cases in order, with names, for the terminal that `npm start` prints to. */
import type { Db } from './db.ts';
import { isPublicCase } from './read-cases.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';

export interface StoryView {
  /** Grows; the next question asks for what is after it. */
  storyId: string;
  at: string;
  kind: string;
  personId: string | null;
  person: string | null;
  caseId: string | null;
  data: Record<string, unknown>;
}

export interface StoryFilter {
  after: string;
  canSeeDepartures: boolean;
  limit?: number;
}

/** Lines after `after`, oldest first; at most `limit` (200 by default). */
export async function listStory(db: Db, keys: SnapshotKeys, filter: StoryFilter): Promise<StoryView[]> {
  let query = db
    .selectFrom('story as s')
    .selectAll('s')
    .where('s.story_id', '>', filter.after)
    .orderBy('s.story_id')
    .limit(filter.limit ?? 200);
  if (!filter.canSeeDepartures) {
    query = query.where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('usher_case as c')
            .select('c.n')
            .whereRef('c.person_id', '=', 's.person_id')
            .whereRef('c.n', '=', 's.n')
            .where((inner) => inner.not(isPublicCase(inner as never))),
        ),
      ),
    );
  }
  const rows = await query.execute();
  const nameOf = await readNames(
    db,
    keys,
    rows.map((row) => row.person_id),
  );
  return rows.map((row) => ({
    storyId: row.story_id,
    at: row.at.toISOString(),
    kind: row.kind,
    personId: row.person_id,
    person: row.person_id === null ? null : nameOf(row.person_id),
    caseId: row.person_id !== null && row.n !== null ? `case_${row.person_id}_${row.n}` : null,
    data: row.data,
  }));
}
