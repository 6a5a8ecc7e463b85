/** Starts a `provisioning` workflow for a case and waits for its outcomes. */
import { ChildWorkflowCancellationType, executeChild, type ParentClosePolicy } from '@temporalio/workflow';
import { systemIdsOf } from './provision-items.ts';
import { provisioning } from './provisioning.ts';
import * as wire from './wire.ts';

export interface ProvisioningChildOptions {
  staticSummary: string;
  parentClosePolicy: ParentClosePolicy;
}

/** When the case is cancelled it ends only after the child has ended. */
export async function provisionInChild(
  input: wire.ProvisioningInput,
  options: ProvisioningChildOptions,
): Promise<wire.ProvisioningResult> {
  const { personId, n, k, items } = input;
  return executeChild(provisioning, {
    ...options,
    workflowId: wire.provisioningWorkflowId(personId, n, k),
    taskQueue: wire.queues.cases,
    args: [input],
    typedSearchAttributes: [
      { key: wire.searchAttributes.UsherPersonId, value: personId },
      { key: wire.searchAttributes.UsherCaseId, value: wire.caseWorkflowId(personId, n) },
      { key: wire.searchAttributes.UsherSystems, value: systemIdsOf(items) },
    ],
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
