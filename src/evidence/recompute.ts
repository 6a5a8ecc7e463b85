/**
 * Runs a recorded plan again and compares. Pure: facts, policy, decisions and the record are handed in, each verified by
 * whoever read it. The rules are those of the live plan (`store/case-plan.ts`), called with what was known then.
 */
import { canonicalJson } from '../domain/canonical-json.ts';
import { AppError } from '../domain/errors.ts';
import type { Decision } from '../schemas/decision.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { Item } from '../schemas/item.ts';
import type { PlannedBody, PlannedValues } from '../schemas/planned.ts';
import type { Policy } from '../schemas/policy.ts';
import { inputHashOf, itemsOfCase, type PlanContext, type PlanRequest } from '../store/case-plan.ts';
import { indexOf } from '../store/person-context.ts';

/** One thing that is not as it was recorded. Values are JSON texts; null: not there at all. */
export interface PlanDifference {
  /** `inputHash`, `decisions`, `proposal`, `record`, `plan`, `item`, or `item.<field>` (risk, route, reasons, …). */
  field: string;
  itemDigest: string | null;
  recorded: string | null;
  recomputed: string | null;
}

/** What the plan was made from, read from the store: the signed snapshot, the signed policy, the signed decisions of the spell. */
export interface PlanSources {
  personId: string;
  snapshot: Snapshot;
  policy: Policy;
  decisions: readonly Decision[];
  /** When the record was written, by the clock that also stamps decisions. */
  recordedAt: string;
}

/** A decision that is this much older than the record was there to be read. */
const SURELY_KNOWN_MS = 60_000;

/** Empty when the plan matches. */
export function recomputePlan(body: PlannedBody, values: PlannedValues, sources: PlanSources): PlanDifference[] {
  const { known, differences } = decisionsKnownThen(body, sources);
  const context: PlanContext = {
    person: { person_id: sources.personId },
    spellN: body.inputs.spellN,
    snapshot: sources.snapshot,
    policyHash: body.policyHash,
    index: indexOf(sources.policy),
    people: values.people,
    managerLine: values.managerLine,
    nextManagerRef: values.nextManagerRef,
    managerSince: body.inputs.managerSince,
    decisions: known,
    grants: body.inputs.grants,
    found: body.inputs.found,
    heldIds: new Set(body.inputs.heldIds),
    // A plan of access is made only while the person may have it.
    departsAt: null,
  };
  const { kind, takeableIds, isHandingOver } = body.inputs;
  const request: PlanRequest = { kind, takeableIds, isHandingOver, at: body.at, accounts: values.accounts };
  const inputHash = inputHashOf(context, request);
  if (inputHash !== body.inputHash) differences.push(difference('inputHash', null, body.inputHash, inputHash));
  try {
    // What the systems showed of a person is not kept: changes of attributes are proved by their reads, not planned again.
    const recorded = body.items.filter((item) => item.action !== 'update');
    differences.push(...compareItems(recorded, itemsOfCase(context, request).items));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    differences.push(difference('plan', null, `${body.items.length} items`, `no plan: ${error.code}`));
  }
  return differences;
}

/** Compares by digest, then field by field. The order of the items counts too: it is part of what people were shown. */
export function compareItems(recorded: readonly Item[], recomputed: readonly Item[]): PlanDifference[] {
  const differences: PlanDifference[] = [];
  const again = new Map<string, Item>(recomputed.map((item) => [item.itemDigest, item]));
  const before = new Set<string>(recorded.map((item) => item.itemDigest));
  for (const item of recorded) {
    const other = again.get(item.itemDigest);
    if (!other) differences.push(difference('item', item.itemDigest, labelOf(item), null));
    else differences.push(...compareFields(item, other));
  }
  for (const item of recomputed)
    if (!before.has(item.itemDigest)) differences.push(difference('item', item.itemDigest, null, labelOf(item)));
  return differences;
}

function compareFields(recorded: Item, recomputed: Item): PlanDifference[] {
  const fields = [...new Set([...Object.keys(recorded), ...Object.keys(recomputed)])].toSorted() as (keyof Item)[];
  return fields.flatMap((field) => {
    const [before, now] = [recorded[field], recomputed[field]].map((value) => canonicalJson(value ?? null));
    return before === now ? [] : [difference(`item.${field}`, recorded.itemDigest, before ?? null, now ?? null)];
  });
}

/** The decisions that the record names, in the order of the signed rows; and those that it should have named. */
function decisionsKnownThen(
  { inputs }: PlannedBody,
  { decisions, recordedAt }: PlanSources,
): { known: Decision[]; differences: PlanDifference[] } {
  const named = new Set<string>(inputs.decisionIds);
  const signed = new Set<string>(decisions.map(({ decisionId }) => decisionId));
  const knownUntilMs = Date.parse(recordedAt) - SURELY_KNOWN_MS;
  const missing = inputs.decisionIds.filter((id) => !signed.has(id));
  const ignored = decisions.filter(
    ({ decisionId, decidedAt }) => !named.has(decisionId) && Date.parse(decidedAt) < knownUntilMs,
  );
  return {
    known: decisions.filter(({ decisionId }) => named.has(decisionId)),
    differences: [
      ...missing.map((id) => difference('decisions', null, id, null)),
      ...ignored.map(({ decisionId }) => difference('decisions', null, null, decisionId)),
    ],
  };
}

function labelOf(item: Item): string {
  return `${item.action} ${item.entitlementId ?? item.vendorEntitlementId ?? item.profileId ?? item.systemId}`;
}

export function difference(
  field: string,
  itemDigest: string | null,
  recorded: string | null,
  recomputed: string | null,
): PlanDifference {
  return { field, itemDigest, recorded, recomputed };
}
