/** Makes the workers of a process: one per queue, by latency class. Tests and benchmarks make theirs here too. */
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import {
  bundleWorkflowCode,
  Worker,
  type WorkerOptions,
  type NativeConnection,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { createActivities } from './activities/index.ts';
import type { WorkerDeps } from './activities/worker-deps.ts';
import { failureConverterPath } from './data-converter.ts';
import { buildIdOf } from './evidence/history-facts.ts';
import { keepBundle } from './store/workflow-bundles.ts';
import { activityInterceptors } from './observe/activity-context.ts';
import { queues } from './workflows/wire.ts';

export type WorkflowBundle = Pick<WorkflowBundleWithSourceMap, 'code'>;

export interface WorkersOptions {
  connection: NativeConnection;
  namespace: string;
  dataConverter: DataConverter;
  workflowBundle: WorkflowBundle;
  maxCachedWorkflows: number;
}

export const workflowsPath = fileURLToPath(new URL('./workflows/index.ts', import.meta.url));

const traceHeadersPath = fileURLToPath(new URL('./workflows/trace-headers.ts', import.meta.url));

/**
 * One to two seconds. The modules of workflows, and of domain below them, hold no state of a case: each is evaluated once
 * per worker instead of once per cached workflow, which is most of what a waiting case would keep in memory. A variable at
 * module level there would be shared by all cases; `test/workflows/bundle.test.ts` refuses one.
 */
export async function bundleWorkflows(): Promise<WorkflowBundle> {
  const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
  return bundleWorkflowCode({
    workflowsPath,
    failureConverterPath,
    workflowInterceptorModules: [traceHeadersPath],
    preloadModules: [workflowsPath, traceHeadersPath, failureConverterPath],
    logger: silent,
  });
}

/** The workers, not yet running. The urgent one comes first. */
export async function createWorkers(deps: WorkerDeps, options: WorkersOptions): Promise<Worker[]> {
  const activities = createActivities(deps);
  await keepBundle(deps.db, options.workflowBundle.code, deps.now());
  const { connection, namespace, dataConverter, workflowBundle, maxCachedWorkflows } = options;
  const common = {
    connection,
    namespace,
    dataConverter,
    activities,
    // Lands in every history: the archive finds the bundle by it.
    buildId: buildIdOf(workflowBundle.code),
    interceptors: { activity: [activityInterceptors] },
    shutdownGraceTime: '20s',
    shutdownForceTime: '40s',
  } satisfies Partial<WorkerOptions>;
  // After a SIGKILL of this worker its sticky queue is given up that much sooner.
  const sticky = { stickyQueueScheduleToStartTimeout: '1s' } as const;
  return Promise.all([
    Worker.create({
      ...common,
      ...sticky,
      taskQueue: queues.urgent,
      workflowBundle,
      maxCachedWorkflows: 200,
      maxConcurrentWorkflowTaskExecutions: 20,
      maxConcurrentLocalActivityExecutions: 50,
      maxConcurrentActivityTaskExecutions: 20,
    }),
    Worker.create({
      ...common,
      ...sticky,
      taskQueue: queues.cases,
      workflowBundle,
      maxCachedWorkflows,
      maxConcurrentWorkflowTaskExecutions: 40,
      maxConcurrentActivityTaskExecutions: 20,
    }),
    Worker.create({ ...common, taskQueue: queues.systems, maxConcurrentActivityTaskExecutions: 16 }),
    Worker.create({ ...common, taskQueue: queues.slow, maxConcurrentActivityTaskExecutions: 8 }),
  ]);
}
