/**
 * The plan of a case as one pure step from inputs to items. The live plan and the auditor's recomputation both call it, so
 * that what is recomputed is what was decided and not a second opinion.
 */
import { canonicalJson } from '../domain/canonical-json.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import { isObserveOnly } from '../domain/observe-only.ts';
import { planLeaver, type FoundAccount } from '../domain/plan-leaver.ts';
import { planRemovals } from '../domain/plan-removals.ts';
import type { QuorumState } from '../domain/quorum.ts';
import type { CaseKind } from '../schemas/case.ts';
import type { Item } from '../schemas/item.ts';
import { grantableIds, isDeferred, justifiedNow, planAccess, type PersonContext } from './person-context.ts';
import { sha256Hex } from './sha256.ts';

/** Of the person only the id matters to a plan. */
export type PlanContext = Omit<PersonContext, 'person'> & { person: { person_id: string } };

/** An account as the plan reads it. */
export type SeenAccount = FoundAccount & { canLogIn: boolean };

/** What a plan depends on besides facts, policy, decisions and grants. */
export interface PlanRequest {
  kind: CaseKind;
  /** The workflow's clock. */
  at: string;
  /** What was found at one system, to plan what has to go there; null to plan everything else. */
  accounts: readonly SeenAccount[] | null;
  /** Catalogue ids that Usher may take from somebody who stays; sorted, and empty where nothing is to be taken. */
  takeableIds: readonly string[];
  /** Nothing is taken yet: the work is being handed over. */
  isHandingOver: boolean;
}

export interface CaseItems {
  items: Item[];
  /** Items that decisions of this spell approved before: they are not asked about again. */
  approvedDigests: string[];
  /** What policy only observes: the record says that it was left out. */
  leftOut: Item[];
  /** Something waits for something else to go first. */
  hasDeferred: boolean;
  /** Catalogue ids that are held and that nothing justifies; sorted. */
  unjustifiedIds: string[];
}

/** What the case wants to change. Pure. Throws AppError `noApprover` where nobody may decide. */
export function itemsOfCase(context: PlanContext, request: PlanRequest): CaseItems {
  const planned = allItems(context, request);
  const { policy } = context.index;
  const items = planned.items.filter(({ systemId }) => !isObserveOnly(policy, systemId));
  const kept = new Set<string>(items.map((item) => item.itemDigest));
  return {
    ...planned,
    items,
    leftOut: planned.items.filter(({ systemId }) => isObserveOnly(policy, systemId)),
    approvedDigests: planned.approvedDigests.filter((digest) => kept.has(digest)),
  };
}

type Planned = Omit<CaseItems, 'leftOut'>;

function allItems(context: PlanContext, request: PlanRequest): Planned {
  if (request.kind === 'leaver') return departureItems(context, request);
  return request.accounts === null ? accessItems(context, request) : takenItems(context, request, request.accounts);
}

/** Everything that a plan of grants and held rights is made from, as it is hashed and recorded. Names no person. */
export function publicInputsOf(context: PlanContext, request: PlanRequest) {
  return {
    kind: request.kind,
    spellN: context.spellN,
    decisionIds: context.decisions.map(({ decisionId }) => decisionId),
    grants: context.grants,
    found: context.found,
    heldIds: [...context.heldIds].toSorted(),
    takeableIds: request.takeableIds,
    isHandingOver: request.isHandingOver,
    managerSince: context.managerSince,
  };
}

/** The rest of it: whom references of the HR system named then, and what was found in the systems. */
export function sealedInputsOf(context: PlanContext, request: PlanRequest) {
  const { people, managerLine, nextManagerRef } = context;
  return { people, managerLine, nextManagerRef, accounts: request.accounts };
}

/** Hash over all inputs of the plan. */
export function inputHashOf(context: PlanContext, request: PlanRequest): string {
  return sha256Hex(
    canonicalJson({
      snapshotId: context.snapshot.snapshotId,
      policyHash: context.policyHash,
      at: request.at,
      ...publicInputsOf(context, request),
      ...sealedInputsOf(context, request),
    }),
  );
}

function departureItems(context: PlanContext, { accounts }: PlanRequest): Planned {
  const { person_id: personId } = context.person;
  const { spellN, index } = context;
  const items = planLeaver({ personId, spellN, index, accounts: accounts ?? [], sha256Hex });
  return { items, approvedDigests: [], hasDeferred: false, unjustifiedIds: [] };
}

function accessItems(context: PlanContext, { at }: PlanRequest): Planned {
  const plan = planAccess(context, at);
  const justified = justifiedNow(context, plan, at);
  const justifiedIds = new Set(justified.map((entry) => entry.entitlementId));
  const mustWait = isDeferred(context, plan, at);
  // What is held, verified and still justified needs no item.
  const open = plan.items.filter(
    ({ entitlementId: id }) => id === null || !context.heldIds.has(id) || !justifiedIds.has(id),
  );
  const given = withoutDecided(context, open, grantableIds(justified), at);
  const waiting = new Set<string>(given.items.filter(mustWait).map((item) => item.itemDigest));
  return {
    items: given.items.filter((item) => !waiting.has(item.itemDigest)),
    approvedDigests: given.approvedDigests.filter((digest) => !waiting.has(digest)),
    hasDeferred: waiting.size > 0,
    unjustifiedIds: [...context.heldIds].filter((id) => !justifiedIds.has(id)).toSorted(),
  };
}

/** What the accounts that were found have to give back. */
function takenItems(context: PlanContext, request: PlanRequest, accounts: readonly SeenAccount[]): Planned {
  if (request.isHandingOver) return { items: [], approvedDigests: [], hasDeferred: false, unjustifiedIds: [] };
  const { at, takeableIds } = request;
  const justified = justifiedNow(context, planAccess(context, at), at);
  const items = accounts.flatMap((account) =>
    planRemovals({
      personId: context.person.person_id,
      spellN: context.spellN,
      index: context.index,
      account,
      justified,
      takeableIds: new Set(takeableIds),
      sha256Hex,
    }),
  );
  return { items, approvedDigests: [], hasDeferred: false, unjustifiedIds: [] };
}

/**
 * What was denied stays denied, what was approved stays approved, as long as the item is the same. What was given and is
 * justified no more had its time in this spell: it does not begin anew. An approval that nobody used in time is asked for
 * again.
 */
function withoutDecided(
  context: PlanContext,
  items: readonly Item[],
  justifiedIds: ReadonlySet<string | null>,
  at: string,
): Pick<CaseItems, 'items' | 'approvedDigests'> {
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
