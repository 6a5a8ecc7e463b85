/**
 * The rate of a system, shared by all processes: time is cut into windows by the clock of the database, and each process
 * takes slices of a window's calls from one row. What is taken and not used is lost with its window.
 */
import { sql } from 'kysely';
import type { Db } from './db.ts';

export interface CallSlice {
  scope: string;
  lane: 'normal' | 'urgent';
  windowMs: number;
  /** Calls of one window for both lanes together. */
  callsMax: number;
  /** Of these the normal lane may take so many; the rest is kept for the urgent one. */
  normalMax: number;
  wanted: number;
}

export interface SliceAnswer {
  /** All that was wanted, or nothing. */
  isGranted: boolean;
  /** Until the window of the answer ends. */
  remainingMs: number;
}

/** Takes a slice or leaves the row alone. One statement: two processes never take the same call. */
export async function takeSlice(db: Db, slice: CallSlice): Promise<SliceAnswer> {
  const { scope, lane, windowMs, callsMax, normalMax, wanted } = slice;
  const [normal, urgent] = lane === 'normal' ? [wanted, 0] : [0, wanted];
  const { rows } = await sql<{ is_granted: boolean; remaining_ms: number }>`
    with clock as (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms),
    spot as (select now_ms / ${windowMs}::bigint as window_n, ${windowMs}::bigint - now_ms % ${windowMs}::bigint as remaining_ms from clock),
    taken as (
      insert into rate_budget as b (scope, window_n, normal, urgent)
      select ${scope}, window_n, ${normal}::int, ${urgent}::int from spot
      where ${normal}::int <= ${normalMax}::int and ${wanted}::int <= ${callsMax}::int
      on conflict (scope) do update set
        window_n = excluded.window_n,
        normal = case when b.window_n = excluded.window_n then b.normal else 0 end + excluded.normal,
        urgent = case when b.window_n = excluded.window_n then b.urgent else 0 end + excluded.urgent
      where b.window_n < excluded.window_n
        or (b.window_n = excluded.window_n
          and b.normal + b.urgent + ${wanted}::int <= ${callsMax}::int
          and (${normal}::int = 0 or b.normal + ${normal}::int <= ${normalMax}::int))
      returning 1
    )
    select exists (select 1 from taken) as is_granted, remaining_ms::int from spot`.execute(db);
  const row = rows[0];
  return { isGranted: row?.is_granted ?? false, remainingMs: row?.remaining_ms ?? windowMs };
}
