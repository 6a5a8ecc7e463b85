/** As many activities as a joiner, one after the other, with as many bytes, and nothing else: what the engine itself can do. */
import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';

interface BareActivities {
  nothing(payload: string): Promise<string>;
}

const { nothing } = proxyActivities<BareActivities>({ startToCloseTimeout: '30s' });

export async function bare(activities: number, payload: string): Promise<void> {
  for (let i = 0; i < activities; i += 1) await nothing(payload);
}

/** The same, but for a child workflow that carries out `ofChild` of the activities: the shape of a joiner. */
export async function bareWithChild(activities: number, payload: string, ofChild: number): Promise<void> {
  await bare(activities - ofChild, payload);
  const { workflowId } = workflowInfo();
  await executeChild(bare, { workflowId: `${workflowId}-child`, args: [ofChild, payload] });
}
