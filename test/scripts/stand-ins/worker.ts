/** Stands in for the worker: asks Temporal for work on the queue of the cases, as a worker does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { queues } from '../../../src/workflows/wire.ts';

writeFileSync(
  join(process.env['USHER_DATA_DIR'] ?? '', 'worker-environment.json'),
  JSON.stringify({ ...process.env, STAND_IN_PID: process.pid }),
);
const connection = await Connection.connect({ address: process.env['USHER_TEMPORAL_ADDRESS'] ?? '' });
const namespace = process.env['USHER_TEMPORAL_NAMESPACE'] ?? '';
const longPollMs = 60_000;
for (;;) {
  await connection.withDeadline(Date.now() + longPollMs, () =>
    connection.workflowService.pollWorkflowTaskQueue({
      namespace,
      taskQueue: { name: queues.cases },
      identity: 'stand-in',
    }),
  );
}
