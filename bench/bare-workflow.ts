/** As many activities as a joiner, one after the other, with as many bytes, and nothing else: what the engine itself can do. */
import { proxyActivities } from '@temporalio/workflow';

interface BareActivities {
  nothing(payload: string): Promise<string>;
}

const { nothing } = proxyActivities<BareActivities>({ startToCloseTimeout: '30s' });

export async function bare(activities: number, payload: string): Promise<void> {
  for (let i = 0; i < activities; i += 1) await nothing(payload);
}
