/** What the archive holds of a case, and whether every file still is what was archived. */
import { AppError } from '../domain/errors.ts';
import { isHistoryIntact, manifestFile, readBundle, readManifest } from '../evidence/archive-folder.ts';
import type { ServerDeps } from './server-deps.ts';

export interface ArchivedCase {
  caseId: string;
  /** `waiting`: closed and not archived yet, or open. `erased`: nothing is kept of an erased person. */
  state: 'archived' | 'erased' | 'waiting';
  isSound: boolean;
  archivedAt: string | null;
  manifestHash: string | null;
  histories: { workflowId: string; runId: string; eventCount: number; bundleHash: string | null; isIntact: boolean }[];
  bundles: { bundleHash: string; isIntact: boolean }[];
  missing: { workflowId: string; runId: string }[];
}

/** Throws AppError: notFound; unavailable without an archive folder; conflict when the manifest is not the server's. */
export async function readArchive(deps: ServerDeps, caseId: string): Promise<ArchivedCase> {
  const row = await deps.db
    .selectFrom('usher_case as c')
    .leftJoin('case_archive as a', 'a.case_id', 'c.case_id')
    .select(['a.state', 'a.manifest_hash'])
    .where('c.case_id', '=', caseId)
    .executeTakeFirst();
  if (!row) throw new AppError('notFound', `There is no case ${caseId}.`, 'caseId');
  const nothing = { archivedAt: null, manifestHash: null, histories: [], bundles: [], missing: [] };
  if (row.state !== 'archived') return { caseId, state: row.state ?? 'waiting', isSound: true, ...nothing };
  const { archiveDir: dir } = deps;
  if (dir === undefined) throw new AppError('unavailable', 'This server has no archive folder.');
  const reading = readManifest(manifestFile(dir, caseId), deps.verifier);
  if (reading.outcome !== 'sound' || reading.manifestHash !== row.manifest_hash)
    throw new AppError('conflict', `The manifest of ${caseId} is missing or not what was archived.`);
  const { manifest } = reading;
  const histories = manifest.histories.map(({ workflowId, runId, eventCount, bundleHashes, fileHash }) => ({
    workflowId,
    runId,
    eventCount,
    bundleHash: bundleHashes.at(-1) ?? null,
    isIntact: isHistoryIntact(dir, caseId, { workflowId, runId, eventCount, bundleHashes, fileHash }),
  }));
  const hashes = [...new Set(manifest.histories.flatMap(({ bundleHashes }) => bundleHashes))];
  const bundles = hashes.map((bundleHash) => ({ bundleHash, isIntact: readBundle(dir, bundleHash) !== null }));
  const { archivedAt, missing } = manifest;
  const isSound = missing.length === 0 && [...histories, ...bundles].every(({ isIntact }) => isIntact);
  return {
    caseId,
    state: 'archived',
    isSound,
    archivedAt,
    manifestHash: reading.manifestHash,
    histories,
    bundles,
    missing,
  };
}
