/**
 * Writes a new system: its entry as a file of its own in the policy folder, its secrets into the secrets files. All of it or
 * nothing, and the entry last, so that no policy ever names a system whose secrets are not there.
 */
import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import type { SystemPolicy } from '../schemas/policy.ts';
import { checkPolicySources } from './check.ts';
import { findingText, type Finding } from './finding.ts';
import type { KnownConnector } from './known-connector.ts';
import { readPolicyFolder } from './load.ts';

/** The entry of a system as a person would write it: what has its default is left out. */
export type NewSystem = Pick<SystemPolicy, 'id' | 'connector' | 'displayName' | 'owner' | 'config'> &
  Partial<Pick<SystemPolicy, 'authenticates' | 'mode'>>;

export interface SystemFiles {
  policyDir: string;
  /** Each gets the secrets. */
  secretsFiles: readonly string[];
}

const LOCK_WAIT_MS = 5_000;
const LOCK_LEFT_AFTER_MS = 2_000;

const Secrets = z.record(z.string(), z.record(z.string(), z.string()));

export const systemFileName = (systemId: string): string => `system-${systemId}.yaml`;

export function systemYaml(system: NewSystem): string {
  return `# Added by usher systems add. Secrets are not here: they are resolved when the system is used.\n${stringify({ systems: [system] })}`;
}

/** What the policy check says about the entry beside what is there already: what it would say without it is left out. */
export async function findingsOfNew(
  policyDir: string,
  system: NewSystem,
  known: readonly KnownConnector[],
): Promise<Finding[]> {
  const sources = await readPolicyFolder(policyDir);
  const before = new Set(checkPolicySources(sources, known).findings.map(findingText));
  const all = [...sources, { name: systemFileName(system.id), text: systemYaml(system) }];
  return checkPolicySources(all, known).findings.filter((finding) => !before.has(findingText(finding)));
}

/**
 * Writes. Throws AppError `conflict` where the entry is there already and `unavailable` where a file cannot be read or
 * written; then nothing is changed. Answers the file of the entry.
 */
export function writeSystem(system: NewSystem, secrets: Record<string, string>, files: SystemFiles): string {
  const target = join(files.policyDir, systemFileName(system.id));
  if (existsSync(target)) throw new AppError('conflict', `${target} is there already.`);
  const entry = join(files.policyDir, `.${systemFileName(system.id)}.new`);
  const undo: (() => void)[] = [() => rmSync(entry, { force: true })];
  try {
    writeFileSync(entry, systemYaml(system), { mode: 0o644 });
    if (Object.keys(secrets).length > 0)
      for (const file of files.secretsFiles) undo.push(addSecrets(file, system.id, secrets));
    // A link, and not a renaming: it never replaces what somebody wrote meanwhile.
    linkSync(entry, target);
    rmSync(entry);
    return target;
  } catch (error) {
    for (const step of undo.toReversed()) step();
    if (error instanceof AppError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new AppError(
      code === 'EEXIST' ? 'conflict' : 'unavailable',
      `The system was not written (${code} at ${(error as NodeJS.ErrnoException).path ?? files.policyDir}); nothing is changed.`,
    );
  }
}

/** Answers how to take it back. */
function addSecrets(file: string, systemId: string, secrets: Record<string, string>): () => void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : null;
  replaceSecrets(file, (all) => ({ ...all, [systemId]: secrets }));
  return () => {
    if (before === null) rmSync(file, { force: true });
    else replaceSecrets(file, () => Secrets.parse(JSON.parse(before)));
  };
}

/** Whole or not at all, readable for its owner only, who stays the same. */
function replaceSecrets(file: string, change: (all: z.infer<typeof Secrets>) => z.infer<typeof Secrets>): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.new`;
  const handle = openAlone(next);
  try {
    const isThere = existsSync(file);
    fchmodSync(handle, 0o600);
    writeFileSync(handle, `${JSON.stringify(change(isThere ? readSecretsFile(file) : {}), null, 2)}\n`);
    // Whoever runs this may be another user than the process that reads the file.
    if (isThere) keepOwner(file, next);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
}

/** The file beside is a lock as well: of two that add a system at once, the other waits. One that a crash left is old. */
function openAlone(next: string): number {
  const untilMs = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return openSync(next, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || Date.now() > untilMs) throw error;
      const ageMs = Date.now() - (statSync(next, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (ageMs > LOCK_LEFT_AFTER_MS) rmSync(next, { force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function keepOwner(file: string, next: string): void {
  const { uid, gid } = statSync(file);
  const own = statSync(next);
  if (own.uid !== uid || own.gid !== gid) chownSync(next, uid, gid);
}

function readSecretsFile(file: string): z.infer<typeof Secrets> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new AppError('unavailable', `${file} is no readable JSON; nothing is changed.`);
  }
  const parsed = Secrets.safeParse(json);
  if (!parsed.success)
    throw new AppError('unavailable', `${file} does not hold {"<system>": {"<name>": "<value>"}}; nothing is changed.`);
  return parsed.data;
}
