/**
 * Signs checkpoints over the evidence log, and refuses to sign over a log that is not a continuation of what was signed
 * before. The server runs it at start and then regularly; only what lies below a checkpoint is promised.
 */
import { lockInTx, type Db, type Tx } from '../store/db.ts';
import { openVerifier, type Signer } from '../store/signing-key.ts';
import {
  appendCheckpointEntry,
  isSignedEntry,
  liveEntries,
  readCheckpointFile,
  readLastEntry,
  signCheckpoint,
  type CheckpointEntry,
  type SignedCheckpoint,
} from './checkpoint-file.ts';
import { leafHashOf } from './evidence-record.ts';
import { readEvidencePages, readLeafHashes, readTreeSize } from './evidence-rows.ts';
import { createRootCheck } from './root-check.ts';
import { cutLog, differingLog, editedRecord, forgedEntry, missingRecord, type EvidenceFinding } from './finding.ts';
import { HASH_BYTES } from './merkle.ts';
import { createFrontier, type Frontier } from './frontier.ts';

export type CheckpointOutcome =
  | { outcome: 'signed'; checkpoint: SignedCheckpoint }
  /** Nothing was appended since; null when nothing was ever signed. */
  | { outcome: 'unchanged'; checkpoint: SignedCheckpoint | null }
  /** The log does not continue what was signed. Nothing was written; raise an alert. */
  | { outcome: 'refused'; finding: EvidenceFinding };

export interface Checkpointer {
  /**
   * Signs the log as it is now if it grew. The first call reads all leaf hashes once and compares them with every
   * signed checkpoint; later calls read what is new and look at the last signed record. Throws when the database or
   * the key folder cannot be reached.
   */
  checkpoint(): Promise<CheckpointOutcome>;
}

interface Base {
  frontier: Frontier;
  lastLeafHash: string | null;
}
type Checked<T> = { isSound: true; result: T } | { isSound: false; finding: EvidenceFinding };

/** Creates the checkpointer of a server. Two of them on one installation take turns. */
export function createCheckpointer(deps: { db: Db; signer: Signer; keysDir: string; now: () => Date }): Checkpointer {
  const { db, signer, keysDir, now } = deps;
  const verifier = openVerifier(keysDir);
  let base: Base | null = null;

  async function checkpointIn(tx: Tx): Promise<{ outcome: CheckpointOutcome; newBase: Base | null }> {
    const refused = (finding: EvidenceFinding) => ({
      outcome: { outcome: 'refused', finding } as const,
      newBase: null,
    });
    await lockInTx(tx, 'evidence', 'checkpoint');
    const last = readLastEntry(keysDir);
    if (last === 'unreadable') return refused(unreadableFile);
    if (last && !isSignedEntry(verifier, last)) return refused(forgedEntry(last));
    const treeSize = await readTreeSize(tx);
    if (last && treeSize < last.treeSize) return refused(cutLog(treeSize, last.treeSize));
    const continued = await continueFrom(tx, base, last, keysDir);
    if (!continued.isSound) return refused(continued.finding);
    if (last?.entry === 'checkpoint') await mirror(tx, last);
    if (treeSize === 0 || (last?.entry === 'checkpoint' && treeSize === last.treeSize)) {
      const checkpoint = last?.entry === 'checkpoint' ? withoutEntry(last) : null;
      return { outcome: { outcome: 'unchanged', checkpoint }, newBase: continued.result };
    }
    const grown = await foldNewRecords(tx, continued.result, treeSize);
    if (!grown.isSound) return refused(grown.finding);
    const rootHash = grown.result.frontier.root().toString('hex');
    const checkpoint = signCheckpoint(signer, { treeSize, rootHash, at: now().toISOString() });
    // The file first: it decides. A row lost to a crash right here is written by the next call.
    appendCheckpointEntry(keysDir, { entry: 'checkpoint', ...checkpoint });
    await mirror(tx, checkpoint);
    return { outcome: { outcome: 'signed', checkpoint }, newBase: grown.result };
  }

  return {
    async checkpoint() {
      const { outcome, newBase } = await db.transaction().execute(checkpointIn);
      base = newBase;
      return outcome;
    },
  };
}

/** The frontier at the last signed size, proved to be the signed one. */
async function continueFrom(
  tx: Tx,
  base: Base | null,
  last: CheckpointEntry | null,
  keysDir: string,
): Promise<Checked<Base>> {
  if (!last) return { isSound: true, result: { frontier: createFrontier(), lastLeafHash: null } };
  const isCurrent = base?.frontier.size() === last.treeSize && base.frontier.root().toString('hex') === last.rootHash;
  if (!base || !isCurrent) return rebuild(tx, keysDir, last);
  const lastRow = await tx
    .selectFrom('evidence')
    .select('leaf_hash')
    .where('seq', '=', String(last.treeSize - 1))
    .executeTakeFirst();
  // A database that was restored under the running server may have grown past the old size again.
  return (lastRow?.leaf_hash ?? null) === base.lastLeafHash
    ? { isSound: true, result: base }
    : { isSound: false, finding: differingLog(last.treeSize - 1, last.treeSize - 1, last.treeSize) };
}

/** Reads all leaf hashes up to the last signed size and compares them with every checkpoint that still holds. */
async function rebuild(tx: Tx, keysDir: string, last: CheckpointEntry): Promise<Checked<Base>> {
  const frontier = createFrontier();
  const roots = createRootCheck(liveEntries(readCheckpointFile(keysDir).entries));
  let lastLeafHash: string | null = null;
  for await (const page of readLeafHashes(tx, last.treeSize)) {
    if (!page.isWhole) return { isSound: false, finding: missingRecord(page.missingSeq, page.missingSeq) };
    for (let at = 0; at < page.leafHashes.length; at += HASH_BYTES) {
      const leafHash = page.leafHashes.subarray(at, at + HASH_BYTES);
      frontier.add(leafHash);
      const difference = roots.compare(frontier.size(), frontier.root);
      if (difference) return { isSound: false, finding: difference };
      lastLeafHash = leafHash.toString('hex');
    }
  }
  if (frontier.size() !== last.treeSize) return { isSound: false, finding: cutLog(frontier.size(), last.treeSize) };
  return { isSound: true, result: { frontier, lastLeafHash } };
}

/** Adds the records after the signed size, each checked against its own leaf hash. Leaves `base` as it is. */
async function foldNewRecords(tx: Tx, base: Base, untilSeq: number): Promise<Checked<Base>> {
  const frontier = base.frontier.copy();
  let { lastLeafHash } = base;
  for await (const page of readEvidencePages(tx, { fromSeq: frontier.size(), untilSeq })) {
    for (const { record, leafHash } of page) {
      if (record.seq !== frontier.size()) {
        return { isSound: false, finding: missingRecord(frontier.size(), record.seq - 1) };
      }
      const computed = leafHashOf(record);
      if (computed.toString('hex') !== leafHash) return { isSound: false, finding: editedRecord(record.seq) };
      frontier.add(computed);
      lastLeafHash = leafHash;
    }
  }
  return { isSound: true, result: { frontier, lastLeafHash } };
}

async function mirror(tx: Tx, checkpoint: SignedCheckpoint): Promise<void> {
  const { treeSize, rootHash, at, keyId, signature } = checkpoint;
  const row = { tree_size: treeSize, root_hash: rootHash, at: new Date(at), key_id: keyId, signature };
  await tx
    .insertInto('checkpoint')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function withoutEntry(entry: SignedCheckpoint): SignedCheckpoint {
  const { treeSize, rootHash, at, keyId, signature } = entry;
  return { treeSize, rootHash, at, keyId, signature };
}

const unreadableFile: EvidenceFinding = {
  code: 'checkpointUnreadable',
  seq: null,
  message: 'The last line of the checkpoint file cannot be read.',
};
