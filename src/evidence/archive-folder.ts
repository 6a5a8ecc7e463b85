/**
 * The archive on disk: `cases/<case>.json` (signed manifest), `histories/<case>/<workflow>_<run>.sealed` and
 * `bundles/<sha256>.js.gz`. Histories stay encrypted by the payload codec as Temporal gave them and are sealed once more
 * under the key of the case's person: erasing the person makes them unreadable, in every copy of the folder.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ArchiveManifest, type ArchiveContent, type ArchivedHistory } from '../schemas/archive.ts';
import type { PersonVault } from '../store/person-vault.ts';
import { sha256Hex } from '../store/sha256.ts';
import type { Signer, Verifier } from '../store/signing-key.ts';

export type ManifestReading =
  | { outcome: 'sound'; manifest: ArchiveManifest; manifestHash: string }
  | { outcome: 'none' }
  /** Not the shape, or not signed by the server. */
  | { outcome: 'forged' };

export function manifestFile(dir: string, caseId: string): string {
  return join(dir, 'cases', `${caseId}.json`);
}

function historyFile(
  dir: string,
  caseId: string,
  { workflowId, runId }: { workflowId: string; runId: string },
): string {
  return join(dir, 'histories', caseId, `${workflowId}_${runId}.sealed`);
}

function bundleFile(dir: string, bundleHash: string): string {
  return join(dir, 'bundles', `${bundleHash}.js.gz`);
}

/** Seals and writes a history; answers the hash of the file. Writing it again replaces it. */
export function writeHistory(
  dir: string,
  vault: PersonVault,
  about: { caseId: string; personId: string; workflowId: string; runId: string },
  history: unknown,
): string {
  const sealed = vault.seal(about.personId, gzipSync(JSON.stringify(history)).toString('base64'));
  writeWhole(historyFile(dir, about.caseId, about), sealed);
  return sha256Hex(sealed);
}

/** `changed`: another hash, or bytes that do not open. `erased`: the person's key is gone. */
export function readHistory(
  dir: string,
  vault: PersonVault,
  manifest: Pick<ArchiveContent, 'caseId' | 'personId'>,
  entry: ArchivedHistory,
): { outcome: 'read'; history: unknown } | { outcome: 'missing' | 'changed' | 'erased' } {
  const sealed = readIfThere(historyFile(dir, manifest.caseId, entry));
  if (!sealed) return { outcome: 'missing' };
  if (sha256Hex(sealed) !== entry.fileHash) return { outcome: 'changed' };
  try {
    const text = vault.open<string>(manifest.personId, sealed);
    if (text === null) return { outcome: 'erased' };
    return {
      outcome: 'read',
      history: JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString('utf8')) as unknown,
    };
  } catch {
    return { outcome: 'changed' };
  }
}

export function isHistoryIntact(dir: string, caseId: string, entry: ArchivedHistory): boolean {
  const sealed = readIfThere(historyFile(dir, caseId, entry));
  return sealed !== null && sha256Hex(sealed) === entry.fileHash;
}

/** Stores a bundle under its hash, once. Throws when the code is not what its hash says. */
export function writeBundle(dir: string, bundleHash: string, code: string): void {
  if (sha256Hex(code) !== bundleHash) throw new Error(`bundle ${bundleHash.slice(0, 12)} is not what its hash says`);
  if (readBundle(dir, bundleHash) === null) writeWhole(bundleFile(dir, bundleHash), gzipSync(code));
}

/** The code, or null when it is not there or not what its hash says. */
export function readBundle(dir: string, bundleHash: string): string | null {
  const packed = readIfThere(bundleFile(dir, bundleHash));
  if (!packed) return null;
  try {
    const code = gunzipSync(packed).toString('utf8');
    return sha256Hex(code) === bundleHash ? code : null;
  } catch {
    return null;
  }
}

/** Signs and writes; answers the hash of the file, read back from the disk. */
export function writeManifest(dir: string, signer: Signer, content: ArchiveContent): string {
  const manifest: ArchiveManifest = { ...content, signature: signer.sign('archive', content) };
  const file = manifestFile(dir, content.caseId);
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  writeWhole(file, Buffer.from(text));
  const stored = readFileSync(file);
  if (stored.toString('utf8') !== text) throw new Error('the archive did not keep what was written');
  return sha256Hex(stored);
}

export function readManifest(file: string, verifier: Pick<Verifier, 'verify'>): ManifestReading {
  const bytes = readIfThere(file);
  if (!bytes) return { outcome: 'none' };
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { outcome: 'forged' };
  }
  const parsed = ArchiveManifest.safeParse(json);
  if (!parsed.success) return { outcome: 'forged' };
  const { signature, ...content } = parsed.data;
  if (!verifier.verify('archive', content, signature)) return { outcome: 'forged' };
  return { outcome: 'sound', manifest: parsed.data, manifestHash: sha256Hex(bytes) };
}

function readIfThere(file: string): Buffer | null {
  return existsSync(file) ? readFileSync(file) : null;
}

/** A crash leaves the old file or the new one, never half of one. */
function writeWhole(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${process.pid}.new`;
  writeFileSync(next, bytes, { mode: 0o600, flush: true });
  renameSync(next, file);
}
