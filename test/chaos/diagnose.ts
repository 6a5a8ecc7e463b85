/** What helps to find out why something never ended: what the workflows wait for, and the last lines of the processes. */
import { Client, Connection } from '@temporalio/client';
import { createDataConverter } from '../../src/data-converter.ts';
import type { ChaosStage } from './stage.ts';

const WORKFLOWS_MAX = 6;
const LINES_MAX = 25;

/** Why it failed, cause by cause; nothing for one that goes on. */
async function failureOf(client: Client, workflowId: string): Promise<string[]> {
  const { status } = await client.workflow.getHandle(workflowId).describe();
  if (status.name !== 'FAILED') return [];
  const lines: string[] = [];
  let error: unknown = await client.workflow
    .getHandle(workflowId)
    .result()
    .catch((caught: unknown) => caught);
  for (; error instanceof Error; error = error.cause) lines.push(`  ${error.name}: ${error.stack?.slice(0, 1_500)}`);
  return lines;
}

/** What is on record about somebody: cases, operations, grants, and the evidence in its order. Names no person. */
export async function tellPerson({ usher: { ownerDb: db } }: ChaosStage, personId: string): Promise<string[]> {
  const of = (table: 'usher_case' | 'cutoff' | 'operation' | 'person_grant' | 'account') =>
    db.selectFrom(table).selectAll().where('person_id', '=', personId).execute();
  const evidence = await db
    .selectFrom('evidence')
    .select(['seq', 'at', 'kind', 'case_id', 'body'])
    .where('person_id', '=', personId)
    .orderBy('seq')
    .execute();
  const [cases, cutoffs] = [await of('usher_case'), await of('cutoff')];
  const rows = [...(await of('account')), ...(await of('person_grant')), ...(await of('operation'))];
  return [
    `--- person ${personId}`,
    ...[...cases, ...cutoffs, ...rows].map((row) => JSON.stringify(row)),
    ...evidence.map(
      ({ seq, at, kind, case_id: caseId, body }) =>
        `${seq} ${at.toISOString()} ${kind} ${caseId ?? ''} ${JSON.stringify(body).slice(0, 500)}`,
    ),
  ];
}

/** For people; names no person. */
export async function tellWhyOpen({ usher, temporalAddress }: ChaosStage, left: readonly string[]): Promise<string[]> {
  const ids = left.flatMap((what) => /case_[0-9a-f-]+_\d+/.exec(what)?.[0] ?? []).slice(0, WORKFLOWS_MAX);
  const connection = await Connection.connect({ address: temporalAddress });
  const dataConverter = createDataConverter(usher.keysDir);
  const client = new Client({ connection, namespace: usher.temporalNamespace, dataConverter });
  const lines: string[] = [];
  try {
    for (let at = 0; at < ids.length; at += 1) {
      const workflowId = ids[at] ?? '';
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
            children: pendingChildren?.map((one) => (ids.push(one.workflowId ?? ''), one.workflowId)),
            task: task === undefined || task === null ? null : { state: task.state, attempt: task.attempt },
          }),
          (error: unknown) => String(error),
        );
      lines.push(`${workflowId}: ${JSON.stringify(told)}`);
      lines.push(...(await failureOf(client, workflowId)));
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
