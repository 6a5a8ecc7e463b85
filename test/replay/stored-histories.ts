/** The golden histories: one file each, and a manifest that says which file is what and what it held when it was recorded. */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const historiesDir = join(import.meta.dirname, 'histories');
const manifestFile = 'manifest.json';

export interface StoredHistory {
  file: string;
  type: string;
  scenario: string;
  workflowId: string;
  sha256: string;
}

export const sha256Of = (text: string): string => hash('sha256', text, 'hex');
export const manifestPath = join(historiesDir, manifestFile);

export function readManifest(): StoredHistory[] {
  return (JSON.parse(readFileSync(manifestPath, 'utf8')) as { histories: StoredHistory[] }).histories;
}

export function historyFiles(): string[] {
  return readdirSync(historiesDir)
    .filter((name) => name !== manifestFile)
    .toSorted();
}

export function readHistoryText(file: string): string {
  return readFileSync(join(historiesDir, file), 'utf8');
}
