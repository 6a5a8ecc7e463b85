/**
 * Verifies the whole evidence log against the signed checkpoints, with read access to the database and the key folder
 * and without the signing key. It promises what lies below the last checkpoint; what was appended since is only checked
 * against itself, which is why the age of the checkpoint is part of the answer.
 */
import { sql } from 'kysely';
import type { Db } from '../store/db.ts';
import { openPersonVault, type PersonVault } from '../store/person-vault.ts';
import type { Verifier } from '../store/signing-key.ts';
import {
  isSignedCheckpoint,
  isSignedEntry,
  liveEntries,
  readCheckpointFile,
  type CheckpointEntry,
  type CheckpointFile,
  type SignedGap,
} from './checkpoint-file.ts';
import { contentDigestOf, isCommittedTo, leafHashOf, type SaltedValues } from './evidence-record.ts';
import { readEvidencePages, type StoredEvidence } from './evidence-rows.ts';
import { cutLog, editedRecord, forgedEntry, missingRecord, type EvidenceFinding } from './finding.ts';
import { createFrontier } from './frontier.ts';
import { createRootCheck } from './root-check.ts';

export interface LogVerification {
  isSound: boolean;
  /** At most {@link MAX_FINDINGS}; the first ones by place. */
  findings: EvidenceFinding[];
  /** Null when nothing was ever signed. */
  checkpointAgeSeconds: number | null;
  treeSize: number;
  /** Records below this place are promised. */
  checkpointedSize: number;
  /** Restores that a person declared; sound, but an auditor asks about each. */
  gaps: SignedGap[];
}

/** A log that was shifted by one place differs everywhere; more findings would tell nothing new. */
export const MAX_FINDINGS = 500;

/**
 * Reads everything once, in pages, in one read-only snapshot of the database. Never throws for what it finds; throws
 * when the database or the key folder cannot be reached.
 */
export async function verifyLog(deps: {
  db: Db;
  keysDir: string;
  verifier: Verifier;
  now: () => Date;
  /** Told how many records were read so far, page by page. */
  onProgress?: (records: number) => void;
}): Promise<LogVerification> {
  const { db, keysDir, verifier, now } = deps;
  const file = readCheckpointFile(keysDir);
  const signedEntries = file.entries.filter((entry) => isSignedEntry(verifier, entry));
  const live = liveEntries(signedEntries);
  const findings = fileFindings(file, verifier);
  const logged = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      findings.push(...(await rowFindings(tx, keysDir, verifier)));
      return walkLog(counted(readEvidencePages(tx), deps.onProgress), live, createValueCheck(openPersonVault(keysDir)));
    });
  findings.push(...logged.findings);
  const last = live.at(-1);
  return {
    isSound: findings.length === 0,
    findings: findings.slice(0, MAX_FINDINGS),
    checkpointAgeSeconds: last ? Math.floor((now().getTime() - Date.parse(last.at)) / 1000) : null,
    treeSize: logged.treeSize,
    checkpointedSize: last?.treeSize ?? 0,
    gaps: signedEntries.flatMap((entry) => (entry.entry === 'gap' ? entry : [])),
  };
}

function fileFindings(file: CheckpointFile, verifier: Verifier): EvidenceFinding[] {
  const unreadable = file.unreadableLines.map((line): EvidenceFinding => ({
    code: 'checkpointUnreadable',
    seq: null,
    message: `Line ${line} of the checkpoint file cannot be read.`,
  }));
  return [...unreadable, ...file.entries.filter((entry) => !isSignedEntry(verifier, entry)).map(forgedEntry)];
}

/** Rows of the mirror must be lines of the file, lost ones included. */
async function rowFindings(db: Db, keysDir: string, verifier: Verifier): Promise<EvidenceFinding[]> {
  const rows = await db
    .selectFrom('checkpoint')
    .select(['tree_size', 'root_hash', 'key_id', 'signature'])
    .select(
      sql<string>`coalesce(to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), at::text)`.as('at_text'),
    )
    .orderBy('tree_size')
    .execute();
  // Read again, after the rows: a checkpoint that was signed meanwhile must not look like one that the file lacks.
  const known = new Set(readCheckpointFile(keysDir).entries.map(checkpointKey));
  return rows.flatMap((row): EvidenceFinding[] => {
    const { root_hash: rootHash, key_id: keyId, signature } = row;
    const checkpoint = { treeSize: Number(row.tree_size), rootHash, at: row.at_text, keyId, signature };
    if (known.has(checkpointKey(checkpoint))) return [];
    const seq = checkpoint.treeSize - 1;
    return isSignedCheckpoint(verifier, checkpoint)
      ? [
          {
            code: 'checkpointFileBehind',
            seq,
            message: `The file lacks the signed checkpoint over ${seq + 1} records.`,
          },
        ]
      : [
          {
            code: 'checkpointForged',
            seq,
            message: `The checkpoint over ${seq + 1} records in the database is forged.`,
          },
        ];
  });
}

const checkpointKey = ({ treeSize, rootHash, at, keyId, signature }: Omit<CheckpointEntry, 'entry'>): string =>
  JSON.stringify([treeSize, rootHash, Date.parse(at), keyId, signature]);

type ValueCheck = (stored: StoredEvidence) => EvidenceFinding | null;

async function walkLog(
  pages: AsyncIterable<StoredEvidence[]>,
  live: readonly CheckpointEntry[],
  checkValue: ValueCheck,
): Promise<{ treeSize: number; findings: EvidenceFinding[] }> {
  const findings: EvidenceFinding[] = [];
  const mismatched: StoredEvidence[] = [];
  const roots = createRootCheck(live);
  const frontier = createFrontier();
  let nextSeq = 0;
  for await (const page of pages) {
    for (const stored of page) {
      const { seq } = stored.record;
      if (seq < 0) {
        findings.push({ code: 'recordUnexpected', seq, message: `A record stands before the first place, at ${seq}.` });
        continue;
      }
      if (seq > nextSeq) {
        findings.push(missingRecord(nextSeq, seq - 1));
        // Behind a hole no root can be computed; the hole is the finding.
        roots.stop();
      }
      nextSeq = seq + 1;
      const computed = safeLeafHash(stored);
      if (!computed || !isUnchanged(stored, computed)) keepBounded(mismatched, stored);
      frontier.add(computed ?? Buffer.alloc(32));
      const difference = roots.compare(frontier.size(), frontier.root);
      const valueFinding = checkValue(stored);
      for (const finding of [difference, valueFinding]) if (finding) keepBounded(findings, finding);
    }
  }
  const signedSize = live.at(-1)?.treeSize ?? 0;
  if (nextSeq < signedSize) findings.push(cutLog(nextSeq, signedSize));
  findings.push(...mismatched.map((stored) => editedOrMoved(stored, mismatched)));
  return { treeSize: nextSeq, findings: findings.toSorted((left, right) => (left.seq ?? -1) - (right.seq ?? -1)) };
}

async function* counted(
  pages: AsyncIterable<StoredEvidence[]>,
  onProgress: (records: number) => void = () => undefined,
): AsyncIterable<StoredEvidence[]> {
  let records = 0;
  for await (const page of pages) {
    yield page;
    records += page.length;
    onProgress(records);
  }
}

function keepBounded<T>(list: T[], item: T): void {
  if (list.length < MAX_FINDINGS) list.push(item);
}

/** Null when the database holds something that no record can be, for instance an infinite time stamp. */
function safeLeafHash({ record }: StoredEvidence): Buffer | null {
  try {
    return leafHashOf(record);
  } catch {
    return null;
  }
}

function isUnchanged({ record, leafHash }: StoredEvidence, computed: Buffer): boolean {
  return computed.toString('hex') === leafHash && contentDigestOf(record, record.commitment) === record.contentDigest;
}

/** A record that fits its hash at another failing place was moved; whatever else fails was edited. */
function editedOrMoved(stored: StoredEvidence, mismatched: readonly StoredEvidence[]): EvidenceFinding {
  const { seq } = stored.record;
  const origin = mismatched.find((other) => {
    const there = safeLeafHash({ ...stored, record: { ...stored.record, seq: other.record.seq } })?.toString('hex');
    return other !== stored && (there === stored.leafHash || there === other.leafHash);
  });
  if (!origin) return editedRecord(seq);
  return {
    code: 'recordReordered',
    seq,
    message: `The record at ${seq} was logged at ${origin.record.seq}.`,
  };
}

/** Opens the values beside a record and holds them against its commitment. */
function createValueCheck(vault: PersonVault): ValueCheck {
  const erased = new Set<string>();
  const isErased = (personId: string): boolean => {
    if (!erased.has(personId) && vault.isErased(personId)) erased.add(personId);
    return erased.has(personId);
  };
  const changed = (seq: number): EvidenceFinding => ({
    code: 'valueChanged',
    seq,
    message: `The values beside record ${seq} are not those that it committed to.`,
  });
  return ({ record: { seq, personId, commitment }, value }) => {
    if (commitment === null) return value ? changed(seq) : null;
    if (personId === null) return changed(seq);
    if (!value) {
      return isErased(personId)
        ? null
        : {
            code: 'valueMissing',
            seq,
            message: `The values beside record ${seq} are gone; the person was not erased.`,
          };
    }
    if (value.personId !== personId) return changed(seq);
    const opened = openedValues(vault, personId, value.sealed);
    if (opened === 'changed') return isErased(personId) ? null : changed(seq);
    if (opened) return isCommittedTo(commitment, opened) ? null : changed(seq);
    return isErased(personId)
      ? null
      : {
          code: 'keyMissing',
          seq,
          message: `The key for the values of record ${seq} is gone; the person was not erased.`,
        };
  };
}

function openedValues(vault: PersonVault, personId: string, sealed: Buffer): SaltedValues | null | 'changed' {
  try {
    return vault.open<SaltedValues>(personId, sealed);
  } catch {
    return 'changed';
  }
}
