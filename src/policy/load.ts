/** Reads a folder of YAML files and merges it into one policy, remembering from which file each entry came. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Policy } from '../schemas/policy.ts';
import type { Finding, PathKey } from './finding.ts';
import { parsePolicyFile } from './policy-file.ts';
import type { FindingTarget, PolicyFile } from './policy-file.ts';

const listKeys = ['systems', 'entitlements', 'profiles', 'attributes', 'separationOfDuties'] as const;
export type ListKey = (typeof listKeys)[number];

/** One entry of a list, and how to point at a place in it. */
export interface Placed<Value> {
  value: Value;
  findingAt(path: readonly PathKey[], message: string, target?: FindingTarget): Finding;
}

export interface LoadedPolicy {
  systems: Placed<Policy['systems'][number]>[];
  entitlements: Placed<Policy['entitlements'][number]>[];
  profiles: Placed<Policy['profiles'][number]>[];
  attributes: Placed<Policy['attributes'][number]>[];
  separationOfDuties: Placed<Policy['separationOfDuties'][number]>[];
  routing: Placed<Policy['routing']> | null;
  lifecycle: Placed<Policy['lifecycle']> | null;
  findings: Finding[];
}

/** Reads every `*.yaml` and `*.yml` in the folder, in the order of their names; folders in it are not entered. */
export async function readPolicyFolder(folder: string): Promise<{ name: string; text: string }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
    .map((entry) => entry.name)
    .toSorted();
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })));
}

/** Parses and merges. Lists are concatenated; `routing` and `lifecycle` stand in one file each. */
export function mergePolicyFiles(sources: readonly { name: string; text: string }[]): LoadedPolicy {
  const files = sources.map(({ name, text }) => parsePolicyFile(name, text));
  const findings = files.flatMap((file) => file.findings);
  if (files.length === 0) findings.push(folderFinding('the folder holds no .yaml file'));
  const isReadable = files.every((file) => file.document !== null);
  return {
    systems: entriesOf(files, 'systems', (document) => document.systems),
    entitlements: entriesOf(files, 'entitlements', (document) => document.entitlements),
    profiles: entriesOf(files, 'profiles', (document) => document.profiles),
    attributes: entriesOf(files, 'attributes', (document) => document.attributes),
    separationOfDuties: entriesOf(files, 'separationOfDuties', (document) => document.separationOfDuties),
    routing: single(files, 'routing', (document) => document.routing, findings, isReadable),
    lifecycle: single(files, 'lifecycle', (document) => document.lifecycle, findings, isReadable),
    findings,
  };
}

/** A finding about the folder as a whole. */
export function folderFinding(message: string): Finding {
  return { file: '', line: 0, column: 0, path: '', message };
}

type Document = NonNullable<PolicyFile['document']>;

function entriesOf<Value>(
  files: readonly PolicyFile[],
  key: ListKey,
  list: (document: Document) => readonly Value[] | undefined,
): Placed<Value>[] {
  return files.flatMap((file) =>
    (file.document === null ? [] : (list(file.document) ?? [])).map((value, position) => ({
      value,
      findingAt: (path: readonly PathKey[], message: string, target?: FindingTarget) =>
        file.findingAt([key, position, ...path], message, target),
    })),
  );
}

function single<Value>(
  files: readonly PolicyFile[],
  key: 'routing' | 'lifecycle',
  read: (document: Document) => Value | undefined,
  findings: Finding[],
  isReadable: boolean,
): Placed<Value> | null {
  const placed = files.flatMap((file): (Placed<Value> & { file: string })[] => {
    const value = file.document === null ? undefined : read(file.document);
    if (value === undefined) return [];
    return [
      { value, file: file.name, findingAt: (path, message, target) => file.findingAt([key, ...path], message, target) },
    ];
  });
  const [first, ...others] = placed;
  for (const other of others) {
    findings.push(
      other.findingAt([], `${key} stands in ${first?.file ?? ''} already; expected it in one file only`, {
        isKey: true,
      }),
    );
  }
  // A file that does not parse may hold it: then its own finding is the one to mend.
  if (first === undefined && isReadable && files.length > 0) findings.push(folderFinding(`no file has the key ${key}`));
  return first ?? null;
}
