/** What the server asks of Temporal: it sends decisions to approvals and reads histories. It never starts or cancels anything. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { inspectTemporal } from './temporal-inspect.ts';
import type { TemporalPort } from './use-cases/server-deps.ts';
import { searchAttributes, submitDecision } from './workflows/wire.ts';

export function createTemporalPort(client: Client, uiUrl: string | null): TemporalPort {
  const namespace = client.options.namespace;
  return {
    uiUrl,
    namespace,
    async ping() {
      await client.workflowService.describeNamespace({ namespace });
    },
    async submitDecision(approvalId, decisionId) {
      // With the decision's id as update id a second sending is the same update.
      const handle = client.workflow.getHandle(approvalId);
      await handle.startUpdate(submitDecision, {
        args: [{ decisionId }],
        updateId: decisionId,
        waitForStage: 'ACCEPTED',
      });
    },
    async histories(caseId) {
      const histories: Record<string, unknown> = {};
      for (const workflowId of await workflowIdsOf(client, caseId)) {
        const history = await client.workflow.getHandle(workflowId).fetchHistory();
        histories[workflowId] = JSON.parse(historyToJSON(history)) as unknown;
      }
      return histories;
    },
    inspect: () => inspectTemporal(client),
    ...archivePort(client),
  };
}

/** The case first; what it started is found by its search attribute, which no workflow can set later. */
async function workflowIdsOf(client: Client, caseId: string): Promise<string[]> {
  const ids = new Set([caseId]);
  for await (const info of client.workflow.list({ query: `UsherCaseId = "${caseId}"` })) ids.add(info.workflowId);
  return [...ids];
}

function nullIfGone(error: unknown): { runId: null } {
  if (error instanceof WorkflowNotFoundError) return { runId: null };
  throw error;
}

/** What the archive reads. */
function archivePort(client: Client): Pick<TemporalPort, 'runs' | 'history' | 'runsClosedSince'> {
  return {
    async runs(caseId) {
      const runs = new Map<string, { workflowId: string; runId: string }>();
      // By id first: the search may lag behind.
      for (const workflowId of [caseId, caseId.replace(/^case_/, 'cutoff_')]) {
        const { runId } = await client.workflow.getHandle(workflowId).describe().catch(nullIfGone);
        if (runId !== null) runs.set(runId, { workflowId, runId });
      }
      for await (const info of client.workflow.list({ query: `UsherCaseId = "${caseId}"` }))
        runs.set(info.runId, { workflowId: info.workflowId, runId: info.runId });
      return [...runs.values()];
    },
    async history(workflowId, runId) {
      try {
        const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        return JSON.parse(historyToJSON(history)) as unknown;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
    async runsClosedSince(since) {
      const runs: { workflowId: string; runId: string; caseId: string }[] = [];
      const query = `ExecutionStatus != "Running" AND CloseTime > "${since.toISOString()}"`;
      for await (const info of client.workflow.list({ query })) {
        const caseId = info.typedSearchAttributes.get(searchAttributes.UsherCaseId);
        if (caseId !== undefined) runs.push({ workflowId: info.workflowId, runId: info.runId, caseId });
      }
      return runs;
    },
  };
}
