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
  const ids = [...new Set(matches.flatMap(({ profile }) => profile.grants))].toSorted(compareText);
  const rules = ignoresSeparation ? [] : index.policy.separationOfDuties;
  const together = rules.length === 0 ? new Set<string>() : new Set<string>([...ids, ...keptIds]);
  const birthrights = ids.flatMap((id) => {
    const entitlement = index.entitlementById.get(id);
    const best = bestMatch(id, matches);
    if (entitlement === undefined || best === undefined) return [];
    return [assess(entitlement, best, facts, index, separationsOf(rules, id, together))];
  });
  return { hasProfile: matches.length > 0, birthrights };
}

/** A profile without a conflict speaks before one with; then the surer one; then the first by id. */
function bestMatch(entitlementId: string, matches: readonly ProfileMatch[]): ProfileMatch | undefined {
  return matches
    .filter(({ profile }) => profile.grants.includes(entitlementId))
    .toSorted(
      (a, b) =>
        Number(a.excludedBy.length > 0) - Number(b.excludedBy.length > 0) ||
        b.confidence - a.confidence ||
        compareText(a.profile.id, b.profile.id),
    )[0];
}

function assess(
  entitlement: EntitlementPolicy,
  match: ProfileMatch,
  facts: PersonFacts,
  index: PolicyIndex,
  separations: Separation[],
): Birthright {
  const { profile, confidence, excludedBy } = match;
  const { routing } = index.policy;
  const isContractor = facts.employmentType === 'contractor';
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
