/** Approvals and the signed decisions on them. What counts is what the server signed: rows without its signature are ignored. */
import type { Selectable } from 'kysely';
import { isWay, type Mandate } from '../domain/mandates.ts';
import type { Decision, ItemVerdict } from '../schemas/decision.ts';
import type { Item, Seat } from '../schemas/item.ts';
import type { Db, Tx } from './db.ts';
import { mandatesById } from './mandates.ts';
import type { Signer, Verifier } from './signing-key.ts';
import type { ApprovalTable, DecisionTable } from './tables.ts';

export interface ApprovalRow extends Omit<Selectable<ApprovalTable>, 'seats' | 'items'> {
  seats: Seat[];
  items: Item[];
}

export interface DecisionRow extends Omit<Selectable<DecisionTable>, 'verdicts'> {
  verdicts: ItemVerdict[];
}

type Place = Pick<DecisionRow, 'for_approver_id' | 'mandate_ids' | 'seats'>;
type Unsigned = Omit<DecisionRow, 'key_id' | 'signature' | 'reason_sealed' | keyof Place> & Partial<Place>;

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
  // Decisions of older versions have none of these, and their signatures hold as they are.
  ...(row.for_approver_id ? { forApproverId: row.for_approver_id, mandateIds: row.mandate_ids ?? null } : {}),
  ...(row.seats ? { seats: row.seats } : {}),
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
    .values({
      ...unsigned,
      reason_sealed,
      verdicts: JSON.stringify(decision.verdicts),
      mandate_ids: decision.mandate_ids ? JSON.stringify(decision.mandate_ids) : null,
      seats: decision.seats ? JSON.stringify(decision.seats) : null,
      for_approver_id: decision.for_approver_id ?? null,
      key_id: keyId,
      signature,
    })
    .execute();
}

/**
 * Those that carry the server's signature; who decided in the place of somebody else must have been allowed to at that
 * moment, by mandates that carry it as well.
 */
export async function signedDecisions(db: Db | Tx, verifier: Verifier, rows: DecisionRow[]): Promise<DecisionRow[]> {
  const signed = rows.filter((row) => isSignedDecision(row, verifier));
  const mandates = await mandatesById(
    db,
    verifier,
    signed.flatMap((row) => row.mandate_ids ?? []),
  );
  return signed.filter((row) => row.for_approver_id === null || hasWay(row, row.for_approver_id, mandates));
}

function hasWay(row: DecisionRow, forId: string, mandates: ReadonlyMap<string, Mandate>): boolean {
  const way = (row.mandate_ids ?? []).map((id) => mandates.get(id));
  if (way.some((mandate) => mandate === undefined)) return false;
  return isWay(
    way.flatMap((mandate) => mandate ?? []),
    {
      approvalId: row.approval_id,
      forId,
      approverId: row.approver_id,
      beneficiaryId: row.person_id,
      decidedAt: row.decided_at.toISOString(),
    },
  );
}

/** A decision row as the rules read it. Its reason stays sealed. */
export function decisionOf(row: DecisionRow): Decision {
  return {
    decisionId: row.decision_id as Decision['decisionId'],
    approvalId: row.approval_id as Decision['approvalId'],
    personId: row.person_id as Decision['personId'],
    approverId: row.approver_id as Decision['approverId'],
    surface: row.surface as Decision['surface'],
    verdicts: row.verdicts,
    reason: '',
    decidedAt: row.decided_at.toISOString(),
    ...(row.for_approver_id === null ? {} : { forApproverId: row.for_approver_id as Decision['approverId'] }),
    ...(row.seats === null ? {} : { seats: row.seats }),
  };
}

function isSignedDecision(row: DecisionRow, verifier: Verifier): boolean {
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
  return signedDecisions(db, verifier, rows);
}

export async function decisionsOfApproval(db: Db | Tx, verifier: Verifier, approvalId: string): Promise<DecisionRow[]> {
  const rows = (await db
    .selectFrom('decision')
    .selectAll()
    .where('approval_id', '=', approvalId)
    .orderBy('decided_at')
    .execute()) as unknown as DecisionRow[];
  return signedDecisions(db, verifier, rows);
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
