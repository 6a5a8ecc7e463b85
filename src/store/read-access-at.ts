/** What Usher's rows say about one entitlement of one person at a moment: the questions to people, and whether it was held. */
import type { AskedAccess } from '../domain/explain-access.ts';
import type { EntitlementPolicy } from '../schemas/policy.ts';
import type { Db } from './db.ts';

/** Approvals of the spell that asked about the entitlement by then, oldest first, in their state of then. */
export async function readAsked(
  db: Db,
  personId: string,
  entitlementId: string,
  spellN: number,
  at: Date,
): Promise<AskedAccess[]> {
  const rows = await db
    .selectFrom('approval as a')
    .innerJoin('usher_case as c', (join) => join.onRef('c.person_id', '=', 'a.person_id').onRef('c.n', '=', 'a.n'))
    .selectAll('a')
    .where('a.person_id', '=', personId)
    .where('c.spell_n', '=', spellN)
    .where('a.opened_at', '<=', at)
    .orderBy('a.opened_at')
    .orderBy('a.approval_id')
    .execute();
  return rows.flatMap((row) => {
    const isClosed = row.closed_at !== null && row.closed_at <= at;
    return row.items
      .filter((item) => item.entitlementId === entitlementId)
      .map((item): AskedAccess => ({
        approvalId: row.approval_id,
        item,
        state: isClosed ? row.state : 'open',
        openedAt: row.opened_at.toISOString(),
        expiresAt: row.expires_at.toISOString(),
        closedAt: isClosed && row.closed_at ? row.closed_at.toISOString() : null,
      }));
  });
}

export interface HeldThen {
  since: string;
  verifiedAt: string | null;
  basis: 'policy' | 'decision' | 'found';
  /** When it ended; null while it was held. */
  revokedAt: string | null;
}

/** The latest grant that Usher knows of, if it had begun by then; earlier grants of the same are in the evidence only. */
export async function readHeld(
  db: Db,
  personId: string,
  entitlement: Pick<EntitlementPolicy, 'system' | 'vendorId'>,
  at: Date,
): Promise<HeldThen | null> {
  const row = await db
    .selectFrom('person_grant')
    .selectAll()
    .where('person_id', '=', personId)
    .where('system_id', '=', entitlement.system)
    .where('vendor_entitlement_id', '=', entitlement.vendorId)
    .where('since', '<=', at)
    .executeTakeFirst();
  if (!row) return null;
  const isRevoked = row.revoked_at !== null && row.revoked_at <= at;
  return {
    since: row.since.toISOString(),
    verifiedAt: row.verified_at !== null && row.verified_at <= at ? row.verified_at.toISOString() : null,
    basis: row.basis,
    revokedAt: isRevoked ? (row.revoked_at?.toISOString() ?? null) : null,
  };
}
