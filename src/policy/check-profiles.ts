/** Checks of person attributes and role profiles of a policy. */
import { compileFilter } from '../domain/filter.ts';
import type { AttributePolicy, RoleProfile } from '../schemas/policy.ts';
import { duplicates } from './check-ids.ts';
import type { Finding } from './finding.ts';
import type { LoadedPolicy, Placed } from './load.ts';

/** All findings about attributes and profiles. */
export function checkAttributesAndProfiles(loaded: LoadedPolicy): Finding[] {
  const attributes = loaded.attributes.map(({ value }) => value);
  return [
    ...duplicates(
      loaded.attributes,
      'name',
      ({ name }) => name,
      (name) => `attribute ${name} stands in the policy already`,
    ),
    ...duplicates(
      loaded.profiles,
      'id',
      ({ id }) => id,
      (id) => `profile ${id} stands in the policy already`,
    ),
    ...loaded.profiles.flatMap((profile) => [
      ...checkFilter(profile, attributes),
      ...checkGrants(profile, loaded),
      ...checkExcludes(profile, loaded),
    ]),
  ];
}

function checkFilter({ value, findingAt }: Placed<RoleProfile>, attributes: readonly AttributePolicy[]): Finding[] {
  const compiled = compileFilter(value.when, attributes);
  if (compiled.isValid) return [];
  const { message, position } = compiled.problem;
  const place = `at character ${String(position + 1)} of the filter`;
  return [findingAt(['when'], `${message} (${place})`, { offsetInText: position })];
}

function checkGrants({ value, findingAt }: Placed<RoleProfile>, loaded: LoadedPolicy): Finding[] {
  return value.grants.flatMap((id, position) => {
    if (!loaded.entitlements.some((entitlement) => entitlement.value.id === id)) {
      return [findingAt(['grants', position], `unknown entitlement ${id}`)];
    }
    return value.grants.indexOf(id) < position
      ? [findingAt(['grants', position], `${id} stands in the list already`)]
      : [];
  });
}

function checkExcludes({ value, findingAt }: Placed<RoleProfile>, loaded: LoadedPolicy): Finding[] {
  return value.excludes.flatMap((id, position) => {
    if (id === value.id) return [findingAt(['excludes', position], 'a profile cannot exclude itself')];
    const isKnown = loaded.profiles.some((profile) => profile.value.id === id);
    return isKnown ? [] : [findingAt(['excludes', position], `unknown profile ${id}`)];
  });
}
