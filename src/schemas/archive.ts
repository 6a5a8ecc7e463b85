/** The manifest of an archived case: what lies in the archive and the hash of each file. Signed by the server. */
import { z } from 'zod';
import { CaseId, Instant, PersonId, Sha256Hex } from './ids.ts';

/** Part of a file name: ids of workflows and runs. */
const FileId = z.string().regex(/^[A-Za-z0-9_-]{1,200}$/, 'expected an id');

export const ArchivedHistory = z.strictObject({
  workflowId: FileId,
  runId: FileId,
  /** SHA-256 of the file as it lies there. */
  fileHash: Sha256Hex,
  eventCount: z.int().min(1),
  /** Bundles that ran it, in the order of their first workflow task. The last one replays all of it. */
  bundleHashes: z.array(Sha256Hex),
});
export type ArchivedHistory = z.infer<typeof ArchivedHistory>;

const Content = z.strictObject({
  format: z.literal('usher-archive/1'),
  caseId: CaseId,
  personId: PersonId,
  archivedAt: Instant,
  histories: z.array(ArchivedHistory),
  /** Runs that Temporal could not give any more. */
  missing: z.array(z.strictObject({ workflowId: z.string(), runId: z.string() })),
  /** Bundles that ran and of which no copy was found. */
  missingBundles: z.array(Sha256Hex),
});
export type ArchiveContent = z.infer<typeof Content>;

export const ArchiveManifest = Content.extend({
  signature: z.strictObject({ keyId: z.string(), signature: z.string() }),
});
export type ArchiveManifest = z.infer<typeof ArchiveManifest>;
