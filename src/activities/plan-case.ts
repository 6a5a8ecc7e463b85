/** Plans a case on the latest facts, the active policy and the decisions so far. What an auditor reads is decided here. */
import { approvalTimes } from '../domain/approval-clock.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { compareText } from '../domain/compare-text.ts';
import { AppError } from '../domain/errors.ts';
import { isObserveOnly } from '../domain/observe-only.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import type { QuorumState } from '../domain/quorum.ts';
import type { Justification } from '../domain/justified.ts';
import { planLeaver, type FoundAccount } from '../domain/plan-leaver.ts';
import { planRemovals } from '../domain/plan-removals.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { DepartureAuthorisation } from '../schemas/authorisation.ts';
import type { CaseKind } from '../schemas/case.ts';
import type { Item } from '../schemas/item.ts';
import { raiseAlert } from '../store/alerts.ts';
import { getCase, type CaseRow } from '../store/cases.ts';
import {
  grantableIds,
  justifiedNow,
  isDeferred,
  mayAccess,
  planAccess,
  readPersonContext,
  type PersonContext,
} from '../store/person-context.ts';
import { sha256Hex } from '../store/sha256.ts';
import { tellStory } from '../store/story.ts';
import { readTakeableIds } from '../store/takeable.ts';
import { planAllAttributeItems } from './plan-attribute-items.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface PlanCaseInput {
  personId: string;
  n: number;
  /** Business time: the workflow's clock. */
  at: string;
  /** Minted by the workflow, so that a retried attempt writes the same proposal. */
  proposalId: string;
  /** What `findAccounts` found at one system, to plan what has to go there; null to plan everything else. */
  accounts: (FoundAccount & { canLogIn?: boolean })[] | null;
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
      /** The facts that it was planned on. */
      snapshotId: string;
      policyHash: string;
      items: Item[];
      /** Items that decisions of this spell approved before: they are not asked about again. */
      approvedDigests: string[];
      /** Systems of identity providers: written first. */
      firstSystemIds: string[];
      remindAfterSeconds: number;
      escalateAfterSeconds: number[];
      expireAfterSeconds: number;
      /** Where something may have to be taken away: the case looks there. */
      lookAtSystemIds: string[];
      /** Until then nothing is taken away; null: at once. */
      handOverUntil: string | null;
      /** Something can be given only when something else is gone. */
      hasDeferred: boolean;
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
  const plan = planAccess(context, input.at);
  const justified = justifiedNow(context, plan, input.at);
  if (input.accounts !== null) return planTaking(deps, input, usherCase, context, justified);
  const justifiedIds = new Set(justified.map((entry) => entry.entitlementId));
  const mustWait = isDeferred(context, plan, input.at);
  const open = plan.items.filter((item) => !isHeld(context, item, justifiedIds));
  const given = withoutDecided(context, open, grantableIds(justified), input.at);
  const isWaiting = new Set<string>(given.items.filter(mustWait).map((item) => item.itemDigest));
  const approvedDigests = given.approvedDigests.filter((digest) => !isWaiting.has(digest));
  const attributes = usherCase.kind === 'mover' ? await planAllAttributeItems(deps, context, usherCase) : [];
  const items = [...given.items.filter((item) => !mustWait(item)), ...attributes];
  const routes = [
    ...new Set(items.map((item) => (item.route.kind === 'policy' ? 'policy' : rolesOf(item)))),
  ].toSorted();
  const due_at = isHandingOver(usherCase, input.at) ? usherCase.handover_until : null;
  await setState(deps, usherCase, { state: 'planning', is_effective: true, route: routes.join(', '), due_at });
  return propose(deps, input, usherCase, context, {
    items,
    approvedDigests,
    lookAtSystemIds: await systemsToLookAt(deps, usherCase, context, justifiedIds),
    hasDeferred: isWaiting.size > 0,
  });
}

function isHandingOver({ handover_until: until }: CaseRow, at: string): boolean {
  return until !== null && until.getTime() > Date.parse(at);
}

/** What is held, verified and still justified needs no item. */
function isHeld(context: PersonContext, item: Item, justifiedIds: ReadonlySet<string | null>): boolean {
  return item.entitlementId !== null && context.heldIds.has(item.entitlementId) && justifiedIds.has(item.entitlementId);
}

/** A mover is looked for everywhere: what older roles gave is in the systems, and not always in the store. */
async function systemsToLookAt(
  deps: WorkerDeps,
  usherCase: CaseRow,
  context: PersonContext,
  justifiedIds: ReadonlySet<string | null>,
): Promise<string[]> {
  if (usherCase.kind === 'mover') return (await deps.pool.systemsOf('target')).map(({ id }) => id);
  const going = [...context.heldIds].filter((id) => !justifiedIds.has(id));
  const systemIds = going.flatMap((id) => context.index.entitlementById.get(id)?.system ?? []);
  return [...new Set(systemIds)].toSorted(compareText);
}

/** What the account that was found has to give back. */
async function planTaking(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  justified: readonly Justification[],
): Promise<PlanCaseResult> {
  const takeableIds = await readTakeableIds(deps.db, deps, context);
  const items = (isHandingOver(usherCase, input.at) ? [] : (input.accounts ?? [])).flatMap((account) =>
    planRemovals({
      personId: input.personId,
      spellN: context.spellN,
      index: context.index,
      account: { canLogIn: false, ...account },
      justified,
      takeableIds,
      sha256Hex,
    }),
  );
  // A look that finds nothing to take is no plan.
  if (items.length === 0) return itemsPlan(input, usherCase, context, { items });
  return propose(deps, input, usherCase, context, { items });
}

/**
 * What was denied stays denied, what was approved stays approved, as long as the item is the same. What was given and is
 * justified no more had its time in this spell: it does not begin anew. An approval that nobody used in time is asked for
 * again.
 */
function withoutDecided(
  context: PersonContext,
  items: readonly Item[],
  justifiedIds: ReadonlySet<string | null>,
  at: string,
): { items: Item[]; approvedDigests: string[] } {
  const outcomeOf = (item: Item): QuorumState =>
    itemOutcome(item, context.person.person_id, context.decisions, at).state;
  const given = new Set<string | null>(context.grants.map(({ entitlementId }) => entitlementId));
  const open = items.filter((item) => {
    const state = outcomeOf(item);
    const isJustified = item.action !== 'grant' || justifiedIds.has(item.entitlementId);
    const isOver = state === 'approved' && !isJustified && given.has(item.entitlementId);
    return state !== 'denied' && !isOver;
  });
  return {
    items: open,
    approvedDigests: open
      .filter((item) => item.route.kind === 'people' && outcomeOf(item) === 'approved')
      .filter((item) => item.action !== 'grant' || justifiedIds.has(item.entitlementId))
      .map((item) => item.itemDigest),
  };
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
  const items = planLeaver({
    personId: input.personId,
    spellN: usherCase.spell_n,
    index: context.index,
    accounts: input.accounts,
    sha256Hex,
  });
  return propose(deps, input, usherCase, context, { items });
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

type Proposed = Pick<Extract<PlanCaseResult, { phase: 'items' }>, 'items'> &
  Partial<Pick<Extract<PlanCaseResult, { phase: 'items' }>, 'approvedDigests' | 'lookAtSystemIds' | 'hasDeferred'>>;

async function propose(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  proposed: Proposed,
): Promise<PlanCaseResult> {
  const { policy } = context.index;
  // What policy only observes is left out here, and the record says so: the issuer would sign nothing for it.
  const items = proposed.items.filter(({ systemId }) => !isObserveOnly(policy, systemId));
  const leftOut = proposed.items.filter(({ systemId }) => isObserveOnly(policy, systemId));
  const planned = new Set<string>(items.map((item) => item.itemDigest));
  const approvedDigests = (proposed.approvedDigests ?? []).filter((digest) => planned.has(digest));
  await storeProposal(deps, input, usherCase, context, { items, leftOut });
  return itemsPlan(input, usherCase, context, { ...proposed, items, approvedDigests });
}

function itemsPlan(
  { proposalId }: PlanCaseInput,
  usherCase: CaseRow,
  { index, policyHash, snapshot }: PersonContext,
  { items, approvedDigests = [], lookAtSystemIds = [], hasDeferred = false }: Proposed,
): PlanCaseResult {
  const { policy } = index;
  return {
    phase: 'items',
    kind: usherCase.kind,
    proposalId,
    snapshotId: snapshot.snapshotId,
    policyHash,
    items,
    approvedDigests,
    firstSystemIds: policy.systems.filter((system) => system.isIdentityProvider).map((system) => system.id),
    remindAfterSeconds: policy.routing.remindAfter,
    escalateAfterSeconds: approvalTimes(policy.routing).escalateAfterSeconds,
    expireAfterSeconds: policy.routing.expireAfter,
    lookAtSystemIds,
    handOverUntil: usherCase.handover_until?.toISOString() ?? null,
    hasDeferred,
  };
}

/** Hash over all inputs of the plan, for the auditor's recomputation. */
function inputHashOf(input: PlanCaseInput, context: PersonContext): string {
  return sha256Hex(
    canonicalJson({
      snapshotId: context.snapshot.snapshotId,
      policyHash: context.policyHash,
      people: context.people,
      decisions: context.decisions.map((decision) => decision.decisionId),
      grants: context.grants,
      // Named only where there is something, so that hashes of plans from before stay what they were.
      ...(context.found.length === 0 ? {} : { found: context.found }),
      accounts: input.accounts,
      at: input.at,
    }),
  );
}

async function storeProposal(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  { items, leftOut: leftOutItems }: { items: readonly Item[]; leftOut: readonly Item[] },
): Promise<void> {
  const now = deps.now();
  const { personId, n, proposalId, at } = input;
  const leftOut = leftOutItems.map(({ systemId, action, entitlementId, vendorEntitlementId, accountId }) => ({
    systemId,
    action,
    entitlementId,
    vendorEntitlementId,
    accountId,
    because: 'observeOnly',
  }));
  const besides = leftOut.length === 0 ? {} : { leftOut };
  const { policyHash, snapshot } = context;
  const { snapshotId } = snapshot;
  const inputHash = inputHashOf(input, context);
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
    const data = { items: items.map(describe), kind: usherCase.kind, ...besides };
    await tellStory(tx, { at: now, personId, n, kind: 'planned', data });
    const body = { proposalId, snapshotId, policyHash, inputHash, at, items, ...besides };
    const about = { operationKey: proposalId, personId, caseId: usherCase.case_id };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'planned', body, values: null }], now);
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
