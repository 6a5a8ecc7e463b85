/**
 * `usher audit restored`: a person states that an older database was restored. The gap between what was signed and what
 * is there is itself signed, so that it stays visible for ever; only then are new checkpoints signed again.
 */
import { lockInTx, type Db, type Tx } from '../store/db.ts';
import { openVerifier, type Signer } from '../store/signing-key.ts';
import {
  appendCheckpointEntry,
  isSignedEntry,
  liveEntries,
  readCheckpointFile,
  signGap,
  type SignedGap,
} from './checkpoint-file.ts';
import { leafHashOf } from './evidence-record.ts';
import { readEvidencePages } from './evidence-rows.ts';
import { editedRecord, forgedEntry, missingRecord, type EvidenceFinding } from './finding.ts';
import { createFrontier } from './frontier.ts';

export type RestoredOutcome =
  | { outcome: 'signed'; gap: SignedGap }
  /** The log continues what was signed: there is no gap to sign. */
  | { outcome: 'noGap' }
  /** The log is not a restored one but a damaged one: a signature would only hide that. */
  | { outcome: 'refused'; finding: EvidenceFinding };

/**
 * Signs the gap, if there is one. `reason` is kept for ever and must name no person; at most 500 characters. Call the
 * checkpointer afterwards.
 */
export async function signRestoredGap(deps: {
  db: Db;
  signer: Signer;
  keysDir: string;
  now: () => Date;
  reason: string;
}): Promise<RestoredOutcome> {
  const { db, signer, keysDir, now, reason } = deps;
  const verifier = openVerifier(keysDir);
  return db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'evidence', 'checkpoint');
    const live = liveEntries(readCheckpointFile(keysDir).entries);
    const forged = live.find((entry) => !isSignedEntry(verifier, entry));
    if (forged) return { outcome: 'refused', finding: forgedEntry(forged) };
    const compared = await compare(tx, live);
    if ('code' in compared) return { outcome: 'refused', finding: compared };
    const lostTreeSize = live.at(-1)?.treeSize ?? 0;
    if (compared.keptTreeSize === lostTreeSize) return { outcome: 'noGap' };
    const gap = signGap(signer, { ...compared, lostTreeSize, at: now().toISOString(), reason });
    appendCheckpointEntry(keysDir, { entry: 'gap', ...gap });
    return { outcome: 'signed', gap };
  });
}

/** Recomputes the whole log and finds the largest signed size up to which it is what was signed. */
async function compare(
  tx: Tx,
  live: readonly { treeSize: number; rootHash: string }[],
): Promise<EvidenceFinding | { treeSize: number; rootHash: string; keptTreeSize: number }> {
  const frontier = createFrontier();
  const pending = [...live];
  let keptTreeSize = 0;
  let hasDiverged = false;
  for await (const page of readEvidencePages(tx)) {
    for (const { record, leafHash } of page) {
      if (record.seq !== frontier.size()) return missingRecord(frontier.size(), record.seq - 1);
      const computed = leafHashOf(record);
      if (computed.toString('hex') !== leafHash) return editedRecord(record.seq);
      frontier.add(computed);
      while (pending[0] && pending[0].treeSize <= frontier.size()) {
        const entry = pending.shift();
        hasDiverged ||= entry?.treeSize === frontier.size() && entry.rootHash !== frontier.root().toString('hex');
        if (entry && !hasDiverged) keptTreeSize = entry.treeSize;
      }
    }
  }
  return { treeSize: frontier.size(), rootHash: frontier.root().toString('hex'), keptTreeSize };
}
