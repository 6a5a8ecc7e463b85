/** What somebody who may write to the Temporal namespace can do to an activity: answer it in the worker's place. */
import { eventually, type World } from './world.ts';

export interface Forgery {
  workflowId: string;
  /** Type of the activity. */
  type: string;
  /** Completes it once it failed so often: until then the worker may hold it. Default 0. */
  afterFailures?: number;
  result: unknown;
}

/** Waits until the activity is pending and completes it by hand. */
export async function completeByHand(world: World, forgery: Forgery): Promise<void> {
  const { workflowId, type, afterFailures = 0, result } = forgery;
  const handle = world.client.workflow.getHandle(workflowId);
  await eventually(async () => {
    const { raw } = await handle.describe();
    const pending = raw.pendingActivities?.find(
      ({ activityType, attempt }) => activityType?.name === type && Number(attempt) > afterFailures,
    );
    if (!pending) return false;
    await world.client.activity.complete({ workflowId, activityId: pending.activityId ?? '' }, result);
    return true;
  }, `${type} of ${workflowId} is completed by hand`);
}
