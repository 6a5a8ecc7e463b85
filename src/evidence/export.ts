/**
 * Exports one case for an auditor: its records with proofs against a signed checkpoint, the values that may still be
 * read, and the workflow histories. What comes out is verified by `verify-export.ts` without this installation.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Db, Tx } from '../store/db.ts';
import type { PersonVault } from '../store/person-vault.ts';
import type { Signer } from '../store/signing-key.ts';
import type { SignedCheckpoint } from './checkpoint-file.ts';
import { bundleHashOf, storableJson, type JsonObject, type SaltedValues } from './evidence-record.ts';
import { readEvidencePages, readLeafHashes, type StoredEvidence } from './evidence-rows.ts';
import type { BundleContent, BundledEvidence, CaseBundle } from '../schemas/evidence.ts';
import { cutLog, differingLog, missingRecord, type EvidenceFinding } from './finding.ts';
import { buildMerkleTree, type MerkleTree } from './merkle.ts';

export type ExportOutcome =
  | { outcome: 'exported'; bundle: CaseBundle }
  | { outcome: 'notFound' }
  /** The log is not the one that the checkpoint signed: nothing can be proved. */
  | { outcome: 'inconsistent'; finding: EvidenceFinding };

/**
 * Builds the bundle against `checkpoint`; make a fresh one before if the case is still moving. Reads all leaf hashes
 * below it: some 64 MB and four seconds for a million records. `histories` are Temporal's JSON by workflow id.
 */
export async function exportCase(deps: {
  db: Db;
  vault: PersonVault;
  signer: Signer;
  keysDir: string;
  caseId: string;
  checkpoint: SignedCheckpoint;
  histories: Readonly<Record<string, unknown>>;
  now: Date;
}): Promise<ExportOutcome> {
  const { db, vault, signer, keysDir, caseId, checkpoint, histories, now } = deps;
  const read = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((tx) => readCase(tx, caseId, checkpoint));
  if (read.outcome !== 'read') return read;
  const covered = read.records.filter(({ record }) => record.seq < checkpoint.treeSize);
  const content: BundleContent = {
    format: 'usher-case/1',
    exportedAt: now.toISOString(),
    case: read.case,
    checkpoint,
    records: covered.map((stored) => bundled(stored, read.tree, vault)),
    laterRecords: read.records.length - covered.length,
    publicKeys: readPublicKeys(keysDir),
    histories: storableJson(histories) as JsonObject,
  };
  const bundleHash = bundleHashOf(content);
  return {
    outcome: 'exported',
    bundle: { ...content, bundleHash, signature: signer.sign('export', { bundleHash }) },
  };
}

type ReadCase =
  | { outcome: 'read'; case: BundleContent['case']; records: StoredEvidence[]; tree: MerkleTree }
  | Exclude<ExportOutcome, { outcome: 'exported' }>;

async function readCase(tx: Tx, caseId: string, checkpoint: SignedCheckpoint): Promise<ReadCase> {
  const row = await tx.selectFrom('usher_case').selectAll().where('case_id', '=', caseId).executeTakeFirst();
  if (!row) return { outcome: 'notFound' };
  const leafHashes: Buffer[] = [];
  for await (const page of readLeafHashes(tx, checkpoint.treeSize)) {
    if (!page.isWhole) {
      return { outcome: 'inconsistent', finding: missingRecord(page.missingSeq, page.missingSeq) };
    }
    leafHashes.push(page.leafHashes);
  }
  const tree = buildMerkleTree(Buffer.concat(leafHashes));
  const { treeSize, rootHash } = checkpoint;
  if (tree.size < treeSize) return { outcome: 'inconsistent', finding: cutLog(tree.size, treeSize) };
  if (tree.rootAt().toString('hex') !== rootHash) {
    return { outcome: 'inconsistent', finding: differingLog(0, treeSize - 1, treeSize) };
  }
  const records: StoredEvidence[] = [];
  for await (const page of readEvidencePages(tx, { caseId })) records.push(...page);
  return {
    outcome: 'read',
    case: {
      caseId,
      personId: row.person_id,
      kind: row.kind,
      state: row.state,
      effectiveAt: row.effective_at.toISOString(),
      openedAt: row.opened_at.toISOString(),
      closedAt: row.closed_at?.toISOString() ?? null,
      policyHash: row.policy_hash,
    },
    records,
    tree,
  };
}

function bundled(stored: StoredEvidence, tree: MerkleTree, vault: PersonVault): BundledEvidence {
  const { record, value } = stored;
  const inclusionProof = tree.inclusionProof(record.seq).map((sibling) => sibling.toString('hex'));
  return { record, inclusionProof, opened: value && opened(vault, value) };
}

/** Null for an erased person, and for bytes that were changed: the commitment stays, `verify` names the change. */
function opened(vault: PersonVault, value: { personId: string; sealed: Buffer }): SaltedValues | null {
  try {
    return vault.open<SaltedValues>(value.personId, value.sealed);
  } catch {
    return null;
  }
}

function readPublicKeys(keysDir: string): Record<string, string> {
  const dir = join(keysDir, 'public');
  const names = readdirSync(dir).filter((name) => name.endsWith('.pem'));
  return Object.fromEntries(
    names.map((name) => [name.slice(0, -'.pem'.length), readFileSync(join(dir, name), 'utf8')]),
  );
}
