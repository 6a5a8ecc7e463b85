/**
 * Verifies an exported case offline: no database, no key folder, no network. The keys in the file prove nothing by
 * themselves, because whoever writes a file can put keys into it: pass keys obtained from the installation in another
 * way, or compare the fingerprints in the answer.
 */
import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import { signedBytes, type Verifier } from '../store/signing-key.ts';
import { isSignedCheckpoint, type SignedCheckpoint } from './checkpoint-file.ts';
import { bundleHashOf, contentDigestOf, isCommittedTo, leafHashOf } from './evidence-record.ts';
import { CaseBundle, type BundledEvidence } from '../schemas/evidence.ts';
import type { EvidenceFinding } from './finding.ts';
import { isIncluded } from './merkle.ts';

export interface ExportVerification {
  isSound: boolean;
  findings: EvidenceFinding[];
  /** True when keys were passed and hold; false when only the keys inside the file could be used. */
  isKeyTrusted: boolean;
  /** SHA-256 over the DER of each key used, by key id. */
  keyFingerprints: Record<string, string>;
  /** Null when the file is not a bundle at all. */
  caseId: string | null;
  checkpoint: SignedCheckpoint | null;
  recordCount: number;
}

/**
 * Checks shape, hash, signatures, and for each record: its digests, its place in the signed tree, and the commitment of
 * its opened values. `trustedKeys` are PEM texts by key id. Never throws.
 */
export function verifyExport(
  input: unknown,
  trustedKeys: Readonly<Record<string, string>> | null = null,
): ExportVerification {
  const parsed = CaseBundle.safeParse(input);
  if (!parsed.success) return notABundle;
  const bundle = parsed.data;
  const keys = readKeys(trustedKeys ?? bundle.publicKeys);
  const verifier = verifierOf(keys);
  const findings: EvidenceFinding[] = [];
  const { bundleHash, signature, ...content } = bundle;
  if (bundleHashOf(content) !== bundleHash)
    findings.push(changedExport('The file is not what was exported: its hash differs.'));
  if (!verifier.verify('export', { bundleHash }, signature)) {
    findings.push(changedExport('The signature over the file is not valid under the keys at hand.'));
  }
  if (!isSignedCheckpoint(verifier, bundle.checkpoint)) {
    const message = 'The checkpoint has no valid signature under the keys at hand.';
    findings.push({ code: 'checkpointForged', seq: bundle.checkpoint.treeSize - 1, message });
  }
  for (const entry of bundle.records) findings.push(...recordFindings(entry, bundle));
  return {
    isSound: findings.length === 0,
    findings,
    isKeyTrusted: trustedKeys !== null && findings.length === 0,
    keyFingerprints: fingerprints(keys),
    caseId: bundle.case.caseId,
    checkpoint: bundle.checkpoint,
    recordCount: bundle.records.length,
  };
}

function recordFindings({ record, inclusionProof, opened }: BundledEvidence, bundle: CaseBundle): EvidenceFinding[] {
  const { seq, commitment } = record;
  const findings: EvidenceFinding[] = [];
  const { treeSize, rootHash } = bundle.checkpoint;
  const proof = inclusionProof.map((sibling) => Buffer.from(sibling, 'hex'));
  const root = Buffer.from(rootHash, 'hex');
  if (!isIncluded({ index: seq, size: treeSize, leafHash: leafHashOf(record), root, proof })) {
    findings.push({
      code: 'recordEdited',
      seq,
      message: `Record ${seq} is not in the log that the checkpoint signed.`,
    });
  }
  if (contentDigestOf(record, commitment) !== record.contentDigest) {
    findings.push({ code: 'recordEdited', seq, message: `Record ${seq} does not match its content digest.` });
  }
  if (record.caseId !== bundle.case.caseId) {
    findings.push(changedExport(`Record ${seq} belongs to another case.`, seq));
  }
  if (opened && (commitment === null || !isCommittedTo(commitment, opened))) {
    findings.push({ code: 'valueChanged', seq, message: `The values of record ${seq} are not those it committed to.` });
  }
  return findings;
}

const changedExport = (message: string, seq: number | null = null): EvidenceFinding => ({
  code: 'exportChanged',
  seq,
  message,
});

const notABundle: ExportVerification = {
  isSound: false,
  findings: [changedExport('The file is not an exported case of format usher-case/1.')],
  isKeyTrusted: false,
  keyFingerprints: {},
  caseId: null,
  checkpoint: null,
  recordCount: 0,
};

/** Keys that cannot be read are left out: what they signed then counts as unsigned. */
function readKeys(pems: Readonly<Record<string, string>>): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const [keyId, pem] of Object.entries(pems)) {
    try {
      keys.set(keyId, createPublicKey(pem));
    } catch {
      continue;
    }
  }
  return keys;
}

function verifierOf(keys: ReadonlyMap<string, KeyObject>): Verifier {
  return {
    verify(purpose, document, { keyId, signature }) {
      const key = keys.get(keyId);
      // Another algorithm than ours would be the writer's choice, not the installation's.
      if (key?.asymmetricKeyType !== 'ed25519') return false;
      return verify(null, signedBytes(purpose, document), key, Buffer.from(signature, 'base64url'));
    },
  };
}

function fingerprints(keys: ReadonlyMap<string, KeyObject>): Record<string, string> {
  const entries = [...keys].map(([keyId, key]) => {
    const der = key.export({ type: 'spki', format: 'der' });
    return [keyId, hash('sha256', der, 'hex')] as const;
  });
  return Object.fromEntries(entries);
}
