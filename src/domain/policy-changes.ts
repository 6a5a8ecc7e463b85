/** What differs between two policies, entry by entry: what an approver of a version reads before the effect on people. */
import type { Policy } from '../schemas/policy.ts';
import { canonicalJson } from './canonical-json.ts';
import { compareText } from './compare-text.ts';

export interface PolicyChange {
  kind: 'added' | 'removed' | 'changed';
  /** A section of the policy. */
  section: keyof Policy;
  /** Id of the entry; empty for routing and lifecycle. */
  id: string;
  /** For `changed`: names of the fields that differ. */
  fields: string[];
}

type Entry = Readonly<Record<string, unknown>>;

/** In the order of sections and ids. `from` is null before the first version: everything is added. */
export function policyChanges(from: Policy | null, to: Policy): PolicyChange[] {
  const sections = Object.keys(to).toSorted(compareText) as (keyof Policy)[];
  return sections.flatMap((section) => {
    const before = entriesOf(from?.[section]);
    const after = entriesOf(to[section]);
    return [...new Set([...before.keys(), ...after.keys()])]
      .toSorted(compareText)
      .flatMap((id) => changeOf(section, id, before.get(id), after.get(id)));
  });
}

function entriesOf(value: unknown): Map<string, Entry> {
  if (value === undefined || value === null) return new Map();
  if (!Array.isArray(value)) return new Map([['', value as Entry]]);
  return new Map((value as Entry[]).map((entry) => [String(entry['id'] ?? entry['name']), entry]));
}

function changeOf(section: keyof Policy, id: string, before?: Entry, after?: Entry): PolicyChange[] {
  if (before === undefined) return after === undefined ? [] : [{ kind: 'added', section, id, fields: [] }];
  if (after === undefined) return [{ kind: 'removed', section, id, fields: [] }];
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => textOf(before[field]) !== textOf(after[field]))
    .toSorted(compareText);
  return fields.length === 0 ? [] : [{ kind: 'changed', section, id, fields }];
}

function textOf(value: unknown): string {
  return value === undefined ? '' : canonicalJson(value);
}
