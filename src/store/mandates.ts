/** Mandates: who may decide in whose place. Only what the server signed counts. */
import type { Selectable } from 'kysely';
import type { Mandate } from '../domain/mandates.ts';
import type { Db, Tx } from './db.ts';
import type { Signer, Verifier } from './signing-key.ts';
import type { ApprovalMandateTable } from './approval-tables.ts';

export type MandateRow = Selectable<ApprovalMandateTable>;
type Unsigned = Omit<MandateRow, 'key_id' | 'signature'>;

const document = (row: Unsigned): unknown => ({
  mandateId: row.mandate_id,
  kind: row.kind,
  approvalId: row.approval_id,
  personId: row.person_id,
  fromId: row.from_id,
  toId: row.to_id,
  validFrom: row.valid_from.toISOString(),
  validUntil: row.valid_until?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
});

/** Signs and stores a mandate. */
export async function insertMandate(tx: Tx, signer: Signer, row: Unsigned): Promise<void> {
  const { keyId, signature } = signer.sign('mandate', document(row));
  await tx
    .insertInto('approval_mandate')
    .values({ ...row, key_id: keyId, signature })
    .execute();
}

/** Ends a mandate at `at` by signing it again; what was decided before stays valid. */
export async function endMandate(tx: Tx, signer: Signer, row: MandateRow, at: Date): Promise<void> {
  const ended = { ...row, valid_until: at };
  const { keyId, signature } = signer.sign('mandate', document(ended));
  await tx
    .updateTable('approval_mandate')
    .set({ valid_until: at, key_id: keyId, signature })
    .where('mandate_id', '=', row.mandate_id)
    .execute();
}

/** Mandates of an approval, and the deputies whose time is not over at `at`; oldest first, signed ones only. */
export async function mandatesFor(db: Db | Tx, verifier: Verifier, approvalId: string, at: Date): Promise<Mandate[]> {
  const rows = await db
    .selectFrom('approval_mandate')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('approval_id', '=', approvalId),
        eb.and([eb('approval_id', 'is', null), eb.or([eb('valid_until', 'is', null), eb('valid_until', '>', at)])]),
      ]),
    )
    .orderBy('created_at')
    .orderBy('mandate_id')
    .execute();
  return rows.filter((row) => isSignedMandate(row, verifier)).map(mandateOf);
}

/** Signed mandates by id. */
export async function mandatesById(
  db: Db | Tx,
  verifier: Verifier,
  ids: readonly string[],
): Promise<Map<string, Mandate>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('approval_mandate')
    .selectAll()
    .where('mandate_id', 'in', [...new Set(ids)])
    .execute();
  const signed = rows.filter((row) => isSignedMandate(row, verifier));
  return new Map(signed.map((row) => [row.mandate_id, mandateOf(row)]));
}

/** Deputies that were not over at `at`, of everybody or of one person on either side. */
export async function deputiesAt(db: Db | Tx, verifier: Verifier, at: Date, personId?: string): Promise<MandateRow[]> {
  let query = db
    .selectFrom('approval_mandate')
    .selectAll()
    .where('kind', '=', 'deputy')
    .where('valid_until', '>', at)
    .orderBy('valid_from')
    .limit(500);
  if (personId !== undefined) {
    query = query.where((eb) => eb.or([eb('from_id', '=', personId), eb('to_id', '=', personId)]));
  }
  return (await query.execute()).filter((row) => isSignedMandate(row, verifier));
}

function isSignedMandate(row: MandateRow, verifier: Verifier): boolean {
  return verifier.verify('mandate', document(row), { keyId: row.key_id, signature: row.signature });
}

function mandateOf(row: MandateRow): Mandate {
  return {
    mandateId: row.mandate_id,
    kind: row.kind,
    approvalId: row.approval_id,
    fromId: row.from_id,
    toId: row.to_id,
    validFrom: row.valid_from.toISOString(),
    validUntil: row.valid_until?.toISOString() ?? null,
  };
}
