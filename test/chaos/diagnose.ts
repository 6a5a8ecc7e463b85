/** What helps to find out why something never ended: what the workflows wait for, and the last lines of the processes. */
import { Connection } from '@temporalio/client';
import type { ChaosStage } from './stage.ts';

const WORKFLOWS_MAX = 6;
const LINES_MAX = 25;

/** For people; names no person. */
export async function tellWhyOpen({ usher, temporalAddress }: ChaosStage, left: readonly string[]): Promise<string[]> {
  const ids = left.flatMap((what) => /case_[0-9a-f-]+_\d+/.exec(what)?.[0] ?? []).slice(0, WORKFLOWS_MAX);
  const connection = await Connection.connect({ address: temporalAddress });
  const lines: string[] = [];
  try {
    for (const workflowId of ids) {
      const namespace = usher.temporalNamespace;
      const told = await connection.workflowService
        .describeWorkflowExecution({ namespace, execution: { workflowId } })
        .then(
          ({ workflowExecutionInfo: info, pendingActivities, pendingChildren, pendingWorkflowTask: task }) => ({
            status: info?.status,
            events: String(info?.historyLength),
            activities: pendingActivities?.map((one) => ({
              type: one.activityType?.name,
              state: one.state,
              attempt: one.attempt,
              failure: one.lastFailure?.message,
              next: one.scheduledTime?.seconds?.toString(),
            })),
            children: pendingChildren?.map((one) => one.workflowTypeName),
            task: task === undefined || task === null ? null : { state: task.state, attempt: task.attempt },
          }),
          (error: unknown) => String(error),
        );
      lines.push(`${workflowId}: ${JSON.stringify(told)}`);
    }
  } finally {
    await connection.close();
  }
  for (const name of ['server', 'worker'] as const) {
    const log = usher.logOf(name).trimEnd().split('\n').slice(-LINES_MAX);
    lines.push(`--- ${name}`, ...log.map((line) => line.slice(0, 600)));
  }
  return lines;
}
