/** Kysely's view of the table of calls that processes share; the others are in `tables.ts`. */

export interface RateBudgetTable {
  scope: string;
  window_n: string;
  normal: number;
  urgent: number;
}
