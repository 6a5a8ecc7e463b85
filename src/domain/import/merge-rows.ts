/** Several rows with one id: one of them counts. Rows that say the same are one; rows that differ are never mixed. */
import { canonicalJson } from '../canonical-json.ts';
import type { ImportWarning, UnusableRow } from './findings.ts';
import type { ImportedRow } from './read-rows.ts';

export type DuplicateRule = 'first' | 'last' | 'refuse';

export interface MergedRows {
  people: ImportedRow[];
  unusable: UnusableRow[];
  warnings: ImportWarning[];
}

/** One row per id, in the order of the file. `rule` says which of rows that differ counts; `refuse`: none of them. */
export function mergeRows(rows: readonly ImportedRow[], rule: DuplicateRule): MergedRows {
  const byKey = new Map<string, ImportedRow[]>();
  for (const row of rows) byKey.set(row.facts.sourceKey, [...(byKey.get(row.facts.sourceKey) ?? []), row]);
  const merged: MergedRows = { people: [], unusable: [], warnings: [] };
  for (const [sourceKey, same] of byKey) {
    const kept = mergeOne(sourceKey, same, rule, merged);
    if (kept !== null) merged.people.push(kept);
  }
  return merged;
}

function mergeOne(
  sourceKey: string,
  rows: readonly ImportedRow[],
  rule: DuplicateRule,
  merged: MergedRows,
): ImportedRow | null {
  const [first] = rows;
  if (first === undefined) return null;
  if (rows.length === 1) return first;
  const variants = new Map<string, ImportedRow>();
  for (const row of rows) {
    const said = canonicalJson(row.facts);
    if (!variants.has(said)) variants.set(said, row);
  }
  if (variants.size === 1) {
    const message = 'the same row several times; it is read once';
    merged.warnings.push({
      code: 'repeatedRow',
      lines: rows.map(({ line }) => line),
      sourceKeys: [sourceKey],
      message,
    });
    return first;
  }
  const kept = rule === 'refuse' ? null : ((rule === 'first' ? first : rows.at(-1)) ?? null);
  for (const row of rows) {
    if (row === kept) continue;
    const reason =
      kept === null
        ? `this id stands on ${rows.length} lines that differ (${rows.map(({ line }) => line).join(', ')})`
        : `this id stands on line ${kept.line} already, with other facts; that line counts`;
    merged.unusable.push({ line: row.line, sourceKey, code: 'duplicateId', column: null, reason });
  }
  return kept;
}
