/**
 * Shapes of the evidence that is read back from files: lines of the checkpoint file, and the exported case that an
 * auditor takes away. Both are read on trust of signatures only, so their shape is checked first.
 */
import { z } from 'zod';

/** A size of the log, or a place in it. */
const TreeSize = z.int().min(0);
const HashHex = z.string().regex(/^[0-9a-f]{64}$/);
const signed = { keyId: z.string(), signature: z.string() };

/** "The first `treeSize` records have this root." */
export const SignedCheckpoint = z.strictObject({
  treeSize: TreeSize,
  rootHash: HashHex,
  at: z.iso.datetime(),
  ...signed,
});
export type SignedCheckpoint = z.infer<typeof SignedCheckpoint>;

/**
 * "The database was restored: of the checkpoints before this line only those up to `keptTreeSize` still hold; what was
 * signed beyond, up to `lostTreeSize`, is gone. The log at hand has `treeSize` records with this root."
 */
export const SignedGap = SignedCheckpoint.extend({
  keptTreeSize: TreeSize,
  lostTreeSize: TreeSize,
  reason: z.string().min(1).max(500),
});
export type SignedGap = z.infer<typeof SignedGap>;

export const CheckpointEntry = z.discriminatedUnion('entry', [
  SignedCheckpoint.extend({ entry: z.literal('checkpoint') }),
  SignedGap.extend({ entry: z.literal('gap') }),
]);
export type CheckpointEntry = z.infer<typeof CheckpointEntry>;

const JsonObject = z.record(z.string(), z.json());

const BundledRecord = z.strictObject({
  seq: TreeSize,
  evidenceId: z.string(),
  operationKey: z.string(),
  kind: z.string(),
  personId: z.string().nullable(),
  caseId: z.string().nullable(),
  at: z.string(),
  body: JsonObject,
  commitment: HashHex.nullable(),
  contentDigest: HashHex,
});

const BundledEvidence = z.strictObject({
  record: BundledRecord,
  /** Siblings on the way to the root of the checkpoint, lowest first. */
  inclusionProof: z.array(HashHex).max(64),
  /** The values with their salt; null when there are none or the person was erased. */
  opened: z.strictObject({ salt: z.string(), values: z.json() }).nullable(),
});
export type BundledEvidence = z.infer<typeof BundledEvidence>;

const BundleContent = z.strictObject({
  format: z.literal('usher-case/1'),
  exportedAt: z.iso.datetime(),
  case: z.strictObject({
    caseId: z.string(),
    personId: z.string(),
    kind: z.string(),
    state: z.string(),
    effectiveAt: z.iso.datetime(),
    openedAt: z.iso.datetime(),
    closedAt: z.iso.datetime().nullable(),
    policyHash: z.string().nullable(),
  }),
  checkpoint: SignedCheckpoint,
  records: z.array(BundledEvidence),
  /** Records of the case that were logged after the checkpoint and are therefore not in this file. */
  laterRecords: TreeSize,
  /** PEM by key id. To be compared with keys that were obtained from the installation in another way. */
  publicKeys: z.record(z.string(), z.string()),
  /** Workflow history JSON by workflow id, as Temporal gives it. */
  histories: z.record(z.string(), z.json()),
});
export type BundleContent = z.infer<typeof BundleContent>;

/** The exported case. `bundleHash` covers everything above it, `signature` covers `bundleHash`. */
export const CaseBundle = BundleContent.extend({
  bundleHash: HashHex,
  signature: z.strictObject({ keyId: z.string(), signature: z.string() }),
});
export type CaseBundle = z.infer<typeof CaseBundle>;
