/**
 * The plan of a case as one pure step from inputs to items. The live plan and the auditor's recomputation both call it, so
 * that what is recomputed is what was decided and not a second opinion.
 */
import { canonicalJson } from '../domain/canonical-json.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import { planLeaver, type FoundAccount } from '../domain/plan-leaver.ts';
import type { QuorumState } from '../domain/quorum.ts';
import type { CaseKind } from '../schemas/case.ts';
import type { Item } from '../schemas/item.ts';
import { justifiedNow, planAccess, type PersonContext } from './person-context.ts';
import { sha256Hex } from './sha256.ts';

/** Of the person only the id matters to a plan. */
export type PlanContext = Omit<PersonContext, 'person'> & { person: { person_id: string } };

/** What a plan depends on besides facts, policy, decisions and grants. */
export interface PlanRequest {
  kind: CaseKind;
  /** The workflow's clock. */
  at: string;
  /** For a leaver: what was found in the systems. */
  accounts: readonly FoundAccount[] | null;
  /** Digests of items that are held and were read back; sorted. */
  heldDigests: readonly string[];
}

export interface CaseItems {
  items: Item[];
  /** Items that decisions of this spell approved before: they are not asked about again. */
  approvedDigests: string[];
}

/** What the case wants to change. Pure. Throws AppError `noApprover` where nobody may decide. */
export function itemsOfCase(context: PlanContext, request: PlanRequest): CaseItems {
  return request.kind === 'leaver' ? departureItems(context, request) : accessItems(context, request);
}

/** Hash over all inputs of the plan. */
export function inputHashOf(context: PlanContext, request: PlanRequest): string {
  return sha256Hex(
    canonicalJson({
      snapshotId: context.snapshot.snapshotId,
      policyHash: context.policyHash,
      spellN: context.spellN,
      people: context.people,
      decisions: context.decisions.map((decision) => decision.decisionId),
      grants: context.grants,
      heldDigests: request.heldDigests,
      accounts: request.accounts,
      kind: request.kind,
      at: request.at,
    }),
  );
}

function departureItems(context: PlanContext, { accounts }: PlanRequest): CaseItems {
  const { person_id: personId } = context.person;
  const { spellN, index } = context;
  const items = planLeaver({ personId, spellN, index, accounts: accounts ?? [], sha256Hex });
  return { items, approvedDigests: [] };
}

function accessItems(context: PlanContext, { at, heldDigests }: PlanRequest): CaseItems {
  const plan = planAccess(context, at);
  const justifiedIds = new Set(justifiedNow(context, plan, at).map((entry) => entry.entitlementId));
  const held = new Set(heldDigests);
  // What is held, verified and still justified needs no item.
  const open = plan.items.filter((item) => !held.has(item.itemDigest) || !justifiedIds.has(item.entitlementId));
  return withoutDecided(context, open, justifiedIds, at);
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
): CaseItems {
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
