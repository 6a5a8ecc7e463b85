/**
 * Takes the histories of closed cases out of Temporal before its retention ends, with everything that a case started. A
 * job of the server and not a schedule of the engine: it goes by rows, so that a pass that failed or never ran is made up
 * by the next one, and it signs, which only the server can.
 */
import { appendEvidence } from '../evidence/log.ts';
import {
  manifestFile,
  isHistoryIntact,
  readManifest,
  writeBundle,
  writeHistory,
  writeManifest,
} from '../evidence/archive-folder.ts';
import { factsOfHistory } from '../evidence/history-facts.ts';
import type { ArchiveContent, ArchivedHistory } from '../schemas/archive.ts';
import { CaseId, PersonId } from '../schemas/ids.ts';
import { raiseAlert } from '../store/alerts.ts';
import { whileLockedIfFree } from '../store/db.ts';
import { findBundle } from '../store/workflow-bundles.ts';
import type { ServerDeps, TemporalPort } from './server-deps.ts';

const CASES_PER_PASS = 20;
/** A case closes its row a moment before its workflow ends. */
const SETTLE_MS = 5_000;
/** How often, and how far back, it looks for runs that ended outside of the life of their case (ends of time-bound access). */
const STRAGGLERS_EVERY_MS = 3_600_000;
const STRAGGLERS_BACK_MS = 8 * 86_400_000;

interface CaseToArchive {
  case_id: string;
  person_id: string;
}

interface Run {
  workflowId: string;
  runId: string;
}

const stragglersSeenAt = new WeakMap<object, number>();

/** One pass; answers how many cases it archived. Does nothing without an archive folder or Temporal. */
export async function archiveCases(deps: ServerDeps): Promise<number> {
  const { archiveDir: dir, temporal } = deps;
  if (dir === undefined || !temporal) return 0;
  const pass = async (): Promise<number> => {
    let count = 0;
    for (const row of await casesToArchive(deps)) count += (await archiveCase(deps, { dir, temporal }, row)) ? 1 : 0;
    return count + (await archiveStragglers(deps, { dir, temporal }));
  };
  return (await whileLockedIfFree(deps.db, 'delivery', 'archive', pass)) ?? 0;
}

function casesToArchive(deps: ServerDeps): Promise<CaseToArchive[]> {
  return deps.db
    .selectFrom('usher_case as c')
    .leftJoin('case_archive as a', 'a.case_id', 'c.case_id')
    .select(['c.case_id', 'c.person_id'])
    .where('c.closed_at', '<', new Date(deps.now().getTime() - SETTLE_MS))
    .where('a.case_id', 'is', null)
    .orderBy('c.closed_at')
    .limit(CASES_PER_PASS)
    .execute();
}

interface Places {
  dir: string;
  temporal: TemporalPort;
}

/** False while something of the case still runs. Repeating it adds what is new and changes nothing else. */
export async function archiveCase(deps: ServerDeps, places: Places, row: CaseToArchive): Promise<boolean> {
  const { case_id: caseId, person_id: personId } = row;
  if (deps.vault.isErased(personId)) {
    await noteArchived(deps, row, { state: 'erased', manifestHash: null, missing: 0 });
    return true;
  }
  const collected = await collectHistories(deps, places, row);
  if (collected === null) return false;
  const { histories, missing } = collected;
  const missingBundles: string[] = [];
  for (const hash of new Set(histories.flatMap(({ bundleHashes }) => bundleHashes))) {
    const code = await findBundle(deps.db, hash);
    if (code === null) missingBundles.push(hash);
    else writeBundle(places.dir, hash, code);
  }
  const content: ArchiveContent = {
    format: 'usher-archive/1',
    caseId: CaseId.parse(caseId),
    personId: PersonId.parse(personId),
    archivedAt: deps.now().toISOString(),
    histories,
    missing,
    missingBundles,
  };
  const manifestHash = writeManifest(places.dir, deps.signer, content);
  if (!histories.every((entry) => isHistoryIntact(places.dir, caseId, entry)))
    throw new Error(`the archive of ${caseId} did not keep what was written`);
  const lost = missing.length + missingBundles.length + (histories.length === 0 ? 1 : 0);
  await noteArchived(deps, row, { state: 'archived', manifestHash, missing: lost }, content);
  if (lost > 0) await alertIncomplete(deps, caseId);
  return true;
}

/** Every run of the case and, through the histories themselves, of all that it started. Null: something still runs. */
async function collectHistories(
  deps: ServerDeps,
  { dir, temporal }: Places,
  { case_id: caseId, person_id: personId }: CaseToArchive,
): Promise<{ histories: ArchivedHistory[]; missing: Run[] } | null> {
  const known = await knownHistories(deps, dir, caseId);
  const waiting: Run[] = await temporal.runs(caseId);
  const seen = new Set<string>(known.keys());
  const missing: Run[] = [];
  for (let run = waiting.shift(); run; run = waiting.shift()) {
    const key = keyOf(run);
    if (seen.has(key)) continue;
    seen.add(key);
    const history = await temporal.history(run.workflowId, run.runId);
    if (history === null) {
      missing.push(run);
      continue;
    }
    const facts = factsOfHistory(history);
    if (!facts.isClosed) return null;
    waiting.push(...facts.children);
    const fileHash = writeHistory(dir, deps.vault, { caseId, personId, ...run }, history);
    const { eventCount, bundleHashes } = facts;
    const entry: ArchivedHistory = { ...run, fileHash, eventCount, bundleHashes };
    await rememberHistory(deps, caseId, entry);
    known.set(key, entry);
  }
  const histories = [...known.values()].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { histories, missing };
}

const keyOf = ({ workflowId, runId }: Run): string => `${workflowId}/${runId}`;

/** From the rows, and from a manifest that is there already: a restored database does not know what the folder holds. */
async function knownHistories(deps: ServerDeps, dir: string, caseId: string): Promise<Map<string, ArchivedHistory>> {
  const rows = await deps.db.selectFrom('archived_history').selectAll().where('case_id', '=', caseId).execute();
  const fromRows = rows.map((row) => ({
    workflowId: row.workflow_id,
    runId: row.run_id,
    fileHash: row.file_hash,
    eventCount: row.event_count,
    bundleHashes: row.bundle_hashes,
  }));
  const before = readManifest(manifestFile(dir, caseId), deps.verifier);
  const fromManifest = before.outcome === 'sound' ? before.manifest.histories : [];
  const intact = [...fromRows, ...fromManifest].filter((entry) => isHistoryIntact(dir, caseId, entry));
  return new Map(intact.map((entry) => [keyOf(entry), entry]));
}

async function rememberHistory(deps: ServerDeps, caseId: string, entry: ArchivedHistory): Promise<void> {
  const values = {
    workflow_id: entry.workflowId,
    run_id: entry.runId,
    case_id: caseId,
    file_hash: entry.fileHash,
    event_count: entry.eventCount,
    bundle_hashes: entry.bundleHashes,
    archived_at: deps.now(),
  };
  await deps.db
    .insertInto('archived_history')
    .values(values)
    .onConflict((conflict) => conflict.columns(['workflow_id', 'run_id']).doUpdateSet(values))
    .execute();
}

async function noteArchived(
  deps: ServerDeps,
  { case_id: caseId, person_id: personId }: CaseToArchive,
  outcome: { state: 'archived' | 'erased'; manifestHash: string | null; missing: number },
  content?: ArchiveContent,
): Promise<void> {
  const now = deps.now();
  const { state, manifestHash, missing } = outcome;
  const values = { state, manifest_hash: manifestHash, missing_count: missing, archived_at: now };
  await deps.db.transaction().execute(async (tx) => {
    await tx
      .insertInto('case_archive')
      .values({ case_id: caseId, ...values })
      .onConflict((conflict) => conflict.column('case_id').doUpdateSet(values))
      .execute();
    if (!content) return;
    const body = {
      manifestHash,
      histories: content.histories.map(({ workflowId, runId, fileHash }) => ({ workflowId, runId, fileHash })),
      bundleHashes: [...new Set(content.histories.flatMap(({ bundleHashes }) => bundleHashes))],
      missing: content.missing,
    };
    const about = { operationKey: `archive/${caseId}`, personId, caseId };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'archived', body, values: null }], now);
  });
}

async function alertIncomplete(deps: ServerDeps, caseId: string): Promise<void> {
  const text = `The archive of ${caseId} is not complete: a history or a workflow bundle is gone. See: usher audit archive ${caseId}`;
  await raiseAlert(
    deps.db,
    { alertKey: `archive/${caseId}`, kind: 'archiveIncomplete', personId: null, text },
    deps.now(),
  );
}

/** Cases that are archived and of which something ended later are archived again, with it. */
async function archiveStragglers(deps: ServerDeps, places: Places): Promise<number> {
  const nowMs = deps.now().getTime();
  if (nowMs - (stragglersSeenAt.get(deps.db) ?? 0) < STRAGGLERS_EVERY_MS) return 0;
  const runs = await places.temporal.runsClosedSince(new Date(nowMs - STRAGGLERS_BACK_MS));
  const known = new Set(
    (await deps.db.selectFrom('archived_history').select(['workflow_id', 'run_id']).execute()).map((row) =>
      keyOf({ workflowId: row.workflow_id, runId: row.run_id }),
    ),
  );
  const late = new Set(runs.filter((run) => !known.has(keyOf(run))).map(({ caseId }) => caseId));
  let count = 0;
  if (late.size > 0) {
    const rows = await deps.db
      .selectFrom('usher_case as c')
      .innerJoin('case_archive as a', 'a.case_id', 'c.case_id')
      .select(['c.case_id', 'c.person_id'])
      .where('c.case_id', 'in', [...late])
      .where('a.state', '=', 'archived')
      .execute();
    for (const row of rows) count += (await archiveCase(deps, places, row)) ? 1 : 0;
  }
  stragglersSeenAt.set(deps.db, nowMs);
  return count;
}
