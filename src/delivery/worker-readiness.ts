/** What must be right before the worker can do its work: the store, Temporal, its own pollers, and a delivery loop that turns. */
import type { Worker } from '@temporalio/worker';
import type { WorkerDeps } from '../activities/worker-deps.ts';
import type { ReadinessPart } from '../observe/readiness.ts';
import { storeParts } from '../store/read-readiness.ts';

export function workerParts(
  deps: WorkerDeps,
  workers: readonly Worker[],
  isLoopTurning: () => boolean,
): ReadinessPart[] {
  const { namespace } = deps.temporal.options;
  return [
    // Derivation is the server's.
    ...storeParts(deps.db, deps.now).filter(({ name }) => name !== 'derivation'),
    {
      name: 'temporal',
      otherwise: 'Temporal does not answer for the namespace',
      look: async () => {
        await deps.temporal.workflowService.describeNamespace({ namespace });
        return null;
      },
    },
    {
      name: 'pollers',
      otherwise: 'the workers cannot be read',
      look: () =>
        Promise.resolve(
          workers.every((worker) => worker.getState() === 'RUNNING') ? null : 'not every queue is asked for work',
        ),
    },
    {
      name: 'delivery',
      otherwise: 'the delivery loop cannot be read',
      look: () => Promise.resolve(isLoopTurning() ? null : 'the delivery loop has not turned for a minute'),
    },
  ];
}
