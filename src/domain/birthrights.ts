/**
 * What the role profiles give a person, and on which terms: for each entitlement the profile that speaks for it, its
 * risk, confidence, conflicts and required roles. The plan and `justified` both stand on it, so that they cannot disagree.
 */
import type { PersonFacts } from '../schemas/facts.ts';
import type { RequiredRole } from '../schemas/item.ts';
import type { EntitlementPolicy } from '../schemas/policy.ts';
import { compareText } from './compare-text.ts';
import { matchProfiles } from './match-profiles.ts';
import type { ProfileMatch } from './match-profiles.ts';
import type { PolicyIndex } from './policy-index.ts';
import { requiredRoles } from './required-roles.ts';
import { scoreRisk } from './risk.ts';
import { separationsOf, separationText, shortestTerm } from './separation.ts';
import type { Separation } from './separation.ts';

export interface Birthright {
  entitlement: EntitlementPolicy;
  profileId: string;
  confidence: number;
  risk: number;
  /** Sentences that name the profiles in conflict, and the duties that are to be kept apart. */
  conflicts: string[];
  /** Duties that it would join in one hand: security decides, and the exception ends. */
  separations: Separation[];
  /** How long a grant lasts; null: for good. */
  expiresAfterSeconds: number | null;
  /** Empty: policy approves. */
  roles: RequiredRole[];
  reasons: string[];
}

export interface Birthrights {
  /** Whether any profile, by rule or by choice, speaks of the person. */
  hasProfile: boolean;
  /** In the order of entitlement ids. */
  birthrights: Birthright[];
}

export interface BirthrightOptions {
  chosenProfileIds?: readonly string[];
  /** What the person keeps beside it, whatever the profiles say: found before Usher. Duties are kept apart from it too. */
  keptIds?: ReadonlySet<string>;
  /** Leaves the separation of duties out: as the item was, or would be, without such a rule. */
  ignoresSeparation?: boolean;
}

/** Facts → profiles → entitlements with risk, reasons and required roles. */
export function birthrightsOf(
  facts: PersonFacts,
  index: PolicyIndex,
  { chosenProfileIds = [], keptIds = new Set(), ignoresSeparation = false }: BirthrightOptions = {},
): Birthrights {
  const matches = matchProfiles(facts, index, chosenProfileIds);
  const birthrights: Birthright[] = [];
  const taken = new Set<string>();
  const matchOf = new Map<Birthright, ProfileMatch>();
  const isContractor = facts.employmentType === 'contractor';
  for (const match of inOrderOfSpeaking(matches)) {
    const assessed = assessedFor(match, isContractor, index);
    for (const id of match.profile.grants) {
      const entitlement = index.entitlementById.get(id);
      if (entitlement === undefined || taken.has(id)) continue;
      taken.add(id);
      const birthright = assessed.get(id) ?? assess(entitlement, match, isContractor, index, []);
      assessed.set(id, birthright);
      birthrights.push(birthright);
      matchOf.set(birthright, match);
    }
  }
  const rules = ignoresSeparation ? [] : index.policy.separationOfDuties;
  const together = new Set<string>([...taken, ...keptIds]);
  const keepApart = (birthright: Birthright): Birthright => {
    const match = matchOf.get(birthright);
    const separations = separationsOf(rules, birthright.entitlement.id, together);
    if (match === undefined || separations.length === 0) return birthright;
    // Depends on what else the person holds: not one of those that are shared by all.
    return assess(birthright.entitlement, match, isContractor, index, separations);
  };
  const sorted = birthrights.sort((a, b) => compareText(a.entitlement.id, b.entitlement.id));
  return { hasProfile: matches.length > 0, birthrights: rules.length === 0 ? sorted : sorted.map(keepApart) };
}

/** A profile without a conflict speaks before one with; then the surer one; then the first by id. */
function inOrderOfSpeaking(matches: readonly ProfileMatch[]): ProfileMatch[] {
  return matches.toSorted(
    (a, b) =>
      Number(a.excludedBy.length > 0) - Number(b.excludedBy.length > 0) ||
      b.confidence - a.confidence ||
      compareText(a.profile.id, b.profile.id),
  );
}

/**
 * Birthrights depend on few things about a person, so that most people share them: `assess` gets no more
 * than these, and the key of the match holds them all. They are never changed.
 */
const known = new WeakMap<PolicyIndex, Map<string, Map<string, Birthright>>>();

/** What was assessed before for a match like this one, by entitlement id. */
function assessedFor(
  { profile, confidence, excludedBy }: ProfileMatch,
  isContractor: boolean,
  index: PolicyIndex,
): Map<string, Birthright> {
  const byMatch = known.get(index) ?? new Map<string, Map<string, Birthright>>();
  known.set(index, byMatch);
  const key = [profile.id, confidence, isContractor, ...excludedBy].join(' ');
  const byEntitlement = byMatch.get(key) ?? new Map<string, Birthright>();
  byMatch.set(key, byEntitlement);
  return byEntitlement;
}

function assess(
  entitlement: EntitlementPolicy,
  match: ProfileMatch,
  isContractor: boolean,
  index: PolicyIndex,
  separations: Separation[],
): Birthright {
  const { profile, confidence, excludedBy } = match;
  const { routing } = index.policy;
  const score = scoreRisk({
    riskPoints: entitlement.riskPoints,
    isContractor,
    hasNoExactProfile: confidence < 1,
    isExceptionToProfile: false,
    adjustments: routing.riskAdjustments,
  });
  const exclusions = excludedBy.map((other) => conflictBetween(profile.id, other));
  const conflicts = [...exclusions, ...separations.map(separationText)];
  const required = requiredRoles({
    risk: score.risk,
    confidence,
    privileged: entitlement.privileged,
    productionAdmin: entitlement.productionAdmin,
    dataClass: entitlement.dataClass,
    isContractor,
    needsPerson: exclusions.length > 0,
    breaksSeparation: separations.length > 0,
    routing,
  });
  const how = confidence === 0 ? 'was chosen by a person' : `matches with confidence ${String(confidence)}`;
  return {
    entitlement,
    profileId: profile.id,
    confidence,
    risk: score.risk,
    conflicts,
    separations,
    expiresAfterSeconds: shortestTerm(entitlement.expiresAfter, separations),
    roles: required.roles,
    reasons: [`profile ${profile.id} ${how}`, ...conflicts, ...score.reasons, ...required.reasons],
  };
}

/** The same sentence from both sides, so that both profiles' items carry the same conflict. */
function conflictBetween(a: string, b: string): string {
  const [first, second] = [a, b].toSorted(compareText);
  return `profiles ${String(first)} and ${String(second)} exclude each other`;
}
