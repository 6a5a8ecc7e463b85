/** What a step from one policy to another means for the people of today: who gains, who loses, who is decided by others. */
import { birthrightsOf } from '../domain/birthrights.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { AppError } from '../domain/errors.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import { areSameBirthrights, diffRights, rightOf, type Right, type RightChange } from '../domain/rights-diff.ts';
import type { PolicyChoice } from '../schemas/policy-trial.ts';
import { indexOf, justifiedNow, planAccess, type PersonContext } from '../store/person-context.ts';
import type { PolicyVersion } from '../store/policies.ts';
import { readPopulation, type Inhabitant } from '../store/read-population.ts';
import { choosePolicy } from './choose-policy.ts';
import type { ServerDeps } from './server-deps.ts';

export interface PolicyDiff {
  from: string;
  to: string;
  peopleCount: number;
  changedPeopleCount: number;
  counts: Record<RightChange['kind'], number>;
  changes: (RightChange & { personId: string; person: string; isHeld: boolean })[];
  /** People for whom one of the two policies knows too few who may decide. */
  unplannable: { personId: string; person: string; reason: string }[];
}

/** Reads only. Throws AppError as {@link choosePolicy} does. */
export async function diffPolicies(
  deps: ServerDeps,
  input: { from: PolicyChoice; to: PolicyChoice },
): Promise<PolicyDiff> {
  const [from, to] = [await choosePolicy(deps, input.from), await choosePolicy(deps, input.to)];
  const diff: PolicyDiff = {
    from: from.policyHash,
    to: to.policyHash,
    peopleCount: 0,
    changedPeopleCount: 0,
    counts: { gains: 0, loses: 0, routeChanges: 0 },
    changes: [],
    unplannable: [],
  };
  const isSameRouting = routingOf(from) === routingOf(to);
  for await (const inhabitant of readPopulation(deps.db, deps, [from.policy, to.policy])) {
    diff.peopleCount += 1;
    const at = momentFor(inhabitant, deps.now());
    if (isSameRouting && isUnchanged(inhabitant, from, to)) continue;
    addPerson(diff, inhabitant, from, to, at);
  }
  return diff;
}

/** Whoever is yet to start is looked at as on the first day. */
function momentFor({ snapshot }: Inhabitant, now: Date): string {
  return new Date(Math.max(now.getTime(), Date.parse(snapshot.window.from))).toISOString();
}

/** Everything that decides who sits where, apart from the roles and owners that birthrights carry. */
function routingOf({ policy }: PolicyVersion): string {
  return canonicalJson({ routing: policy.routing, owners: indexOf(policy).ownerRefs });
}

function isUnchanged(inhabitant: Inhabitant, from: PolicyVersion, to: PolicyVersion): boolean {
  const before = inhabitant.contextUnder(from);
  if (before.decisions.length > 0) return false;
  const { facts } = inhabitant.snapshot;
  return areSameBirthrights(birthrightsOf(facts, before.index), birthrightsOf(facts, indexOf(to.policy)));
}

function addPerson(diff: PolicyDiff, inhabitant: Inhabitant, from: PolicyVersion, to: PolicyVersion, at: string): void {
  const { personId, snapshot, heldIds } = inhabitant;
  const person = snapshot.facts.displayName;
  try {
    const before = rightsIn(inhabitant.contextUnder(from), at);
    const after = rightsIn(inhabitant.contextUnder(to), at);
    const changes = diffRights(before, after);
    if (changes.length > 0) diff.changedPeopleCount += 1;
    for (const change of changes) {
      diff.counts[change.kind] += 1;
      diff.changes.push({ ...change, personId, person, isHeld: heldIds.has(change.entitlementId) });
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'noApprover') throw error;
    diff.unplannable.push({ personId, person, reason: error.message });
  }
}

function rightsIn(context: PersonContext, at: string): Map<string, Right> {
  const plan = planAccess(context, at);
  const justifiedIds = new Set(justifiedNow(context, plan, at).map(({ entitlementId }) => entitlementId));
  const rights = new Map<string, Right>();
  for (const item of plan.items) {
    if (item.action !== 'grant' || item.entitlementId === null) continue;
    const isJustified = justifiedIds.has(item.entitlementId);
    const isDenied = itemOutcome(item, context.person.person_id, context.decisions, at).state === 'denied';
    // What policy approves and is not justified had its time; what was denied is not asked about again.
    if (isJustified || (item.route.kind === 'people' && !isDenied)) {
      rights.set(item.entitlementId, rightOf(item, isJustified));
    }
  }
  return rights;
}
