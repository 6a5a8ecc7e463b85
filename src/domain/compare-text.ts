/** Order of texts by code unit: the same on every machine, which no locale's order is. */
export function compareText(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
