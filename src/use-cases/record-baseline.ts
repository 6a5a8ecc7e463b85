/** Records what a system holds as found before Usher: accounts, grants, evidence. From then on the system is in baseline. */
import { AppError } from '../domain/errors.ts';
import type { CorrelatedAccounts } from '../domain/correlate-accounts.ts';
import { vendorKey } from '../domain/policy-index.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import { indexOf } from '../store/person-context.ts';
import { sha256Hex } from '../store/sha256.ts';
import { modeOf, setMode } from '../store/system-modes.ts';
import type { ServerDeps } from './server-deps.ts';
import { correlate, readInventory, targetSystem, type ReadingState, type TargetSystem } from './system-inventory.ts';

export interface UnmatchedView {
  accountId: string;
  canLogIn: boolean;
  because: string;
}

export type BaselineResult =
  | ReadingState
  | {
      state: 'recorded';
      systemId: string;
      accounts: number;
      people: number;
      grants: number;
      unmatched: UnmatchedView[];
    };

const ACCOUNTS_PER_BATCH = 500;

/**
 * Idempotent: what is recorded already stays as it is, so that access which Usher gave does not become "found". Throws
 * AppError `conflict` for a system that was confirmed as enforced: what grew there since must not become justified.
 */
export async function recordBaseline(
  deps: ServerDeps,
  input: { systemId: string; requestId: string | null; by: string },
): Promise<BaselineResult> {
  const { systemId, by } = input;
  const target = await targetSystem(deps, systemId);
  await refuseEnforced(deps.db, systemId);
  const inventory = await readInventory(deps, { systemId, requestId: input.requestId });
  if (inventory.state === 'reading') return inventory;
  const { matched, unmatched } = await correlate(deps.db, systemId, inventory.accounts);
  await recordFoundByBatches(deps, target, matched);
  const accounts = inventory.accounts.length;
  const grants = matched.reduce((sum, { account }) => sum + account.vendorEntitlementIds.length, 0);
  await deps.db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'baseline', systemId);
    await refuseEnforced(tx, systemId);
    const now = deps.now();
    await setMode(tx, { systemId, mode: 'baseline', by, diffHash: null }, now);
    const body = { systemId, mode: 'baseline', by, accounts, people: matched.length, grants, at: now.toISOString() };
    const operationKey = `baseline/${systemId}`;
    await appendEvidence(
      tx,
      deps.vault,
      [{ operationKey, kind: 'systemMode', personId: null, caseId: null, body, values: null }],
      now,
    );
  });
  return {
    state: 'recorded',
    systemId,
    accounts,
    people: matched.length,
    grants,
    unmatched: unmatchedViews(unmatched),
  };
}

export function unmatchedViews(unmatched: CorrelatedAccounts['unmatched']): UnmatchedView[] {
  return unmatched
    .map(({ account, because }) => ({ accountId: account.accountId, canLogIn: account.canLogIn, because }))
    .toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1));
}

async function refuseEnforced(db: Parameters<typeof modeOf>[0], systemId: string): Promise<void> {
  const { mode, isSet } = await modeOf(db, systemId);
  if (isSet && mode === 'enforced')
    throw new AppError('conflict', `${systemId} is enforced: what it holds now must not become justified as found.`);
}

const batchesOf = <T>(rows: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(rows.length / ACCOUNTS_PER_BATCH) }, (_, n) =>
    rows.slice(n * ACCOUNTS_PER_BATCH, (n + 1) * ACCOUNTS_PER_BATCH),
  );

/** Accounts, grants and evidence of what people hold, inside the caller's transaction; what is recorded already stays. */
export async function recordFoundInTx(
  deps: ServerDeps,
  tx: Tx,
  target: TargetSystem,
  matched: CorrelatedAccounts['matched'],
): Promise<void> {
  for (const batch of batchesOf(matched)) await recordBatch(deps, tx, target, batch);
}

/** The same, each batch in a transaction of its own: for whole systems. */
export async function recordFoundByBatches(
  deps: ServerDeps,
  target: TargetSystem,
  matched: CorrelatedAccounts['matched'],
): Promise<void> {
  for (const batch of batchesOf(matched))
    await deps.db.transaction().execute((tx) => recordBatch(deps, tx, target, batch));
}

/** The accounts alone: whose they are, and nothing about what they hold. */
export async function recordAccounts(
  deps: ServerDeps,
  systemId: string,
  matched: CorrelatedAccounts['matched'],
): Promise<void> {
  for (const batch of batchesOf(matched)) await insertAccounts(deps.db, systemId, batch, deps.now());
}

async function insertAccounts(
  db: ServerDeps['db'] | Tx,
  systemId: string,
  batch: CorrelatedAccounts['matched'],
  now: Date,
): Promise<void> {
  await db
    .insertInto('account')
    .values(
      batch.map(({ personId, account }) => ({
        person_id: personId,
        system_id: systemId,
        account_id: account.accountId,
        origin: 'found' as const,
        login: account.canLogIn ? ('enabled' as const) : ('disabled' as const),
        observed_at: now,
        verified_at: now,
      })),
    )
    .onConflict((conflict) => conflict.columns(['system_id', 'account_id']).doNothing())
    .execute();
}

async function recordBatch(
  deps: ServerDeps,
  tx: Tx,
  { version, system }: TargetSystem,
  batch: CorrelatedAccounts['matched'],
): Promise<void> {
  const now = deps.now();
  await insertAccounts(tx, system.id, batch, now);
  await insertFound(tx, { version, system }, batch, now);
  const records = batch.map(({ personId, account }): EvidenceInput => ({
    operationKey: sha256Hex(`baseline|${system.id}|${personId}`),
    kind: 'found',
    personId,
    caseId: null,
    body: {
      what: 'baseline',
      systemId: system.id,
      accountId: account.accountId,
      vendorEntitlementIds: account.vendorEntitlementIds.toSorted(),
    },
    values: null,
  }));
  await appendEvidence(tx, deps.vault, records, now);
}

async function insertFound(
  tx: Tx,
  { version, system }: TargetSystem,
  batch: CorrelatedAccounts['matched'],
  now: Date,
): Promise<void> {
  const index = indexOf(version.policy);
  const grants = batch.flatMap(({ personId, account }) =>
    [...new Set(account.vendorEntitlementIds)].map((vendorId) => ({
      person_id: personId,
      system_id: system.id,
      vendor_entitlement_id: vendorId,
      entitlement_id: index.entitlementByVendorKey.get(vendorKey(system.id, vendorId))?.id ?? null,
      basis: 'found' as const,
      state: 'held' as const,
      spell_n: null,
      since: now,
      verified_at: now,
    })),
  );
  for (let from = 0; from < grants.length; from += 2_000)
    await tx
      .insertInto('person_grant')
      .values(grants.slice(from, from + 2_000))
      .onConflict((conflict) => conflict.columns(['person_id', 'system_id', 'vendor_entitlement_id']).doNothing())
      .execute();
}
