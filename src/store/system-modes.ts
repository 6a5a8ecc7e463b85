/** In which mode each system is, and what was found on systems before Usher held them to policy. */
import type { Db, Tx } from './db.ts';

/** `enforced` is also what a system without a row is: it was there when Usher began. */
export type SystemMode = 'baseline' | 'enforced';

export interface SystemModeRow {
  mode: SystemMode;
  /** False for a system of which nobody ever said anything. */
  isSet: boolean;
}

export async function modeOf(db: Db | Tx, systemId: string): Promise<SystemModeRow> {
  const row = await db.selectFrom('system_mode').select('mode').where('system_id', '=', systemId).executeTakeFirst();
  return row ? { mode: row.mode, isSet: true } : { mode: 'enforced', isSet: false };
}

export async function setMode(
  tx: Tx,
  change: { systemId: string; mode: SystemMode; by: string; diffHash: string | null },
  now: Date,
): Promise<void> {
  const row = { mode: change.mode, since: now, set_by: change.by, diff_hash: change.diffHash };
  await tx
    .insertInto('system_mode')
    .values({ system_id: change.systemId, ...row })
    .onConflict((conflict) => conflict.column('system_id').doUpdateSet(row))
    .execute();
}

/** Systems that Usher does not hold to policy yet. */
export async function baselineSystemIds(db: Db | Tx): Promise<ReadonlySet<string>> {
  return systemsIn(db, 'baseline');
}

/** Systems that somebody switched to enforcing: what was found there before is held to policy too. */
export async function enforcedSystemIds(db: Db | Tx): Promise<ReadonlySet<string>> {
  return systemsIn(db, 'enforced');
}

async function systemsIn(db: Db | Tx, mode: SystemMode): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('system_mode').select('system_id').where('mode', '=', mode).execute();
  return new Set(rows.map((row) => row.system_id));
}
