/**
 * Carries delivery rows to Temporal: starts, news, decisions. Rows of one person go in their order, persons side by side.
 * Every start refuses duplicates, and "already started", running or closed, means that it was ours.
 */
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Selectable } from 'kysely';
import type { DeliveryTable } from '../store/tables.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import { withOwnLogContext } from '../observe/log-context.ts';
import { inSpan } from '../observe/tracing.ts';
import * as wire from '../workflows/wire.ts';
import { startCase, startCutoff } from './start-workflows.ts';
import { resumeCaseRun, resumeCutoffRun } from './resume-runs.ts';
import { raiseAlert } from '../store/alerts.ts';

type Row = Selectable<DeliveryTable>;

const ROWS_PER_PASS = 500;
const PERSONS_AT_ONCE = 12;
const RETRY_PAUSE_MAX_MS = 30_000;
/** A row that is undelivered for so long is somebody's business. */
const ALARM_AGE_MS = 5 * 60_000;

/** Delivers what is due; with `kinds` only rows of these kinds. Answers how many rows went. */
export async function deliverRows(deps: WorkerDeps, kinds: readonly DeliveryTable['kind'][]): Promise<number> {
  const rows = await deps.db
    .selectFrom('delivery')
    .selectAll()
    .where('delivered_at', 'is', null)
    .where('kind', 'in', kinds)
    .orderBy('seq')
    .limit(ROWS_PER_PASS)
    .execute();
  const byPerson = Map.groupBy(rows, (row) => row.person_id);
  const waiting = [...byPerson.values()];
  let delivered = 0;
  const carry = async (): Promise<void> => {
    for (let mine = waiting.shift(); mine; mine = waiting.shift()) delivered += await deliverInOrder(deps, mine);
  };
  await Promise.all(Array.from({ length: PERSONS_AT_ONCE }, carry));
  return delivered;
}

async function deliverInOrder(deps: WorkerDeps, rows: readonly Row[]): Promise<number> {
  let delivered = 0;
  for (const row of rows) {
    // Its pause after a failure holds back all that follows for this person: a signal must not overtake its start.
    if (row.due_at > deps.now()) return delivered;
    try {
      await traced(row, () => deliverOne(deps, row));
      await deps.db
        .updateTable('delivery')
        .set({ delivered_at: deps.now() })
        .where('delivery_id', '=', row.delivery_id)
        .execute();
      delivered += 1;
    } catch (error) {
      await noteFailure(deps, row, error);
      // Later news of the same person must not overtake this row.
      return delivered;
    }
  }
  return delivered;
}

/** Goes on with the trace in which the row was written, and logs under its case. */
function traced(row: Row, body: () => Promise<void>): Promise<void> {
  const caseId = wire.caseWorkflowId(row.person_id, row.n);
  const attributes = { 'usher.case_id': caseId, 'usher.kind': row.kind };
  return withOwnLogContext({ caseId }, () => inSpan('deliver row', { attributes, parent: row.traceparent }, body));
}

async function deliverOne(deps: WorkerDeps, row: Row): Promise<void> {
  switch (row.kind) {
    case 'startCase':
      await ('isResume' in row.payload ? resumeCaseRun(deps, row) : startCase(deps, row));
      deps.crashPoint('afterCaseStart');
      return;
    case 'startCutoff':
      await ('isResume' in row.payload ? resumeCutoffRun(deps, row) : startCutoff(deps, row));
      deps.crashPoint('afterCutoffStart');
      return;
    case 'tell': {
      const { payload } = row;
      if ('approvalNews' in payload) {
        await unlessClosed(() =>
          deps.temporal.workflow
            .getHandle(payload.approvalId)
            .signal(wire.tellApproval, { kind: payload.approvalNews }),
        );
        return;
      }
      await unlessClosed(() =>
        deps.temporal.workflow
          .getHandle(wire.caseWorkflowId(row.person_id, row.n))
          .signal(wire.tell, 'news' in row.payload ? row.payload.news : { kind: 'factsChanged' }),
      );
      deps.crashPoint('afterSignal');
      return;
    }
    case 'submitDecision':
      await submitDecision(deps, row);
      return;
    default:
      return row.kind satisfies never;
  }
}

async function submitDecision(deps: WorkerDeps, { payload }: Row): Promise<void> {
  if (!('decisionId' in payload)) return;
  const { decisionId, approvalId } = payload;
  await unlessClosed(async () => {
    await deps.temporal.workflow
      .getHandle(approvalId)
      .startUpdate(wire.submitDecision, { args: [{ decisionId }], updateId: decisionId, waitForStage: 'ACCEPTED' });
  });
}

/** News for a closed workflow has nobody to hear it: what it says is in the rows. */
async function unlessClosed(send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError) && !(error instanceof WorkflowUpdateFailedError)) throw error;
  }
}

async function noteFailure(deps: WorkerDeps, row: Row, error: unknown): Promise<void> {
  const now = deps.now();
  const attempts = row.attempts + 1;
  const pauseMs = Math.min(RETRY_PAUSE_MAX_MS, 250 * 2 ** attempts);
  await deps.db
    .updateTable('delivery')
    .set({
      attempts,
      last_error: error instanceof Error ? error.name : 'unknown',
      due_at: new Date(now.getTime() + pauseMs),
    })
    .where('delivery_id', '=', row.delivery_id)
    .execute();
  deps.log.warn(
    {
      caseId: wire.caseWorkflowId(row.person_id, row.n),
      deliveryId: row.delivery_id,
      kind: row.kind,
      attempts,
      err: error,
    },
    'not delivered yet',
  );
}

/** Raises one alarm an hour while rows stay undelivered. */
export async function alarmUndelivered(deps: WorkerDeps): Promise<void> {
  const now = deps.now();
  const old = await deps.db
    .selectFrom('delivery')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('delivered_at', 'is', null)
    .where('attempts', '>', 0)
    .where('created_at', '<', new Date(now.getTime() - ALARM_AGE_MS))
    .executeTakeFirstOrThrow();
  const count = Number(old.count);
  if (count === 0) return;
  const alertKey = `undelivered/${now.toISOString().slice(0, 13)}`;
  const text = `${count} rows could not be delivered to Temporal for more than five minutes. See the log of the worker.`;
  await raiseAlert(deps.db, { alertKey, kind: 'undelivered', personId: null, text }, now);
}
