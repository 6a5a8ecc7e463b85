/** Looks at the Temporal namespace that this installation uses: for `usher doctor`, which says what to mend. Changes nothing. */
import { createRequire } from 'node:module';
import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { TemporalFacts } from './use-cases/server-deps.ts';
import { queues, searchAttributes } from './workflows/wire.ts';

const DEADLINE_MS = 5_000;
/** A poll lasts a minute; whoever polled within two is there. */
const POLLER_RECENT_MS = 120_000;

const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/** Rejects when Temporal does not answer within five seconds, or the namespace does not exist. */
export async function inspectTemporal(client: Client, nowMs: () => number = Date.now): Promise<TemporalFacts> {
  const { connection } = client;
  const { namespace } = client.options;
  return connection.withDeadline(Date.now() + DEADLINE_MS, async () => {
    const { workflowService, operatorService } = connection;
    const system = await workflowService.getSystemInfo({});
    const described = await workflowService.describeNamespace({ namespace });
    const retention = described.config?.workflowExecutionRetentionTtl;
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const known = new Set(Object.keys(customAttributes ?? {}));
    return {
      serverVersion: system.serverVersion ?? 'unknown',
      sdkVersion: sdkVersion(),
      retentionDays: retention ? tsToMs(retention) / 86_400_000 : 0,
      missingAttributes: Object.values(searchAttributes)
        .map(({ name }) => name)
        .filter((name) => !known.has(name)),
      queuesWithoutWorker: await queuesWithoutWorker(client, nowMs()),
    };
  });
}

async function queuesWithoutWorker({ connection, options }: Client, nowMs: number): Promise<string[]> {
  const isPolled = async (name: string): Promise<boolean> => {
    const lasts = await Promise.all(
      [TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY].map(async (taskQueueType) => {
        const { pollers } = await connection.workflowService.describeTaskQueue({
          namespace: options.namespace,
          taskQueue: { name },
          taskQueueType,
        });
        return (pollers ?? []).map(({ lastAccessTime }) => (lastAccessTime ? tsToMs(lastAccessTime) : 0));
      }),
    );
    return lasts.flat().some((lastMs) => nowMs - lastMs < POLLER_RECENT_MS);
  };
  const names = Object.values(queues);
  const polled = await Promise.all(names.map(isPolled));
  return names.filter((_, index) => polled[index] !== true);
}

function sdkVersion(): string {
  const { version } = createRequire(import.meta.url)('@temporalio/client/package.json') as { version?: string };
  return version ?? 'unknown';
}
