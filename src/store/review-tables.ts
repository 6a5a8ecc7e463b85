/** Kysely's view of the people whose access is to be looked at again; the other tables are in `tables.ts`. */
import type { ColumnType } from 'kysely';

export interface PersonReviewTable {
  person_id: string;
  /** What asked for it, with the thing that it is about: `enforce/SYSTEM`. */
  cause: string;
  asked_at: ColumnType<Date, Date, never>;
  done_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
}
