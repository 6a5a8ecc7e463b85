/** Puts the ids of an activity around everything that it logs, and its span around everything that it calls. */
import type { Context } from '@temporalio/activity';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { ActivityInterceptors, ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { caseIdOfWorkflow, withOwnLogContext } from './log-context.ts';

/** For `interceptors.activity` of a worker. */
export function activityInterceptors(context: Context): ActivityInterceptors {
  const traced = new OpenTelemetryActivityInboundInterceptor(context);
  const logged: ActivityInboundCallsInterceptor = {
    execute(input, next) {
      const { workflowExecution, activityType, attempt } = context.info;
      const workflowId = workflowExecution?.workflowId;
      const caseId = workflowId === undefined ? undefined : caseIdOfWorkflow(workflowId);
      const ids = {
        ...(caseId === undefined ? {} : { caseId }),
        ...(workflowId === undefined ? {} : { workflowId }),
        activity: activityType,
        attempt,
      };
      return withOwnLogContext(ids, () => traced.execute(input, next));
    },
  };
  return { inbound: logged };
}
