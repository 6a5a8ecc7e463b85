/**
 * Hands the trace header with which a workflow was started on to everything that it starts. No span is made in the sandbox:
 * a tracing library in every cached workflow would cost more memory than the workflow itself.
 */
import type { Headers, WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** The header of `@temporalio/interceptors-opentelemetry`. */
const TRACE_HEADER = '_tracer-data';

export const interceptors: WorkflowInterceptorsFactory = () => {
  let trace: Headers = {};
  const traced = <I extends { headers: Headers }>(input: I): I => ({
    ...input,
    headers: { ...input.headers, ...trace },
  });
  return {
    inbound: [
      {
        execute(input, next) {
          const header = input.headers[TRACE_HEADER];
          trace = header === undefined ? {} : { [TRACE_HEADER]: header };
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(traced(input)),
        scheduleLocalActivity: (input, next) => next(traced(input)),
        startChildWorkflowExecution: (input, next) => next(traced(input)),
      },
    ],
  };
};
