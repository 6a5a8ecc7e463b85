/** Kysely's view of the table of the story; the others are in `tables.ts`. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

export interface StoryTable {
  story_id: Generated<string>;
  at: ColumnType<Date, Date, Date>;
  person_id: string | null;
  n: number | null;
  kind: string;
  data: JSONColumnType<Record<string, unknown>, string, string>;
}
