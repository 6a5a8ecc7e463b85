/** Which role profiles speak of a person, and which of them contradict each other. */
import type { RoleProfile } from '../schemas/policy.ts';
import type { FilterFacts } from './filter.ts';
import type { PolicyIndex } from './policy-index.ts';

export interface ProfileMatch {
  profile: RoleProfile;
  /** Of the rule; 0 for a profile that a person chose because no rule spoke. */
  confidence: number;
  /** Matching profiles that must not hold together with this one, sorted. */
  excludedBy: readonly string[];
}

/**
 * Profiles that match by rule, and the chosen ones with confidence 0 where no rule matched them, in the order of their
 * ids. A chosen profile that policy no longer has is left out: it grants nothing. Exclusion counts in both directions,
 * whichever of the two profiles declares it.
 */
export function matchProfiles(
  facts: FilterFacts,
  index: PolicyIndex,
  chosenProfileIds: readonly string[] = [],
): ProfileMatch[] {
  const matches = index.profileLookup
    .candidates(facts)
    .filter(({ id }) => index.filterByProfileId.get(id)?.matches(facts) === true)
    .map((profile) => ({ profile, confidence: profile.confidence }));
  for (const id of new Set(chosenProfileIds)) {
    const profile = index.profileById.get(id);
    const isMatch = matches.some((match) => match.profile.id === id);
    if (profile !== undefined && !isMatch) matches.push({ profile, confidence: 0 });
  }
  return matches
    .map((match) => ({ ...match, excludedBy: excludedBy(match.profile, matches) }))
    .toSorted((a, b) => (a.profile.id < b.profile.id ? -1 : 1));
}

function excludedBy(profile: RoleProfile, matches: readonly { profile: RoleProfile }[]): string[] {
  return matches
    .map((match) => match.profile)
    .filter((other) => other.id !== profile.id)
    .filter((other) => profile.excludes.includes(other.id) || other.excludes.includes(profile.id))
    .map((other) => other.id)
    .toSorted();
}
