/**
 * Compares the open cases of the store with Temporal, by id. A case whose workflow was terminated, failed, timed out or is
 * missing will never close by itself: it becomes an incident and an alert, and heals when it is resumed.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import { announceIncident } from '../evidence/incident-record.ts';
import { appendEvidence } from '../evidence/log.ts';
import { raiseAlert } from '../store/alerts.ts';
import { detachItems, openIncidentRow } from '../store/incidents.ts';
import { LOST_SYSTEM_ID, lostWorkflowIds } from '../store/lost-cases.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import * as wire from '../workflows/wire.ts';

const QUESTIONS_AT_ONCE = 8;
const LIST_PAGE_MAX = 1_000;
/** A case closes its row just before its workflow ends, and starts its workflow just before its row says so. */
const SETTLE_MS = 5_000;
/** A cut-off takes seconds; later its history may have been deleted by retention. */
const CUTOFF_WATCH_MS = 86_400_000;

interface Watched {
  workflowId: string;
  caseId: string;
  personId: string;
  n: number;
  /** A cut-off may have ended well while its case goes on. */
  mayBeCompleted: boolean;
}

/** What became of a workflow. */
export type Fate = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timedOut' | 'missing';

/** One pass over all open cases. Throws when Temporal does not answer: nothing is concluded from silence. */
export async function watchCases(deps: WorkerDeps): Promise<void> {
  const watched = [...(await openCasesStarted(deps)), ...(await cutoffsStarted(deps))];
  const lost = await lostWorkflowIds(deps.db);
  const known = new Set(watched.map(({ workflowId }) => workflowId));
  // What closed in the meantime, or was never ours to watch, waits for nobody.
  for (const workflowId of lost) if (!known.has(workflowId)) await noteFound(deps, workflowId);
  const seenWell = await listWell(deps);
  const waiting = watched.filter(({ workflowId }) => lost.has(workflowId) || !seenWell.has(workflowId));
  const look = async (): Promise<void> => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await watchOne(deps, one, lost.has(one.workflowId));
  };
  await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, look));
}

/**
 * Ids of the workflows that go on, and of the cut-offs that ended well: a page or two for a whole company, where a question
 * for each would be a burst that cut-offs have to wait behind. The list may lag by seconds; whoever is not on it is asked
 * about singly, and whoever ended since is missed by the next pass.
 */
async function listWell({ temporal, now }: WorkerDeps): Promise<ReadonlySet<string>> {
  const since = new Date(now().getTime() - CUTOFF_WATCH_MS).toISOString();
  const queries = [
    `ExecutionStatus = 'Running'`,
    `WorkflowType = '${wire.workflowTypes.cutoff}' AND ExecutionStatus = 'Completed' AND CloseTime > '${since}'`,
  ];
  const ids = new Set<string>();
  for (const query of queries)
    for await (const { workflowId } of temporal.workflow.list({ query, pageSize: LIST_PAGE_MAX })) ids.add(workflowId);
  return ids;
}

async function watchOne(deps: WorkerDeps, watched: Watched, isKnownLost: boolean): Promise<void> {
  const { fate, runId, endedAt } = await fateOf(deps, watched.workflowId);
  const isWell = fate === 'running' || (fate === 'completed' && watched.mayBeCompleted);
  if (isWell && isKnownLost) await noteFound(deps, watched.workflowId);
  if (isWell || isKnownLost) return;
  if (endedAt !== null && Date.now() - endedAt.getTime() < SETTLE_MS) return;
  if (await isStillOpen(deps, watched)) await noteLost(deps, watched, fate, runId);
}

/** The latest run of that id. */
export async function fateOf(
  deps: WorkerDeps,
  workflowId: string,
): Promise<{ fate: Fate; runId: string | null; endedAt: Date | null }> {
  try {
    const { status, runId, closeTime } = await deps.temporal.workflow.getHandle(workflowId).describe();
    return { fate: fateByStatus[status.name] ?? 'running', runId, endedAt: closeTime ?? null };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { fate: 'missing', runId: null, endedAt: null };
    throw error;
  }
}

/** What is not listed goes on, as far as anybody can tell. */
const fateByStatus: Readonly<Record<string, Fate>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timedOut',
};

async function openCasesStarted(deps: WorkerDeps): Promise<Watched[]> {
  const rows = await deps.db
    .selectFrom('usher_case as c')
    .select(['c.case_id', 'c.person_id', 'c.n'])
    .where('c.closed_at', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('delivery as d')
          .select('d.delivery_id')
          .whereRef('d.person_id', '=', 'c.person_id')
          .whereRef('d.n', '=', 'c.n')
          .where('d.kind', '=', 'startCase')
          .where('d.delivered_at', '<', new Date(deps.now().getTime() - SETTLE_MS)),
      ),
    )
    .execute();
  return rows.map(({ case_id: caseId, person_id: personId, n }) => ({
    workflowId: caseId,
    caseId,
    personId,
    n,
    mayBeCompleted: false,
  }));
}

async function cutoffsStarted(deps: WorkerDeps): Promise<Watched[]> {
  const nowMs = deps.now().getTime();
  const rows = await deps.db
    .selectFrom('cutoff as o')
    .innerJoin('usher_case as c', (join) => join.onRef('c.person_id', '=', 'o.person_id').onRef('c.n', '=', 'o.n'))
    .innerJoin('delivery as d', (join) => join.onRef('d.person_id', '=', 'o.person_id').onRef('d.n', '=', 'o.n'))
    .select(['c.case_id', 'o.person_id', 'o.n'])
    .distinct()
    .where('c.closed_at', 'is', null)
    .where('o.state', '=', 'started')
    .where('o.started_at', '>', new Date(nowMs - CUTOFF_WATCH_MS))
    .where('d.kind', '=', 'startCutoff')
    .where('d.delivered_at', '<', new Date(nowMs - SETTLE_MS))
    .execute();
  return rows.map(({ case_id: caseId, person_id: personId, n }) => ({
    workflowId: wire.cutoffWorkflowId(personId, n),
    caseId,
    personId,
    n,
    mayBeCompleted: true,
  }));
}

async function isStillOpen(deps: WorkerDeps, { personId, n }: Watched): Promise<boolean> {
  const row = await deps.db
    .selectFrom('usher_case')
    .select('closed_at')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirst();
  return row !== undefined && row.closed_at === null;
}

async function noteLost(deps: WorkerDeps, watched: Watched, fate: Fate, runId: string | null): Promise<void> {
  const { workflowId, caseId, personId, n } = watched;
  const now = deps.now();
  const summary =
    'Workflows of open cases ended in Temporal before their time. "usher case resume" starts each of them again.';
  const text = `${workflowId} is ${fate} in Temporal while its case is open: nothing goes on by itself. Start it again: usher case resume ${caseId}`;
  await deps.db.transaction().execute(async (tx) => {
    const items = [{ itemKey: workflowId, personId, n }];
    const about = { systemId: LOST_SYSTEM_ID, kind: 'caseLost' as const, summary, items, now };
    const { incident, isNew } = await openIncidentRow(tx, about);
    const alertKey = `caseLost/${workflowId}/${runId ?? fate}`;
    await raiseAlert(tx, { alertKey, kind: 'caseLost', personId: null, text }, now);
    const records = isNew
      ? [await announceIncident(tx, incident, { kind: 'incidentOpened', errorCode: fate, caseId: null, now })]
      : [];
    records.push({
      operationKey: `${workflowId}/${runId ?? fate}`,
      kind: 'caseLost',
      personId,
      caseId,
      body: { workflowId, runId, fate, incidentId: incident.incident_id },
      values: null,
    });
    await appendEvidence(tx, deps.vault, records, now);
  });
}

/** Takes the workflow off the incident, which closes with its last one. */
export async function noteFound(deps: WorkerDeps, workflowId: string): Promise<void> {
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    const about = { systemId: LOST_SYSTEM_ID, kind: 'caseLost' as const, itemKeys: [workflowId], now };
    const closed = await detachItems(tx, about);
    if (!closed) return;
    const news = { kind: 'incidentClosed' as const, errorCode: 'healed', caseId: null, now };
    await appendEvidence(tx, deps.vault, [await announceIncident(tx, closed, news)], now);
  });
}
