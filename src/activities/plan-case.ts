/** Plans a case on the latest facts, the active policy and the decisions so far. What an auditor reads is decided here. */
import { approvalTimes } from '../domain/approval-clock.ts';
import { compareText } from '../domain/compare-text.ts';
import { AppError } from '../domain/errors.ts';
import { isObserveOnly } from '../domain/observe-only.ts';
import type { FoundAccount } from '../domain/plan-leaver.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { DepartureAuthorisation } from '../schemas/authorisation.ts';
import type { CaseKind } from '../schemas/case.ts';
import type { Item } from '../schemas/item.ts';
import { raiseAlert } from '../store/alerts.ts';
import {
  inputHashOf,
  itemsOfCase,
  publicInputsOf,
  sealedInputsOf,
  type CaseItems,
  type PlanRequest,
  type SeenAccount,
} from '../store/case-plan.ts';
import { getCase, type CaseRow } from '../store/cases.ts';
import { mayAccess, readPersonContext, type PersonContext } from '../store/person-context.ts';
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
      /** Of the targets, those on which people work by hand: nothing waits for them. Absent in histories of older versions. */
      byHandSystemIds?: string[];
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
  if (input.accounts !== null) return planTaking(deps, input, usherCase, context);
  const request = requestOf(usherCase, input.at);
  const planned = itemsOfCase(context, request);
  const attributes = usherCase.kind === 'mover' ? await planAllAttributeItems(deps, context, usherCase) : [];
  const { policy } = context.index;
  const items = [...planned.items, ...attributes.filter(({ systemId }) => !isObserveOnly(policy, systemId))];
  const routes = [
    ...new Set(items.map((item) => (item.route.kind === 'policy' ? 'policy' : rolesOf(item)))),
  ].toSorted();
  const due_at = isHandingOver(usherCase, input.at) ? usherCase.handover_until : null;
  await setState(deps, usherCase, { state: 'planning', is_effective: true, route: routes.join(', '), due_at });
  const lookAtSystemIds = await systemsToLookAt(deps, usherCase, context, planned.unjustifiedIds);
  return propose(deps, input, usherCase, context, request, { ...planned, items, lookAtSystemIds });
}

function requestOf(usherCase: CaseRow, at: string): PlanRequest {
  const { kind } = usherCase;
  return { kind, at, accounts: null, takeableIds: [], isHandingOver: isHandingOver(usherCase, at) };
}

function isHandingOver({ handover_until: until }: CaseRow, at: string): boolean {
  return until !== null && until.getTime() > Date.parse(at);
}

/** A mover is looked for everywhere: what older roles gave is in the systems, and not always in the store. */
async function systemsToLookAt(
  deps: WorkerDeps,
  usherCase: CaseRow,
  context: PersonContext,
  unjustifiedIds: readonly string[],
): Promise<string[]> {
  if (usherCase.kind === 'mover') return (await deps.pool.systemsOf('target')).map(({ id }) => id);
  const systemIds = unjustifiedIds.flatMap((id) => context.index.entitlementById.get(id)?.system ?? []);
  return [...new Set([...systemIds, ...(await unsettledSystemIds(deps, usherCase.person_id))])].toSorted(compareText);
}

/** Where a write began that nobody has read back: what it gave, or what it was to take, is not in the rows. */
async function unsettledSystemIds(deps: WorkerDeps, personId: string): Promise<string[]> {
  const rows = await deps.db
    .selectFrom('person_grant')
    .select('system_id')
    .where('person_id', '=', personId)
    .where('basis', '!=', 'found')
    .where('verified_at', 'is', null)
    .union((eb) =>
      eb
        .selectFrom('operation')
        .select('system_id')
        .where('person_id', '=', personId)
        .where('state', 'in', ['intended', 'applied']),
    )
    .execute();
  return rows.map((row) => row.system_id);
}

/** What the account that was found has to give back. */
async function planTaking(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
): Promise<PlanCaseResult> {
  const takeableIds = [...(await readTakeableIds(deps.db, deps, context))].toSorted(compareText);
  const request = { ...requestOf(usherCase, input.at), takeableIds, accounts: seenAccounts(input) };
  const planned = itemsOfCase(context, request);
  // A look that finds nothing to take is no plan.
  if (planned.items.length + planned.leftOut.length === 0) return itemsPlan(input, usherCase, context, planned);
  return propose(deps, input, usherCase, context, request, planned);
}

/** Only what the plan reads is hashed and recorded. */
function seenAccounts({ accounts }: PlanCaseInput): SeenAccount[] {
  return (accounts ?? []).map(({ systemId, accountId, vendorEntitlementIds, canLogIn }) => ({
    systemId,
    accountId,
    vendorEntitlementIds,
    canLogIn: canLogIn ?? false,
  }));
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
  const request = { ...requestOf(usherCase, input.at), accounts: seenAccounts(input) };
  return propose(deps, input, usherCase, context, request, itemsOfCase(context, request));
}

async function leavePlan(
  deps: WorkerDeps,
  context: PersonContext,
  departure: DepartureAuthorisation,
): Promise<PlanCaseResult> {
  const targets = await deps.pool.systemsOf('target');
  const byHandSystemIds = await systemsByHand(deps, targets);
  return {
    phase: 'leave',
    policyHash: context.policyHash,
    cutoffSystemIds: departure.systemIds,
    targetSystemIds: targets.map((system) => system.id),
    ...(byHandSystemIds.length === 0 ? {} : { byHandSystemIds }),
    sweepAfterSeconds: context.index.policy.lifecycle.leavers.sweepsAfter,
  };
}

async function systemsByHand(deps: WorkerDeps, targets: readonly { id: string }[]): Promise<string[]> {
  const byHand: string[] = [];
  for (const { id } of targets) {
    // One that cannot be opened fails where it is called, with its reason.
    const open = await deps.pool.open('target', id).catch(() => null);
    if (open?.connector.settleTasks !== undefined) byHand.push(id);
  }
  return byHand;
}

function laterOf(a: string, b: string): string {
  return Date.parse(a) >= Date.parse(b) ? a : b;
}

function rolesOf(item: Item): string {
  return item.route.kind === 'people' ? item.route.seats.map((seat) => seat.role).join('+') : 'policy';
}

type Proposed = CaseItems & { lookAtSystemIds?: string[] };

async function propose(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  request: PlanRequest,
  planned: Proposed,
): Promise<PlanCaseResult> {
  await storeProposal(deps, input, usherCase, context, request, planned);
  return itemsPlan(input, usherCase, context, planned);
}

function itemsPlan(
  { proposalId }: PlanCaseInput,
  usherCase: CaseRow,
  { index, policyHash, snapshot }: PersonContext,
  { items, approvedDigests, hasDeferred, lookAtSystemIds = [] }: Proposed,
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

async function storeProposal(
  deps: WorkerDeps,
  input: PlanCaseInput,
  usherCase: CaseRow,
  context: PersonContext,
  request: PlanRequest,
  { items, leftOut: leftOutItems }: Proposed,
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
    const data = { items: items.map(describe), kind: usherCase.kind, ...besides };
    await tellStory(tx, { at: now, personId, n, kind: 'planned', data });
    // Everything that the recomputation needs and that no row keeps as it was; what names people lies sealed beside it.
    const inputs = publicInputsOf(context, request);
    const body = { proposalId, snapshotId, policyHash, inputHash, at, items, inputs, ...besides };
    const about = { operationKey: proposalId, personId, caseId: usherCase.case_id };
    const values = sealedInputsOf(context, request);
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
