/** Approvals and the signed decisions on them. What counts is what the server signed: rows without its signature are ignored. */
import type { Selectable } from 'kysely';
import type { ItemVerdict } from '../schemas/decision.ts';
import type { Item, Seat } from '../schemas/item.ts';
import type { Db, Tx } from './db.ts';
import type { Signer, Verifier } from './signing-key.ts';
import type { ApprovalTable, DecisionTable } from './tables.ts';

export interface ApprovalRow extends Omit<Selectable<ApprovalTable>, 'seats' | 'items'> {
  seats: Seat[];
  items: Item[];
}

export interface DecisionRow extends Omit<Selectable<DecisionTable>, 'verdicts'> {
  verdicts: ItemVerdict[];
}

type Unsigned = Omit<DecisionRow, 'key_id' | 'signature' | 'reason_sealed'>;

const document = (row: Unsigned): unknown => ({
  decisionId: row.decision_id,
  approvalId: row.approval_id,
  personId: row.person_id,
  spellN: row.spell_n,
  approverId: row.approver_id,
  surface: row.surface,
  verdicts: row.verdicts,
  reasonDigest: row.reason_digest,
  decidedAt: row.decided_at.toISOString(),
});

/** Signs and stores a decision. */
export async function insertDecision(
  tx: Tx,
  signer: Signer,
  decision: Unsigned & { reason_sealed: Buffer | null },
): Promise<void> {
  const { reason_sealed, ...unsigned } = decision;
  const { keyId, signature } = signer.sign('decision', document(unsigned));
  await tx
    .insertInto('decision')
    .values({ ...unsigned, reason_sealed, verdicts: JSON.stringify(decision.verdicts), key_id: keyId, signature })
    .execute();
}

export function isSignedDecision(row: DecisionRow, verifier: Verifier): boolean {
  return verifier.verify('decision', document(row), { keyId: row.key_id, signature: row.signature });
}

/** Decisions of one spell, oldest first, only those that carry the server's signature. */
export async function decisionsOfSpell(
  db: Db | Tx,
  verifier: Verifier,
  personId: string,
  spellN: number,
): Promise<DecisionRow[]> {
  const rows = (await db
    .selectFrom('decision')
    .selectAll()
    .where('person_id', '=', personId)
    .where('spell_n', '=', spellN)
    .orderBy('decided_at')
    .execute()) as unknown as DecisionRow[];
  return rows.filter((row) => isSignedDecision(row, verifier));
}

export async function decisionsOfApproval(db: Db | Tx, verifier: Verifier, approvalId: string): Promise<DecisionRow[]> {
  const rows = (await db
    .selectFrom('decision')
    .selectAll()
    .where('approval_id', '=', approvalId)
    .orderBy('decided_at')
    .execute()) as unknown as DecisionRow[];
  return rows.filter((row) => isSignedDecision(row, verifier));
}

export async function getApproval(db: Db | Tx, approvalId: string): Promise<ApprovalRow | null> {
  const row = await db.selectFrom('approval').selectAll().where('approval_id', '=', approvalId).executeTakeFirst();
  return (row as unknown as ApprovalRow) ?? null;
}

export async function approvalsOfCase(db: Db | Tx, personId: string, n: number): Promise<ApprovalRow[]> {
  const rows = await db
    .selectFrom('approval')
    .selectAll()
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .orderBy('k')
    .execute();
  return rows;
}
