/** Starts lost workflows again, after somebody asked for it: a new run under the same id, which plans anew from the rows. */
import type { WorkerDeps } from '../activities/worker-deps.ts';
import type { DeliveryPayload } from '../store/tables.ts';
import * as wire from '../workflows/wire.ts';
import { startCase, startCutoff } from './start-workflows.ts';
import { fateOf, noteFound, type Fate } from './watch-cases.ts';

interface ResumeRow {
  person_id: string;
  n: number;
  payload: DeliveryPayload;
}

/** Room for groups of the lost run that left no row. Ends of time-bound access count from far above. */
const K_MARGIN = 50;
const CASE_K_MAX = 1_000;

/** Does nothing for a case that runs or closed in the meantime. */
export async function resumeCaseRun(deps: WorkerDeps, row: ResumeRow): Promise<void> {
  const { person_id: personId, n } = row;
  const workflowId = wire.caseWorkflowId(personId, n);
  const { fate } = await fateOf(deps, workflowId);
  if (fate !== 'running' && (await isOpen(deps, personId, n)))
    await startCase(deps, row, reusePolicyFor(fate), (await lastK(deps, personId, n)) + K_MARGIN);
  await noteFound(deps, workflowId);
}

/** The same for the cut-off of a leaver: it asserts a state, so that a second run is harmless. */
export async function resumeCutoffRun(deps: WorkerDeps, row: ResumeRow): Promise<void> {
  const workflowId = wire.cutoffWorkflowId(row.person_id, row.n);
  const { fate } = await fateOf(deps, workflowId);
  if (fate !== 'running' && fate !== 'completed' && (await isOpen(deps, row.person_id, row.n)))
    await startCutoff(deps, row, reusePolicyFor(fate));
  await noteFound(deps, workflowId);
}

/** A run that somebody completed by hand is replaced too; every other only when it did not end well. */
function reusePolicyFor(fate: Fate): 'ALLOW_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY' {
  return fate === 'completed' ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY';
}

async function isOpen(deps: WorkerDeps, personId: string, n: number): Promise<boolean> {
  const row = await deps.db
    .selectFrom('usher_case')
    .select('n')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('closed_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** The highest group that the lost runs left in rows. */
async function lastK(deps: WorkerDeps, personId: string, n: number): Promise<number> {
  const highest = async (table: 'approval' | 'operation'): Promise<number> => {
    const row = await deps.db
      .selectFrom(table)
      .select(({ fn }) => fn.max<number | null>('k').as('k'))
      .where('person_id', '=', personId)
      .where('n', '=', n)
      .where('k', '<', CASE_K_MAX)
      .executeTakeFirst();
    return row?.k ?? 0;
  };
  return Math.max(await highest('approval'), await highest('operation'));
}
