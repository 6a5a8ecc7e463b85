/**
 * Takes the inventory of a system into the catalogue: what it offers, who owns that, which accounts there are, whose they
 * are and what they hold. Nothing about who may hold what changes, except in a system in baseline, where what people hold
 * is recorded as found like `baseline` does.
 */
import type { CorrelatedAccounts } from '../domain/correlate-accounts.ts';
import { vendorKey } from '../domain/policy-index.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { ListedAccounts } from '../schemas/system-accounts.ts';
import { foundEntitlements } from '../store/found-rows.ts';
import { indexOf } from '../store/person-context.ts';
import { modeOf, type SystemMode } from '../store/system-modes.ts';
import { recordAccounts, recordFoundByBatches } from './record-baseline.ts';
import type { ServerDeps } from './server-deps.ts';
import { correlate, readInventory, targetSystem, type ReadingState, type TargetSystem } from './system-inventory.ts';

/** An account that answers to nobody whom Usher knows. */
export interface OrphanView {
  accountId: string;
  vendorStatus: string;
  canLogIn: boolean;
  /** So many entitlements. */
  holds: number;
  because: CorrelatedAccounts['unmatched'][number]['because'];
}

export interface TakenInventory {
  state: 'taken';
  systemId: string;
  mode: SystemMode | 'observe';
  accounts: number;
  /** Whose accounts they are, where Usher can tell. */
  people: number;
  /** Accounts times what each holds. */
  assignments: number;
  /** True where what people hold was recorded as found. */
  isRecordedAsFound: boolean;
  entitlements: {
    total: number;
    /** That the policy names. */
    inPolicy: number;
    /** With an owner, by the policy or by the system itself. */
    owned: number;
  };
  orphans: OrphanView[];
}

/** So long one call waits; progress is to be seen meanwhile. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * Joins a reading that is under way, and goes on with one that broke off. Throws AppError like `readInventory`; what was
 * read before a failure stays, and the next call goes on from there.
 */
export async function takeInventory(
  deps: ServerDeps,
  { systemId, requestId, by }: { systemId: string; requestId: string | null; by: string },
): Promise<ReadingState | TakenInventory> {
  const target = await targetSystem(deps, systemId);
  const inventory = await readInventory(deps, {
    systemId,
    requestId,
    joins: true,
    answerWithinMs: ANSWER_WITHIN_MS,
  });
  if (inventory.state === 'reading') return inventory;
  const correlated = await correlate(deps.db, systemId, inventory.accounts);
  const { mode } = await modeOf(deps.db, systemId);
  const isRecordedAsFound = mode === 'baseline';
  if (isRecordedAsFound) await recordFoundByBatches(deps, target, correlated.matched);
  else await recordAccounts(deps, systemId, correlated.matched);
  const taken: TakenInventory = {
    state: 'taken',
    systemId,
    mode: target.system.mode === 'observe' ? 'observe' : mode,
    accounts: inventory.accounts.length,
    people: correlated.matched.length,
    assignments: inventory.accounts.reduce((sum, { vendorEntitlementIds }) => sum + vendorEntitlementIds.length, 0),
    isRecordedAsFound,
    entitlements: await countEntitlements(deps, target),
    orphans: orphansOf(correlated, inventory.accounts),
  };
  await noteInventory(deps, taken, { requestId: inventory.requestId, by });
  return taken;
}

async function countEntitlements(
  deps: ServerDeps,
  { version, system }: TargetSystem,
): Promise<TakenInventory['entitlements']> {
  const found = await foundEntitlements(deps.db, system.id);
  const known = indexOf(version.policy).entitlementByVendorKey;
  const isNamed = ({ vendorEntitlementId: id }: { vendorEntitlementId: string }): boolean =>
    known.has(vendorKey(system.id, id));
  return {
    total: found.length,
    inPolicy: found.filter(isNamed).length,
    owned: found.filter((each) => isNamed(each) || each.ownerAccountIds.length > 0).length,
  };
}

function orphansOf({ unmatched }: CorrelatedAccounts, accounts: ListedAccounts): OrphanView[] {
  const statusOf = new Map(accounts.map(({ accountId, vendorStatus }) => [accountId, vendorStatus]));
  return unmatched
    .map(({ account, because }) => ({
      accountId: account.accountId,
      vendorStatus: statusOf.get(account.accountId) ?? '',
      canLogIn: account.canLogIn,
      holds: account.vendorEntitlementIds.length,
      because,
    }))
    .toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1));
}

/** One record for each reading; taking it again with the same reading adds none. */
async function noteInventory(
  deps: ServerDeps,
  { state: _state, orphans, ...counts }: TakenInventory,
  { requestId, by }: { requestId: string; by: string },
): Promise<void> {
  const body = { what: 'inventory', ...counts, orphans: orphans.length, by, readingId: requestId };
  const about = { operationKey: `inventory/${counts.systemId}/${requestId}`, personId: null, caseId: null };
  await deps.db
    .transaction()
    .execute((tx) => appendEvidence(tx, deps.vault, [{ ...about, kind: 'found', body, values: null }], deps.now()));
}
