/** The outcome of each item under its operation key, so that a retry goes on where the last attempt stopped. */
import type { Selectable } from 'kysely';
import type { Db, Tx } from './db.ts';
import { sha256Hex } from './sha256.ts';
import type { OperationState, OperationTable } from './tables.ts';

export type OperationRow = Selectable<OperationTable>;

/**
 * Stable over retries, replays and restarts: case, item and the round of the business retry.
 * It goes into the vendor's slot for an idempotency key where there is one.
 */
export function operationKeyOf(input: {
  personId: string;
  n: number;
  k: number;
  itemDigest: string;
  round: number;
}): string {
  return sha256Hex(`${input.personId}|${input.n}|${input.k}|${input.itemDigest}|${input.round}`);
}

export async function operationsOf(db: Db | Tx, operationKeys: string[]): Promise<Map<string, OperationRow>> {
  if (operationKeys.length === 0) return new Map();
  const rows = await db.selectFrom('operation').selectAll().where('operation_key', 'in', operationKeys).execute();
  return new Map(rows.map((row) => [row.operation_key, row]));
}

export interface OperationPatch {
  state: OperationState;
  outcome?: string | null;
  account_id?: string | null;
  vendor_request_id?: string | null;
  error_code?: string | null;
}

export interface OperationKey {
  operationKey: string;
  personId: string;
  n: number;
  k: number;
  itemDigest: string;
  systemId: string;
  round: number;
}

/** Inserts the operation or moves it on. */
export async function saveOperation(db: Db | Tx, key: OperationKey, patch: OperationPatch, now: Date): Promise<void> {
  return saveOperations(db, [{ key, patch }], now);
}

/** Many in one statement. All patches name the same columns, and no operation comes twice. */
export async function saveOperations(
  db: Db | Tx,
  changes: readonly { key: OperationKey; patch: OperationPatch }[],
  now: Date,
): Promise<void> {
  const [first] = changes;
  if (!first) return;
  const columns = ['updated_at', ...(Object.keys(first.patch) as (keyof OperationPatch)[])] as const;
  await db
    .insertInto('operation')
    .values(changes.map(({ key, patch }) => toRow(key, patch, now)))
    .onConflict((conflict) =>
      conflict
        .column('operation_key')
        .doUpdateSet((eb) => Object.fromEntries(columns.map((name) => [name, eb.ref(`excluded.${name}`)]))),
    )
    .execute();
}

function toRow(key: OperationKey, patch: OperationPatch, now: Date): OperationRow {
  return {
    operation_key: key.operationKey,
    person_id: key.personId,
    n: key.n,
    k: key.k,
    item_digest: key.itemDigest,
    system_id: key.systemId,
    round: key.round,
    state: patch.state,
    outcome: patch.outcome ?? null,
    account_id: patch.account_id ?? null,
    vendor_request_id: patch.vendor_request_id ?? null,
    error_code: patch.error_code ?? null,
    updated_at: now,
  };
}
