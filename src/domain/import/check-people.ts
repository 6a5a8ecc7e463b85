/** One person under two ids: people who share a name and a birth date or an address, or who nearly do. */
import type { ImportWarning, WarningCode } from './findings.ts';
import type { ImportedRow } from './read-rows.ts';
import { foldName, isMisspelt } from './text-distance.ts';

/** A group in which more people than this agree tells nothing about them ("started on the first of January"). */
const GROUP_MAX = 200;

interface Compared extends ImportedRow {
  name: string;
  given: string;
  family: string;
}

/** Pairs and larger groups, each once; `nearlySamePerson` where one of the two names may be a slip, or less agrees. */
export function checkPeople(people: readonly ImportedRow[]): ImportWarning[] {
  const compared = people.map((row): Compared => {
    const { displayName, givenName, familyName } = row.facts;
    return { ...row, name: foldName(displayName), given: foldName(givenName), family: foldName(familyName) };
  });
  const seen = new Set<string>();
  const warnings: ImportWarning[] = [];
  const add = (code: WarningCode, rows: readonly Compared[], message: string): void => {
    const sourceKeys = rows.map(({ facts }) => facts.sourceKey).toSorted();
    const key = sourceKeys.join(' ');
    if (seen.has(key)) return;
    seen.add(key);
    warnings.push({ code, lines: rows.map(({ line }) => line).toSorted((a, b) => a - b), sourceKeys, message });
  };
  for (const rows of groups(compared, ({ facts }) => facts.workEmail))
    add('samePerson', rows, 'have one work e-mail address under several ids');
  for (const rows of groups(compared, ({ name, birthDate }) => (birthDate === null ? null : `${birthDate} ${name}`)))
    add('samePerson', rows, 'have one name and one birth date under several ids');
  for (const rows of groups(compared, ({ name, facts }) => `${facts.startDate} ${name}`))
    add('nearlySamePerson', rows, 'have one name and one first day under several ids');
  // One of two names misspelt: comparing everybody with everybody else of a day takes minutes for a large company.
  for (const part of ['given', 'family'] as const) {
    const sameDay = (day: string | null, row: Compared): string | null =>
      day === null || row[part] === '' ? null : `${day} ${row[part]}`;
    for (const rows of groups(compared, (row) => sameDay(row.birthDate, row)))
      for (const pair of misspelt(rows)) add('nearlySamePerson', pair, 'have one birth date and nearly one name');
    for (const rows of groups(compared, (row) => sameDay(row.facts.startDate, row)))
      for (const pair of misspelt(rows)) add('nearlySamePerson', pair, 'have one first day and nearly one name');
  }
  return warnings;
}

function groups(rows: readonly Compared[], keyOf: (row: Compared) => string | null): Compared[][] {
  const byKey = new Map<string, Compared[]>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === null) continue;
    const group = byKey.get(key);
    if (group) group.push(row);
    else byKey.set(key, [row]);
  }
  return [...byKey.values()].filter((group) => group.length > 1);
}

function misspelt(rows: readonly Compared[]): [Compared, Compared][] {
  if (rows.length > GROUP_MAX) return [];
  return rows.flatMap((a, index) =>
    rows
      .slice(index + 1)
      .filter((b) => a.name !== b.name && isMisspelt(a.name, b.name))
      .map((b): [Compared, Compared] => [a, b]),
  );
}
