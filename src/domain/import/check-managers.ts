/** The line of managers: who does not exist, who is their own, and whose line runs in a circle. */
import type { ImportWarning } from './findings.ts';
import type { ImportedRow } from './read-rows.ts';

/** `known` holds ids of people whom Usher knows from elsewhere. Each circle is one warning. */
export function checkManagers(people: readonly ImportedRow[], known: ReadonlySet<string>): ImportWarning[] {
  const byKey = new Map(people.map((row) => [row.facts.sourceKey, row] as const));
  return [...missingManagers(people, byKey, known), ...circles(people, byKey)];
}

function missingManagers(
  people: readonly ImportedRow[],
  byKey: ReadonlyMap<string, ImportedRow>,
  known: ReadonlySet<string>,
): ImportWarning[] {
  const reports = new Map<string, number[]>();
  const warnings: ImportWarning[] = [];
  for (const { line, facts } of people) {
    const { managerKey, sourceKey } = facts;
    if (managerKey === null) continue;
    if (managerKey === sourceKey) {
      const message = 'is their own manager; the fallback owner decides in their place';
      warnings.push({ code: 'ownManager', lines: [line], sourceKeys: [sourceKey], message });
    } else if (!byKey.has(managerKey) && !known.has(managerKey)) {
      reports.set(managerKey, [...(reports.get(managerKey) ?? []), line]);
    }
  }
  const message = 'is a manager and stands in no usable row; the fallback owner decides in their place';
  for (const [managerKey, lines] of reports)
    warnings.push({ code: 'unknownManager', lines, sourceKeys: [managerKey], message });
  return warnings;
}

function circles(people: readonly ImportedRow[], byKey: ReadonlyMap<string, ImportedRow>): ImportWarning[] {
  const done = new Set<string>();
  const warnings: ImportWarning[] = [];
  for (const { facts } of people) {
    const path: string[] = [];
    const places = new Map<string, number>();
    let key: string | null = facts.sourceKey;
    while (key !== null && !done.has(key) && !places.has(key)) {
      places.set(key, path.length);
      path.push(key);
      const managerKey: string | null = byKey.get(key)?.facts.managerKey ?? null;
      key = managerKey !== null && byKey.has(managerKey) && managerKey !== key ? managerKey : null;
    }
    const start = key === null ? undefined : places.get(key);
    if (start !== undefined) {
      const sourceKeys = path.slice(start);
      const lines = sourceKeys.flatMap((each) => byKey.get(each)?.line ?? []);
      warnings.push({ code: 'managerCycle', lines, sourceKeys, message: 'manage each other in a circle' });
    }
    for (const each of path) done.add(each);
  }
  return warnings;
}
