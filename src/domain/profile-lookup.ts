/**
 * Finds the few profiles that can match a person among hundreds. A profile whose filter asks for an exact value is found by
 * that value; the others are always looked at. It only leaves out what cannot match: the filter itself still decides.
 */
import type { RoleProfile } from '../schemas/policy.ts';
import type { CompiledFilter } from './filter.ts';
import { foldText, requiredEquals } from './filter-node.ts';
import type { AttributeName, Comparison, FilterFacts } from './filter-node.ts';

export interface ProfileLookup {
  /** Every profile that may match, each once, in no particular order. */
  candidates(facts: FilterFacts): readonly RoleProfile[];
}

interface ByAttribute {
  name: AttributeName;
  caseExact: boolean;
  byValue: Map<string, RoleProfile[]>;
}

export function profileLookup(
  profiles: readonly RoleProfile[],
  filterByProfileId: ReadonlyMap<string, CompiledFilter>,
): ProfileLookup {
  const required = new Map(profiles.map(({ id }) => [id, equalsOf(filterByProfileId.get(id))]));
  const sharing = new Map<string, number>();
  for (const equals of required.values()) {
    for (const key of new Set(equals.map(keyOf))) sharing.set(key, (sharing.get(key) ?? 0) + 1);
  }
  const always: RoleProfile[] = [];
  const attributes = new Map<string, ByAttribute>();
  for (const profile of profiles) {
    // The value that the fewest profiles ask for leaves the most of them out.
    const rarest = (required.get(profile.id) ?? []).toSorted(
      (a, b) => (sharing.get(keyOf(a)) ?? 0) - (sharing.get(keyOf(b)) ?? 0),
    )[0];
    if (rarest === undefined) always.push(profile);
    else put(attributes, rarest, profile);
  }
  const lookups = [...attributes.values()];
  return { candidates: (facts) => [...always, ...lookups.flatMap((lookup) => found(lookup, facts))] };
}

function equalsOf(filter: CompiledFilter | undefined): Comparison[] {
  return filter === undefined ? [] : requiredEquals(filter.node);
}

function keyOf({ name, value, caseExact }: Comparison): string {
  return `${name} ${foldText(value, caseExact)}`;
}

function put(attributes: Map<string, ByAttribute>, { name, value, caseExact }: Comparison, profile: RoleProfile): void {
  const entry = attributes.get(name) ?? { name, caseExact, byValue: new Map<string, RoleProfile[]>() };
  attributes.set(name, entry);
  const wanted = foldText(value, caseExact);
  entry.byValue.set(wanted, [...(entry.byValue.get(wanted) ?? []), profile]);
}

function found({ name, caseExact, byValue }: ByAttribute, facts: FilterFacts): readonly RoleProfile[] {
  const value = facts[name];
  if (value === null || value === undefined) return [];
  return byValue.get(foldText(value, caseExact)) ?? [];
}
