/** Where each entry of a policy stands: file and line, out of the files that were kept with a version. */
import type { PathKey } from './finding.ts';
import { mergePolicyFiles, type LoadedPolicy, type Placed } from './load.ts';
import type { PolicyFileText } from './read-policy.ts';

export interface PolicyPlace {
  file: string;
  /** From 1. */
  line: number;
}

/** Names one place: an entry, or a field of it. */
export type PlaceOf =
  | { section: 'systems' | 'entitlements' | 'profiles' | 'attributes'; id: string; path?: readonly PathKey[] }
  | { section: 'routing' | 'lifecycle'; path?: readonly PathKey[] };

/** Null for what the files do not hold, or where they no longer have the shape of a policy. */
export type PolicyPlaces = (of: PlaceOf) => PolicyPlace | null;

/** Indexes the files of one version. */
export function policyPlaces(files: readonly PolicyFileText[]): PolicyPlaces {
  const loaded = mergePolicyFiles(files);
  const known = new Map<string, Placed<unknown>>();
  for (const entry of loaded.systems) known.set(`systems ${entry.value.id}`, entry);
  for (const entry of loaded.entitlements) known.set(`entitlements ${entry.value.id}`, entry);
  for (const entry of loaded.profiles) known.set(`profiles ${entry.value.id}`, entry);
  for (const entry of loaded.attributes) known.set(`attributes ${entry.value.name}`, entry);
  return (of) => placeIn(loaded, known, of);
}

function placeIn(loaded: LoadedPolicy, known: ReadonlyMap<string, Placed<unknown>>, of: PlaceOf): PolicyPlace | null {
  const entry = 'id' in of ? (known.get(`${of.section} ${of.id}`) ?? null) : loaded[of.section];
  if (entry === null) return null;
  const { file, line } = entry.findingAt(of.path ?? [], '');
  return { file, line };
}
