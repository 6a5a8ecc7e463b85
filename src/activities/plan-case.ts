/** Plans a case on the latest facts, the active policy and the decisions so far. What an auditor reads is decided here. */
import { AppError } from '../domain/errors.ts';
import type { FoundAccount } from '../domain/plan-leaver.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { DepartureAuthorisation } from '../schemas/authorisation.ts';
import type { CaseKind } from '../schemas/case.ts';
import type { Item } from '../schemas/item.ts';
import { raiseAlert } from '../store/alerts.ts';
import { inputHashOf, itemsOfCase, type PlanRequest } from '../store/case-plan.ts';
import { getCase, type CaseRow } from '../store/cases.ts';
import { mayAccess, readPersonContext, type PersonContext } from '../store/person-context.ts';
import { tellStory } from '../store/story.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface PlanCaseInput {
  personId: string;
  n: number;
  /** Business time: the workflow's clock. */
  at: string;
  /** Minted by the workflow, so that a retried attempt writes the same proposal. */
  proposalId: string;
  /** For a leaver: what `findAccounts` found. */
  accounts: FoundAccount[] | null;
}

export type PlanCaseResult =
  /** Not yet: `until` is when to plan; null: the delivery loop tells. */
  | { phase: 'wait'; until: string | null }
  | { phase: 'superseded' }
  /** The departure was taken back. */
  | { phase: 'rescinded' }
  | {
      phase: 'leave';
      policyHash: string;
      cutoffSystemIds: string[];
      targetSystemIds: string[];
      sweepAfterSeconds: number[];
    }
  | {
      phase: 'items';
      kind: CaseKind;
      proposalId: string;
      policyHash: string;
      items: Item[];
      /** Items that decisions of this spell approved before: they are not asked about again. */
      approvedDigests: string[];
      /** Systems of identity providers: written first. */
      firstSystemIds: string[];
      remindAfterSeconds: number;
      expireAfterSeconds: number;
    };

/** Idempotent per proposal id. Throws only when the store cannot be read. */
export async function planCase(deps: WorkerDeps, input: PlanCaseInput): Promise<PlanCaseResult> {
  const usherCase = await getCase(deps.db, input.personId, input.n);
  if (!usherCase || usherCase.closed_at) return { phase: 'superseded' };
  const context = await readPersonContext(deps.db, deps, input.personId);
  if (!context) return { phase: 'superseded' };
  try {
    return await (usherCase.kind === 'leaver'
      ? planDeparture(deps, input, usherCase, context)
      : planArrival(deps, input, usherCase, context));
  } catch (error) {
    if (error instanceof AppError) await alertUnplannable(deps, usherCase, error);
    throw error;
  }
}

/** The plan is tried again and heals when people become known; until then somebody has to know that the case stands still. */
async function alertUnplannable(deps: WorkerDeps, usherCase: CaseRow, error: AppError): Promise<void> {
  const alertKey = `unplannable/${usherCase.case_id}`;
  const text = `${usherCase.case_id} cannot be planned: ${error.message}. It is tried again by itself.`;
  await raiseAlert(deps.db, { alertKey, kind: 'unplannable', personId: usherCase.person_id, text }, deps.now());
}

async function planArrival(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
): Promise<PlanCaseResult> {
  if (usherCase.spell_n !== context.spellN) return { phase: 'superseded' };
  const { window } = context.snapshot;
  if (Date.parse(input.at) < Date.parse(window.from)) {
    await setState(deps, usherCase, { state: 'waiting', due_at: new Date(window.from) });
    return { phase: 'wait', until: window.from };
  }
  if (!mayAccess(context, input.at)) return { phase: 'superseded' };
  const heldDigests = await readHeldDigests(deps, input.personId);
  const request: PlanRequest = { kind: usherCase.kind, at: input.at, accounts: null, heldDigests };
  const { items, approvedDigests } = itemsOfCase(context, request);
  const routes = [
    ...new Set(items.map((item) => (item.route.kind === 'policy' ? 'policy' : rolesOf(item)))),
  ].toSorted();
  await setState(deps, usherCase, { state: 'planning', is_effective: true, route: routes.join(', '), due_at: null });
  return propose(deps, input, usherCase, context, { request, items, approvedDigests });
}

async function planDeparture(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
): Promise<PlanCaseResult> {
  const cutoff = await deps.db
    .selectFrom('cutoff')
    .select(['state', 'departure'])
    .where('person_id', '=', input.personId)
    .where('n', '=', input.n)
    .executeTakeFirst();
  if (!cutoff) return { phase: 'superseded' };
  if (cutoff.state === 'rescinded') return { phase: 'rescinded' };
  if (cutoff.state === 'held') {
    await setState(deps, usherCase, { state: 'held' });
    return { phase: 'wait', until: null };
  }
  if (cutoff.state === 'scheduled') {
    // Nothing here may tell the kind or the date before the departure takes effect.
    await setState(deps, usherCase, { state: 'waiting' });
    return { phase: 'wait', until: null };
  }
  // The delivery loop started the cut-off by its own clock; the workflow's may be a moment behind.
  const at = laterOf(input.at, cutoff.departure.effectiveAt);
  if (mayAccess(context, at)) return { phase: 'superseded' };
  await setState(deps, usherCase, { state: 'planning', is_effective: true });
  if (input.accounts === null) return leavePlan(deps, context, cutoff.departure);
  // Only what the plan reads is hashed and recorded.
  const accounts = input.accounts.map(({ systemId, accountId, vendorEntitlementIds }) => ({
    systemId,
    accountId,
    vendorEntitlementIds,
  }));
  const request: PlanRequest = { kind: usherCase.kind, at: input.at, accounts, heldDigests: [] };
  return propose(deps, input, usherCase, context, { request, ...itemsOfCase(context, request) });
}

async function leavePlan(
  deps: WorkerDeps,
  context: PersonContext,
  departure: DepartureAuthorisation,
): Promise<PlanCaseResult> {
  const targets = await deps.pool.systemsOf('target');
  return {
    phase: 'leave',
    policyHash: context.policyHash,
    cutoffSystemIds: departure.systemIds,
    targetSystemIds: targets.map((system) => system.id),
    sweepAfterSeconds: context.index.policy.lifecycle.leavers.sweepsAfter,
  };
}

function laterOf(a: string, b: string): string {
  return Date.parse(a) >= Date.parse(b) ? a : b;
}

function rolesOf(item: Item): string {
  return item.route.kind === 'people' ? item.route.seats.map((seat) => seat.role).join('+') : 'policy';
}

async function readHeldDigests(deps: WorkerDeps, personId: string): Promise<string[]> {
  const rows = await deps.db
    .selectFrom('person_grant')
    .select('item_digest')
    .where('person_id', '=', personId)
    .where('state', '=', 'held')
    .where('verified_at', 'is not', null)
    .execute();
  return rows.flatMap((row) => row.item_digest ?? []).toSorted();
}

/** The plan with what it was made from. */
interface Planned {
  request: PlanRequest;
  items: Item[];
  approvedDigests: string[];
}

async function propose(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  planned: Planned,
): Promise<PlanCaseResult> {
  const { policy } = context.index;
  const { items, approvedDigests } = planned;
  await storeProposal(deps, input, usherCase, context, planned);
  return {
    phase: 'items',
    kind: usherCase.kind,
    proposalId: input.proposalId,
    policyHash: context.policyHash,
    items,
    approvedDigests,
    firstSystemIds: policy.systems.filter((system) => system.isIdentityProvider).map((system) => system.id),
    remindAfterSeconds: policy.routing.remindAfter,
    expireAfterSeconds: policy.routing.expireAfter,
  };
}

async function storeProposal(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  { request, items }: Planned,
): Promise<void> {
  const now = deps.now();
  const { personId, n, proposalId, at } = input;
  const { policyHash, snapshot } = context;
  const { snapshotId } = snapshot;
  const inputHash = inputHashOf(context, request);
  await deps.db.transaction().execute(async (tx) => {
    await tx
      .insertInto('proposal')
      .values({
        proposal_id: proposalId,
        person_id: personId,
        n,
        spell_n: usherCase.spell_n,
        snapshot_id: snapshotId,
        policy_hash: policyHash,
        planned_at: now,
        input_hash: inputHash,
        items: JSON.stringify(items),
      })
      .onConflict((conflict) => conflict.column('proposal_id').doNothing())
      .execute();
    const data = { items: items.map(describe), kind: usherCase.kind };
    await tellStory(tx, { at: now, personId, n, kind: 'planned', data });
    // Everything that the recomputation needs and that no row keeps as it was; what names people lies sealed beside it.
    const inputs = {
      kind: usherCase.kind,
      spellN: context.spellN,
      decisionIds: context.decisions.map(({ decisionId }) => decisionId),
      grants: context.grants,
      heldDigests: request.heldDigests,
    };
    const body = { proposalId, snapshotId, policyHash, inputHash, at, items, inputs };
    const values = { people: context.people, accounts: request.accounts };
    const about = { operationKey: proposalId, personId, caseId: usherCase.case_id };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'planned', body, values }], now);
  });
}

function describe(item: Item): Record<string, unknown> {
  return {
    itemDigest: item.itemDigest,
    action: item.action,
    label: item.entitlementId ?? item.vendorEntitlementId ?? item.profileId ?? item.systemId,
    systemId: item.systemId,
    risk: item.risk,
    route: rolesOf(item),
  };
}

async function setState(
  deps: WorkerDeps,
  usherCase: CaseRow,
  values: Partial<Pick<CaseRow, 'state' | 'is_effective' | 'route' | 'due_at'>>,
): Promise<void> {
  await deps.db
    .updateTable('usher_case')
    .set(values)
    .where('person_id', '=', usherCase.person_id)
    .where('n', '=', usherCase.n)
    .where('closed_at', 'is', null)
    .execute();
}
