/** A copy of the sample company's policy with changes, in a folder of its own. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface PolicyEdit {
  file: string;
  find: string | RegExp;
  replace: string;
}

const samplePolicies = resolve(import.meta.dirname, '..', '..', 'sandbox', 'policies');

/** Throws when an edit finds nothing: a test must not silently run on another policy than it says. */
export function copyPolicies(edits: readonly PolicyEdit[] = []): string {
  const dir = mkdtempSync(join(tmpdir(), 'usher-policy-'));
  cpSync(samplePolicies, dir, { recursive: true });
  for (const edit of edits) editPolicy(dir, edit);
  return dir;
}

export function editPolicy(dir: string, { file, find, replace }: PolicyEdit): void {
  const path = join(dir, file);
  const before = readFileSync(path, 'utf8');
  const after = before.replace(find, replace);
  if (after === before) throw new Error(`nothing to replace in ${file}: ${String(find)}`);
  writeFileSync(path, after);
}
