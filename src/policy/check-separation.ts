/** Checks of the rules that keep duties apart. */
import { duplicates } from './check-ids.ts';
import type { Finding } from './finding.ts';
import type { LoadedPolicy, Placed } from './load.ts';
import type { SeparationRule } from '../schemas/policy.ts';

/** All findings about separation of duties. */
export function checkSeparation(loaded: LoadedPolicy): Finding[] {
  return [
    ...duplicates(
      loaded.separationOfDuties,
      'id',
      ({ id }) => id,
      (id) => `rule ${id} stands in the policy already`,
    ),
    ...loaded.separationOfDuties.flatMap((rule) => checkSets(rule, loaded)),
  ];
}

function checkSets({ value, findingAt }: Placed<SeparationRule>, loaded: LoadedPolicy): Finding[] {
  const known = new Set<string>(loaded.entitlements.map((entitlement) => entitlement.value.id));
  const setOf = new Map<string, number>();
  return value.between.flatMap((set, position) =>
    set.flatMap((id, place) => {
      const path = ['between', position, place];
      if (!known.has(id)) return [findingAt(path, `unknown entitlement ${id}`)];
      const before = setOf.get(id);
      setOf.set(id, position);
      // Whoever holds it alone would break the rule: nobody could ever have it.
      if (before !== undefined)
        return [findingAt(path, `${id} stands in set ${String(before + 1)} of the rule already`)];
      return [];
    }),
  );
}
