/** In which mode each system is, and what was found on systems before Usher held them to policy. */
import type { FoundGrant } from '../domain/justified.ts';
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

/** What the person held before Usher, on systems that are still in baseline: justified as found. */
export async function foundGrantsOf(db: Db | Tx, personId: string): Promise<FoundGrant[]> {
  const rows = await db
    .selectFrom('person_grant as g')
    .innerJoin('system_mode as m', 'm.system_id', 'g.system_id')
    .select(['g.system_id', 'g.entitlement_id', 'g.vendor_entitlement_id'])
    .where('g.person_id', '=', personId)
    .where('g.basis', '=', 'found')
    .where('g.state', '=', 'held')
    .where('m.mode', '=', 'baseline')
    .orderBy('g.system_id')
    .orderBy('g.vendor_entitlement_id')
    .execute();
  return rows.map((row) => ({
    systemId: row.system_id,
    entitlementId: row.entitlement_id,
    vendorEntitlementId: row.vendor_entitlement_id,
  }));
}
