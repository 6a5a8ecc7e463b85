/** Titles and departments that differ only in spelling: rules of access compare texts, so each spelling is another thing. */
import { compareText } from '../compare-text.ts';
import type { ImportWarning } from './findings.ts';
import type { ImportedRow } from './read-rows.ts';
import { foldText, isMisspelt } from './text-distance.ts';

/** More distinct texts than this are compared for equal spelling only: comparing each with each takes too long. */
const DISTINCT_MAX = 2_000;
const LINES_SHOWN_MAX = 20;

interface Spelling {
  text: string;
  folded: string;
  lines: number[];
}

/** Each group of spellings of one thing is one warning; the most frequent spelling comes first. */
export function checkSpelling(people: readonly ImportedRow[]): ImportWarning[] {
  return [
    ...spellingsOf(people, 'title').map((group) => warn('titleSpelling', group)),
    ...spellingsOf(people, 'department').map((group) => warn('departmentSpelling', group)),
  ];
}

function spellingsOf(people: readonly ImportedRow[], field: 'title' | 'department'): Spelling[][] {
  const byText = new Map<string, Spelling>();
  for (const { line, facts } of people) {
    const text = facts[field];
    if (text === null) continue;
    const known = byText.get(text);
    if (known) known.lines.push(line);
    else byText.set(text, { text, folded: foldText(text), lines: [line] });
  }
  const spellings = [...byText.values()].toSorted(
    (a, b) => b.lines.length - a.lines.length || compareText(a.text, b.text),
  );
  const byFold = new Map<string, Spelling[]>();
  for (const spelling of spellings) {
    const home = homeOf(spelling.folded, byFold, spellings.length <= DISTINCT_MAX);
    byFold.set(home, [...(byFold.get(home) ?? []), spelling]);
  }
  return [...byFold.values()].filter((group) => group.length > 1);
}

function homeOf(folded: string, byFold: ReadonlyMap<string, Spelling[]>, isNearCompared: boolean): string {
  if (byFold.has(folded) || !isNearCompared) return folded;
  for (const known of byFold.keys()) if (isMisspelt(known, folded)) return known;
  return folded;
}

function warn(code: 'titleSpelling' | 'departmentSpelling', group: readonly Spelling[]): ImportWarning {
  const texts = group.map(({ text, lines }) => `"${text.slice(0, 80)}" (${lines.length})`);
  const rare = group.slice(1).flatMap(({ lines }) => lines);
  const message = `differ only in spelling: ${texts.join(', ')}; rules of access see different things`;
  return { code, lines: rare.slice(0, LINES_SHOWN_MAX), sourceKeys: [], message };
}
