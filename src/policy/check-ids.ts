/** Checks that several parts of a policy share: ids that stand twice, and names of people. */
import type { Finding } from './finding.ts';
import type { LoadedPolicy, Placed } from './load.ts';
import type { KnownConnector } from './known-connector.ts';

/** A finding for the second and each later entry with the same key. */
export function duplicates<Value>(
  entries: readonly Placed<Value>[],
  field: string,
  key: (value: Value) => string,
  message: (key: string) => string,
): Finding[] {
  const seen = new Set<string>();
  return entries.flatMap((entry) => {
    const text = key(entry.value);
    if (seen.has(text)) return [entry.findingAt([field], message(text))];
    seen.add(text);
    return [];
  });
}

/** What is wrong with `<hris system>/<key>`, or null. Whether the person exists only the HRIS knows. */
export function personRefProblem(
  ref: string,
  loaded: LoadedPolicy,
  knownConnectors: readonly KnownConnector[],
): string | null {
  const systemId = ref.slice(0, ref.indexOf('/'));
  const system = loaded.systems.find(({ value }) => value.id === systemId);
  if (system === undefined) return `unknown system ${systemId}; expected <hris system>/<key>`;
  const connector = knownConnectors.find(({ id }) => id === system.value.connector);
  if (connector === undefined || connector.kind === 'hris') return null;
  return `system ${systemId} is no HRIS; expected <hris system>/<key>`;
}
