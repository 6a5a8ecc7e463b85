/** What the server asks of Temporal: it sends decisions to approvals and reads histories. It never starts or cancels anything. */
import { type Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TemporalPort } from './use-cases/server-deps.ts';
import { submitDecision } from './workflows/wire.ts';

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
  };
}

/** The case first; what it started is found by its search attribute, which no workflow can set later. */
async function workflowIdsOf(client: Client, caseId: string): Promise<string[]> {
  const ids = new Set([caseId]);
  for await (const info of client.workflow.list({ query: `UsherCaseId = "${caseId}"` })) ids.add(info.workflowId);
  return [...ids];
}
