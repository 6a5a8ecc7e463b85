/** How alike two texts are: folded for comparison, and the number of single changes between them. No locale, no guess. */

/** Lower case, without accents and signs, words with one space between them. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** The words of a name in one order: "Bari, Blinni" and "Blinni Bari" are the same name. */
export function foldName(name: string): string {
  return foldText(name).split(' ').toSorted().join(' ');
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that make one text the other, as far as `max`; more is
 * `max + 1`.
 */
export function editDistance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_unused, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      current.push(best);
    }
    if (Math.min(...current) > max) return max + 1;
    before = previous;
    previous = current;
  }
  return Math.min(previous[b.length] ?? 0, max + 1);
}

/** Numbers tell things apart ("Level 1", "Level 2"): texts with different numbers are never the same misspelt. */
export function numbersIn(text: string): string {
  return (text.match(/\d+|\b[ivx]+\b/g) ?? []).join(' ');
}

/** Changes that a slip of the keyboard explains at that length; short words differ too easily. */
export function slipsAllowed(text: string): number {
  if (text.length < 6) return 0;
  return text.length < 12 ? 1 : 2;
}

/** Whether two folded texts that are not equal are probably one, misspelt. */
export function isMisspelt(a: string, b: string): boolean {
  const max = Math.min(slipsAllowed(a), slipsAllowed(b));
  if (max === 0 || Math.abs(a.length - b.length) > max) return false;
  return numbersIn(a) === numbersIn(b) && editDistance(a, b, max) <= max;
}
