/**
 * From baseline to enforced: shows who would gain and lose once only policy and decisions count on a system, and switches
 * when exactly that difference was confirmed. Then each of them gets a case, which carries it out.
 */
import { canonicalJson } from '../domain/canonical-json.ts';
import type { CorrelatedAccounts } from '../domain/correlate-accounts.ts';
import { AppError } from '../domain/errors.ts';
import { vendorKey } from '../domain/policy-index.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { Item } from '../schemas/item.ts';
import { lockInTx } from '../store/db.ts';
import { justifiedNow, mayAccess, planAccess, readPersonContext, type PersonContext } from '../store/person-context.ts';
import { readNames } from '../store/read-names.ts';
import { sha256Hex } from '../store/sha256.ts';
import { modeOf, setMode } from '../store/system-modes.ts';
import { askReviews } from './open-reviews.ts';
import { recordFoundInTx, unmatchedViews, type UnmatchedView } from './record-baseline.ts';
import type { ServerDeps } from './server-deps.ts';
import { correlate, readInventory, targetSystem, type ReadingState, type TargetSystem } from './system-inventory.ts';

export interface PersonDiff {
  personId: string;
  gains: { entitlementId: string; label: string; decidedBy: string[] }[];
  loses: { entitlementId: string; vendorEntitlementId: string; label: string }[];
  /** What nothing justifies and the catalogue does not know: nobody decides about it, so it is not taken. */
  stays: string[];
  /** Why it cannot be told what the person would gain; null where it can. */
  undecided: 'noApprover' | 'noProfile' | null;
}

export type EnforceResult =
  | ReadingState
  | {
      state: 'diff';
      systemId: string;
      mode: string;
      isSwitched: boolean;
      diffHash: string;
      people: (Omit<PersonDiff, 'personId'> & { person: { personId: string; name: string } })[];
      orphans: UnmatchedView[];
    };

export interface EnforceInput {
  systemId: string;
  requestId: string | null;
  /** The hash of the difference that a person read; null to read it. */
  confirm: string | null;
  by: string;
}

const PEOPLE_AT_ONCE = 6;

/**
 * Each call reads the system anew. Switching is refused as `stale` when the difference is not the confirmed one any more,
 * and as `conflict` where policy only observes the system. Confirming an enforced system again changes nothing.
 */
export async function enforceSystem(deps: ServerDeps, input: EnforceInput): Promise<EnforceResult> {
  const { systemId, confirm } = input;
  const target = await targetSystem(deps, systemId);
  const { version, system } = target;
  if (system.mode === 'observe')
    throw new AppError('conflict', `Policy says that ${systemId} is observed only; it cannot be enforced.`);
  const inventory = await readInventory(deps, { systemId, requestId: input.requestId });
  if (inventory.state === 'reading') return inventory;
  const correlated = await correlate(deps.db, systemId, inventory.accounts);
  const people = await diffOf(deps, systemId, correlated);
  const orphans = unmatchedViews(correlated.unmatched);
  const diffHash = sha256Hex(canonicalJson({ systemId, policyHash: version.policyHash, people, orphans }));
  if (confirm !== null && confirm !== diffHash)
    throw new AppError('stale', 'The difference is another one than the confirmed: read it again.', 'confirm');
  const isSwitched = confirm !== null && (await switchOn(deps, input, { target, diffHash, correlated, people }));
  const nameOf = await readNames(
    deps.db,
    deps,
    people.map(({ personId }) => personId),
  );
  return {
    state: 'diff',
    systemId,
    mode: (await modeOf(deps.db, systemId)).mode,
    isSwitched,
    diffHash,
    people: people.map(({ personId, ...diff }) => ({ person: { personId, name: nameOf(personId) }, ...diff })),
    orphans,
  };
}

interface Confirmed {
  target: TargetSystem;
  diffHash: string;
  correlated: CorrelatedAccounts;
  people: readonly PersonDiff[];
}

async function switchOn(
  deps: ServerDeps,
  input: EnforceInput,
  { target, diffHash, correlated, people }: Confirmed,
): Promise<boolean> {
  const { systemId, by } = input;
  return deps.db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'baseline', systemId);
    const { mode, isSet } = await modeOf(tx, systemId);
    if (isSet && mode === 'enforced') return false;
    const now = deps.now();
    // What was given by hand since the baseline is in the difference too: as found, it is Usher's to take.
    await recordFoundInTx(deps, tx, target, correlated.matched);
    await setMode(tx, { systemId, mode: 'enforced', by, diffHash }, now);
    const touched = people.filter(({ gains, loses }) => gains.length + loses.length > 0);
    await askReviews(
      tx,
      touched.map(({ personId }) => personId),
      `enforce/${systemId}`,
      now,
    );
    const body = { systemId, mode: 'enforced', by, diffHash, people: people.length, at: now.toISOString() };
    const about = { operationKey: `enforce/${systemId}`, personId: null, caseId: null };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'systemMode', body, values: null }], now);
    return true;
  });
}

/** People for whom something changes, by id; everybody with a spell is asked about. */
async function diffOf(deps: ServerDeps, systemId: string, { matched }: CorrelatedAccounts): Promise<PersonDiff[]> {
  const held = new Map(matched.map(({ personId, account }) => [personId, account.vendorEntitlementIds] as const));
  const rows = await deps.db
    .selectFrom('person')
    .select('person_id')
    .where('spell_n', 'is not', null)
    .orderBy('person_id')
    .execute();
  const waiting = rows.map((row) => row.person_id);
  const diffs: PersonDiff[] = [];
  const at = deps.now().toISOString();
  const work = async (): Promise<void> => {
    for (let personId = waiting.shift(); personId !== undefined; personId = waiting.shift()) {
      const context = await readPersonContext(deps.db, deps, personId);
      const diff = context ? personDiff(context, systemId, held.get(personId) ?? [], at) : null;
      if (diff && changes(diff)) diffs.push(diff);
    }
  };
  await Promise.all(Array.from({ length: PEOPLE_AT_ONCE }, work));
  return diffs.toSorted((a, b) => (a.personId < b.personId ? -1 : 1));
}

const changes = ({ gains, loses, stays, undecided }: PersonDiff): boolean =>
  gains.length + loses.length + stays.length > 0 || undecided !== null;

function personDiff(context: PersonContext, systemId: string, held: readonly string[], at: string): PersonDiff {
  const personId = context.person.person_id;
  const { index } = context;
  const without = (kept: ReadonlySet<string>): Pick<PersonDiff, 'loses' | 'stays'> => {
    const going = held.filter((vendorId) => !kept.has(vendorId)).toSorted();
    const known = (vendorId: string) => index.entitlementByVendorKey.get(vendorKey(systemId, vendorId));
    return {
      loses: going.flatMap((vendorEntitlementId) => {
        const entitlementId = known(vendorEntitlementId)?.id;
        return entitlementId === undefined ? [] : [{ entitlementId, vendorEntitlementId, label: entitlementId }];
      }),
      stays: going.filter((vendorId) => known(vendorId) === undefined),
    };
  };
  if (!mayAccess(context, at)) return { personId, gains: [], ...without(new Set()), undecided: null };
  try {
    const plan = planAccess(context, at);
    const justified = justifiedNow(context, plan, at).filter(({ because }) => because.kind !== 'found');
    const kept = new Set(
      justified.filter((each) => each.systemId === systemId).map((each) => each.vendorEntitlementId),
    );
    const isUnprofiled = plan.chosenProfileIds === null && plan.items.some(({ action }) => action === 'assignProfile');
    const gains = plan.items
      .filter((item) => item.action === 'grant' && item.systemId === systemId)
      .filter((item) => !held.includes(item.vendorEntitlementId ?? ''))
      .map((item) => ({
        entitlementId: item.entitlementId ?? '',
        label: item.entitlementId ?? '',
        decidedBy: decidersOf(item),
      }));
    return { personId, gains, ...without(kept), undecided: isUnprofiled ? 'noProfile' : null };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'noApprover') throw error;
    return { personId, gains: [], ...without(new Set()), undecided: 'noApprover' };
  }
}

function decidersOf({ route }: Item): string[] {
  return route.kind === 'policy' ? ['policy'] : route.seats.map(({ role }) => role);
}
