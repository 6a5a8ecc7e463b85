/**
 * The one file that knows how the real Temporal server skips time. Every workflow has its own clock: skip one at a
 * time, and expect a parent to stay on its day while its child goes ahead. Each timer that is skipped costs about one
 * real second. After continue-as-new the clock is wrong from the fourth run on.
 */
import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { encodeToPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { msToTs } from '@temporalio/common/lib/time.js';

export interface SkippingStart {
  type: string;
  workflowId: string;
  taskQueue: string;
  args: unknown[];
  /** Stop after this many days of the workflow's time; absent: jump over every timer until it ends. */
  aheadDays?: number;
  /** Keep the clock of children as it is. */
  isWithoutChildren?: boolean;
}

const dayMs = 86_400_000;
/** Answers of `pollWorkflowExecutionTimeSkipping`. */
const answers = { reached: 2, failed: 3 } as const;

const days = (count: number): ReturnType<typeof msToTs> => msToTs(Math.round(count * dayMs));
const identity = 'test';

/** Starts a workflow whose clock jumps over timers whenever nothing else is in flight. With `aheadDays` it waits until it is there. */
export async function startSkipping(
  client: Client,
  { type, workflowId, taskQueue, args, aheadDays, isWithoutChildren = false }: SkippingStart,
): Promise<WorkflowHandleWithFirstExecutionRunId> {
  const id = randomUUID();
  const { runId } = await client.workflowService.startWorkflowExecution({
    namespace: client.options.namespace,
    workflowId,
    requestId: randomUUID(),
    identity,
    workflowType: { name: type },
    taskQueue: { name: taskQueue },
    input: { payloads: (await encodeToPayloads(client.options.loadedDataConverter, ...args)) ?? [] },
    timeSkippingConfig: {
      enabled: true,
      disablePropagation: isWithoutChildren,
      ...(aheadDays === undefined ? {} : { fastForwardConfig: { id, duration: days(aheadDays) } }),
    },
  });
  if (aheadDays !== undefined) await waitUntilThere(client, workflowId, id);
  const handle = client.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: runId });
  return Object.assign(handle, { firstExecutionRunId: runId });
}

/** Jumps a running workflow ahead by so many days of its own time and waits until it is there. */
export async function fastForward(client: Client, workflowId: string, aheadDays: number): Promise<void> {
  const id = randomUUID();
  await updateSkipping(client, workflowId, { enabled: true, fastForwardConfig: { id, duration: days(aheadDays) } });
  await waitUntilThere(client, workflowId, id);
}

/** Switches skipping on (every timer is jumped over) or off (real time from here on). */
export async function setSkipping(client: Client, workflowId: string, isOn: boolean): Promise<void> {
  await updateSkipping(client, workflowId, { enabled: isOn });
}

type SkippingConfig = NonNullable<
  Parameters<Client['workflowService']['startWorkflowExecution']>[0]['timeSkippingConfig']
>;

async function updateSkipping(client: Client, workflowId: string, timeSkippingConfig: SkippingConfig): Promise<void> {
  await client.workflowService.updateWorkflowExecutionOptions({
    namespace: client.options.namespace,
    workflowExecution: { workflowId },
    workflowExecutionOptions: { timeSkippingConfig },
    updateMask: { paths: ['time_skipping_config'] },
    identity,
  });
}

async function waitUntilThere(client: Client, workflowId: string, fastForwardId: string): Promise<void> {
  for (;;) {
    // A long poll: it answers when there is news, or empty after a while.
    const answer = await client.workflowService.pollWorkflowExecutionTimeSkipping({
      namespace: client.options.namespace,
      workflowExecution: { workflowId },
      fastForwardId,
    });
    const result: number | null | undefined = answer.fastForwardPollingResult;
    if (result === answers.reached) return;
    if (result === answers.failed)
      throw new Error(`fast-forward of ${workflowId} failed: ${answer.failedReason ?? 'no reason given'}`);
  }
}

export interface VirtualClock {
  now: Date;
  isSkipping: boolean;
  skips: number;
}

/** What time it is for that workflow; null when it never skipped. */
export async function virtualClock(client: Client, workflowId: string): Promise<VirtualClock | null> {
  const described = await client.workflowService.describeWorkflowExecution({
    namespace: client.options.namespace,
    execution: { workflowId },
  });
  const info = described.workflowExtendedInfo?.timeSkippingInfo;
  if (!info?.currentTime) return null;
  const ms = Number(info.currentTime.seconds) * 1000 + (info.currentTime.nanos ?? 0) / 1e6;
  return {
    now: new Date(ms),
    isSkipping: info.effectiveConfig?.enabled ?? false,
    skips: info.currentSessionSkipCount ?? 0,
  };
}
