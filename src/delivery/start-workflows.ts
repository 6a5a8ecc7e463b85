/** Starts cases and cut-offs. "Already started", running or closed as the policy has it, means that it was ours. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import type { DeliveryPayload } from '../store/tables.ts';
import * as wire from '../workflows/wire.ts';

/** Of a first start, and of one that somebody asked for after the run was lost. */
type ReusePolicy = 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY' | 'ALLOW_DUPLICATE';

interface Row {
  person_id: string;
  n: number;
  payload: DeliveryPayload;
}

export async function startCase(
  deps: WorkerDeps,
  { person_id, n }: Pick<Row, 'person_id' | 'n'>,
  workflowIdReusePolicy: ReusePolicy = 'REJECT_DUPLICATE',
  afterK?: number,
): Promise<void> {
  const { searchAttributes } = wire;
  await unlessStarted(() =>
    deps.temporal.workflow.start(wire.workflowTypes.lifecycleCase, {
      workflowId: wire.caseWorkflowId(person_id, n),
      taskQueue: wire.queues.cases,
      args: [{ personId: person_id, n, ...(afterK === undefined ? {} : { afterK }) } satisfies wire.CaseInput],
      workflowIdReusePolicy,
      typedSearchAttributes: [
        { key: searchAttributes.UsherPersonId, value: person_id },
        { key: searchAttributes.UsherCaseId, value: wire.caseWorkflowId(person_id, n) },
        { key: searchAttributes.UsherState, value: 'waiting' },
      ],
      staticSummary: `Case ${n}`,
    }),
  );
}

export async function startCutoff(
  deps: WorkerDeps,
  { person_id, n, payload }: Pick<Row, 'person_id' | 'n' | 'payload'>,
  workflowIdReusePolicy: ReusePolicy = 'REJECT_DUPLICATE',
): Promise<void> {
  const systemIds = 'systemIds' in payload ? payload.systemIds : [];
  await unlessStarted(() =>
    deps.temporal.workflow.start(wire.workflowTypes.cutoff, {
      workflowId: wire.cutoffWorkflowId(person_id, n),
      taskQueue: wire.queues.urgent,
      args: [{ personId: person_id, n, systemIds } satisfies wire.CutoffInput],
      workflowIdReusePolicy,
      // After a SIGKILL of the worker it goes on that much sooner.
      workflowTaskTimeout: '3s',
      requestEagerStart: true,
      priority: { priorityKey: 1 },
      typedSearchAttributes: [
        { key: wire.searchAttributes.UsherPersonId, value: person_id },
        { key: wire.searchAttributes.UsherCaseId, value: wire.caseWorkflowId(person_id, n) },
      ],
      staticSummary: 'Cut-off',
    }),
  );
}

async function unlessStarted(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
