/**
 * Why a person holds an entitlement, or why not, on a day: recomputed from the facts, the policy version and the decisions of
 * that day, each answer with the file and line of the rule.
 */
import { Temporal } from 'temporal-polyfill';
import { birthrightsOf } from '../domain/birthrights.ts';
import { AppError } from '../domain/errors.ts';
import { explainAccess, type AccessObstacle, type AccessReason, type AskedAccess } from '../domain/explain-access.ts';
import { obstacleText, reasonText } from '../domain/explain-text.ts';
import { keptIdsOf } from '../domain/justified.ts';
import { policyPlaces, type PolicyPlace, type PolicyPlaces } from '../policy/policy-places.ts';
import type { EntitlementPolicy } from '../schemas/policy.ts';
import { latestSnapshot } from '../store/people.ts';
import { justifiedNow, planAccess, type Plan } from '../store/person-context.ts';
import { readPersonContextAt, type NoContext, type PastContext } from '../store/person-context-at.ts';
import { readPolicySource } from '../store/policy-history.ts';
import { readAsked, readHeld, type HeldThen } from '../store/read-access-at.ts';
import { readNames } from '../store/read-names.ts';
import { sha256Hex } from '../store/sha256.ts';
import type { ServerDeps } from './server-deps.ts';

export interface ExplainAccessInput {
  personId: string;
  entitlementId: string;
  /** A calendar date, which ends with the day in the person's zone, or an instant; null: now. */
  asOf: string | null;
}

type Told<T> = T & { text: string; place: PolicyPlace | null };

export interface ExplainedAccess {
  personId: string;
  entitlementId: string;
  at: string;
  /** The version active then. */
  policyHash: string;
  policyActivatedAt: string;
  snapshotId: string;
  factsObservedAt: string;
  isJustified: boolean;
  /** As Usher's records have it; `audit` and the systems themselves know more. */
  held: HeldThen | null;
  /** Where the entitlement stands in the policy. */
  place: PolicyPlace | null;
  reasons: Told<AccessReason>[];
  obstacles: Told<AccessObstacle>[];
}

/** Throws AppError notFound (person, facts, policy or entitlement of that day) and invalidInput (a day to come). */
export async function explainAccessOf(deps: ServerDeps, input: ExplainAccessInput): Promise<ExplainedAccess> {
  const at = await momentOf(deps, input);
  const context = await readPersonContextAt(deps.db, deps, input.personId, at);
  if (typeof context === 'string') throw absent(context);
  const entitlement = context.index.entitlementById.get(input.entitlementId);
  if (!entitlement) {
    throw new AppError('notFound', 'The policy of that day has no such entitlement.', 'entitlement');
  }
  const asked = await readAsked(deps.db, input.personId, entitlement.id, context.spellN, at);
  const explanation = explain(context, entitlement, asked, at.toISOString());
  const places = policyPlaces(context.sourceHash === null ? [] : await readPolicySource(deps.db, context.sourceHash));
  const nameOf = await readNames(deps.db, deps, peopleIn(explanation));
  return {
    personId: input.personId,
    entitlementId: entitlement.id,
    at: at.toISOString(),
    policyHash: context.policyHash,
    policyActivatedAt: context.policyActivatedAt,
    snapshotId: context.snapshot.snapshotId,
    factsObservedAt: context.snapshot.observedAt,
    isJustified: explanation.isJustified,
    held: await readHeld(deps.db, input.personId, entitlement, at),
    place: places({ section: 'entitlements', id: entitlement.id }),
    reasons: explanation.reasons.map((reason) => ({
      ...reason,
      text: reasonText(reason, nameOf),
      place: placeOf(reason, entitlement, places),
    })),
    obstacles: explanation.obstacles.map((obstacle) => ({
      ...obstacle,
      text: obstacleText(obstacle, nameOf),
      place: placeOf(obstacle, entitlement, places),
    })),
  };
}

function explain(
  context: PastContext,
  entitlement: EntitlementPolicy,
  asked: AskedAccess[],
  at: string,
): ReturnType<typeof explainAccess> {
  const { snapshot, index } = context;
  const plan = planOrNothing(context, at);
  const chosen = plan.chosenProfileIds ?? [];
  const { birthrights } = birthrightsOf(snapshot.facts, index, {
    chosenProfileIds: chosen,
    keptIds: keptIdsOf(context.found),
  });
  return explainAccess({
    personId: context.person.person_id,
    entitlement,
    facts: snapshot.facts,
    window: snapshot.window,
    departedAt: context.departsAt,
    index,
    birthright: birthrights.find((entry) => entry.entitlement.id === entitlement.id) ?? null,
    chosenProfileIds: chosen,
    justifications: justifiedNow(context, plan, at).filter((entry) => entry.entitlementId === entitlement.id),
    decisions: context.decisions,
    asked,
    grantedAt: context.grants.find((entry) => entry.entitlementId === entitlement.id)?.grantedAt ?? null,
    at,
    sha256Hex,
  });
}

/** Where nobody may decide there is no plan; what policy alone justifies stands all the same. */
function planOrNothing(context: PastContext, at: string): Plan {
  try {
    return planAccess(context, at);
  } catch (error) {
    if (error instanceof AppError && error.code === 'noApprover') {
      return { items: [], decided: [], chosenProfileIds: null };
    }
    throw error;
  }
}

function peopleIn({ reasons, obstacles }: ReturnType<typeof explainAccess>): string[] {
  const votes = [...reasons, ...obstacles].flatMap((entry) => ('votes' in entry ? entry.votes : []));
  const seats = obstacles.flatMap((entry) => (entry.kind === 'waiting' ? entry.seats : []));
  return [...votes.map(({ approverId }) => approverId), ...seats.flatMap(({ approverIds }) => approverIds)];
}

/** The line that decides: the grant in a profile, the filter that fails, the entitlement, the routing. */
function placeOf(
  entry: AccessReason | AccessObstacle,
  entitlement: EntitlementPolicy,
  places: PolicyPlaces,
): PolicyPlace | null {
  switch (entry.kind) {
    case 'rule':
    case 'filter':
      return places({ section: 'profiles', id: entry.profileId, path: ['when'] });
    case 'conflict':
      return places({ section: 'profiles', id: entry.profileId, path: ['excludes'] });
    case 'needsPeople':
      return places({ section: 'profiles', id: entry.profileId });
    case 'profileGone':
      return null;
    case 'ended':
      return places({ section: 'entitlements', id: entitlement.id, path: ['expiresAfter'] });
    case 'unanswered':
      return places({ section: 'routing', path: ['expireAfter'] });
    case 'decision':
    case 'found':
    case 'denied':
    case 'waiting':
    case 'cancelled':
    case 'lapsed':
    case 'redefined':
    case 'nobodyAsked':
      return places({ section: 'entitlements', id: entitlement.id });
    case 'outside':
      return places({ section: 'lifecycle' });
    default:
      return entry satisfies never;
  }
}

async function momentOf(deps: ServerDeps, { personId, asOf }: ExplainAccessInput): Promise<Date> {
  const now = deps.now();
  if (asOf === null) return now;
  const at = /^\d{4}-\d{2}-\d{2}$/.test(asOf) ? await endOfDay(deps, personId, asOf) : new Date(asOf);
  if (Number.isNaN(at.getTime())) throw new AppError('invalidInput', 'asOf: expected a date or an instant', 'asOf');
  if (at <= now) return at;
  // Today is not over, and what is known of it is what is known now.
  const isToday = at.getTime() - now.getTime() < DAY_MS && asOf.length === 10;
  if (isToday) return now;
  throw new AppError('invalidInput', 'asOf: expected a day that is not in the future', 'asOf');
}

const DAY_MS = 86_400_000;

async function endOfDay(deps: ServerDeps, personId: string, date: string): Promise<Date> {
  const zone = (await latestSnapshot(deps.db, deps, personId))?.window.zone ?? 'UTC';
  const next = Temporal.PlainDate.from(date).add({ days: 1 });
  const start = next.toZonedDateTime({ timeZone: zone }).startOfDay();
  return new Date(start.epochMilliseconds - 1);
}

function absent(why: NoContext): AppError {
  const texts: Record<NoContext, string> = {
    unknownPerson: 'Nobody answers to this id, or you may not see them.',
    erased: 'This person was erased: nothing can be said about them any more.',
    noFacts: 'Usher had read no facts about this person by then.',
    noSpell: 'This person had no employment that Usher knew of by then.',
    noPolicy: 'No policy was active by then.',
  };
  return new AppError('notFound', texts[why], why === 'unknownPerson' || why === 'erased' ? 'person' : 'asOf');
}
