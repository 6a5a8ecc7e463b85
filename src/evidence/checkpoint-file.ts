/**
 * The append-only file of signed checkpoints in the key folder. It lies outside the database, so that neither an edit
 * nor a restored backup of the database changes what the log was; the table `checkpoint` is only its mirror.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Signer, Verifier } from '../store/signing-key.ts';
import { CheckpointEntry, type SignedCheckpoint, type SignedGap } from '../schemas/evidence.ts';

export type { CheckpointEntry, SignedCheckpoint, SignedGap } from '../schemas/evidence.ts';

export interface CheckpointFile {
  entries: CheckpointEntry[];
  /** Line numbers, from 1, that hold no entry. */
  unreadableLines: number[];
}

/** Longer than any line: a reason has at most 500 characters. */
const TAIL_BYTES = 65_536;
const pathOf = (keysDir: string): string => join(keysDir, 'checkpoints.jsonl');

/** Signs a checkpoint. */
export function signCheckpoint(
  signer: Signer,
  document: Omit<SignedCheckpoint, 'keyId' | 'signature'>,
): SignedCheckpoint {
  const { treeSize, rootHash, at } = document;
  return { treeSize, rootHash, at, ...signer.sign('checkpoint', { treeSize, rootHash, at }) };
}

/** Signs a gap. */
export function signGap(signer: Signer, document: Omit<SignedGap, 'keyId' | 'signature'>): SignedGap {
  return { ...document, ...signer.sign('checkpoint', gapDocument(document)) };
}

/** True when a key of the installation signed this checkpoint. */
export function isSignedCheckpoint(verifier: Verifier, checkpoint: SignedCheckpoint): boolean {
  const { treeSize, rootHash, at } = checkpoint;
  return verifier.verify('checkpoint', { treeSize, rootHash, at }, checkpoint);
}

/** True when a key of the installation signed this line. */
export function isSignedEntry(verifier: Verifier, entry: CheckpointEntry): boolean {
  return entry.entry === 'gap'
    ? verifier.verify('checkpoint', gapDocument(entry), entry)
    : isSignedCheckpoint(verifier, entry);
}

// The word `gap` keeps this document apart from a checkpoint's.
function gapDocument(gap: Omit<SignedGap, 'keyId' | 'signature'>) {
  const { treeSize, rootHash, at, keptTreeSize, lostTreeSize, reason } = gap;
  return { entry: 'gap', treeSize, rootHash, at, keptTreeSize, lostTreeSize, reason };
}

/** Reads the whole file. An unfinished last line, left by a crash, was never promised and does not count. */
export function readCheckpointFile(keysDir: string): CheckpointFile {
  const text = existsSync(pathOf(keysDir)) ? readFileSync(pathOf(keysDir), 'utf8') : '';
  const lines = text.split('\n').slice(0, -1);
  const parsed = lines.map(parseLine);
  return {
    entries: parsed.flatMap((entry) => entry ?? []),
    unreadableLines: parsed.flatMap((entry, index) => (entry ? [] : [index + 1])),
  };
}

/** Reads the last line only; null for an empty file, `unreadable` when the line holds no entry. */
export function readLastEntry(keysDir: string): CheckpointEntry | null | 'unreadable' {
  if (!existsSync(pathOf(keysDir))) return null;
  const handle = openSync(pathOf(keysDir), 'r');
  try {
    const { size } = fstatSync(handle);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(handle, tail, 0, tail.length, size - tail.length);
    const line = tail.toString('utf8').split('\n').at(-2);
    return line === undefined ? null : (parseLine(line) ?? 'unreadable');
  } finally {
    closeSync(handle);
  }
}

/** Appends one line and returns when it is on the disk. One writer at a time: callers hold the checkpoint lock. */
export function appendCheckpointEntry(keysDir: string, entry: CheckpointEntry): void {
  mkdirSync(keysDir, { recursive: true, mode: 0o700 });
  const isNew = !existsSync(pathOf(keysDir));
  const handle = openSync(pathOf(keysDir), 'a+', 0o600);
  try {
    dropUnfinishedLine(handle);
    writeSync(handle, `${JSON.stringify(entry)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  if (isNew) syncFolder(keysDir);
}

function dropUnfinishedLine(handle: number): void {
  const { size } = fstatSync(handle);
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  readSync(handle, tail, 0, tail.length, size - tail.length);
  const unfinished = tail.length - (tail.lastIndexOf('\n') + 1);
  if (unfinished > 0) ftruncateSync(handle, size - unfinished);
}

/** A new file survives a power cut only when its folder was synced too. */
function syncFolder(keysDir: string): void {
  const handle = openSync(keysDir, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function parseLine(line: string): CheckpointEntry | undefined {
  try {
    return CheckpointEntry.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The entries that the log at hand must match, by ascending size: a gap takes back what it declares lost. */
export function liveEntries(entries: readonly CheckpointEntry[]): CheckpointEntry[] {
  let live: CheckpointEntry[] = [];
  for (const entry of entries) {
    if (entry.entry === 'gap') live = live.filter(({ treeSize }) => treeSize <= entry.keptTreeSize);
    live.push(entry);
  }
  return live.toSorted((left, right) => left.treeSize - right.treeSize);
}

/** The newest checkpoint that still holds, or null: what an export proves against. Signatures are not checked here. */
export function latestCheckpoint(keysDir: string): SignedCheckpoint | null {
  const live = liveEntries(readCheckpointFile(keysDir).entries);
  const last = live.findLast((entry) => entry.entry === 'checkpoint');
  if (!last) return null;
  const { treeSize, rootHash, at, keyId, signature } = last;
  return { treeSize, rootHash, at, keyId, signature };
}
