/** What the archive has to know of a history in Temporal's JSON: whether it ended, what it started, and which code ran it. */

import { sha256Hex } from '../store/sha256.ts';

interface Event {
  eventType?: unknown;
  workflowTaskCompletedEventAttributes?: { workerVersion?: { buildId?: unknown } };
  childWorkflowExecutionStartedEventAttributes?: { workflowExecution?: { workflowId?: unknown; runId?: unknown } };
}

const BUILD_ID = /^usher\+([0-9a-f]{64})$/;

/** The build id of a worker that runs this bundle: it names the code by its hash. */
export function buildIdOf(code: string): string {
  return `usher+${sha256Hex(code)}`;
}

export interface HistoryFacts {
  isClosed: boolean;
  eventCount: number;
  children: { workflowId: string; runId: string }[];
  /** SHA-256 of the workflow bundles that ran it, oldest first. */
  bundleHashes: string[];
}

const CLOSING = /^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|TIMED_OUT|CANCELED|TERMINATED|CONTINUED_AS_NEW)$/;

export function factsOfHistory(history: unknown): HistoryFacts {
  const { events = [] } = (typeof history === 'object' && history !== null ? history : {}) as { events?: Event[] };
  const children: HistoryFacts['children'] = [];
  const bundles = new Set<string>();
  for (const event of events) {
    const { workflowId, runId } = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution ?? {};
    if (typeof workflowId === 'string' && typeof runId === 'string') children.push({ workflowId, runId });
    const buildId = event.workflowTaskCompletedEventAttributes?.workerVersion?.buildId;
    const hash = typeof buildId === 'string' ? BUILD_ID.exec(buildId)?.[1] : undefined;
    if (hash === undefined) continue;
    // A bundle that ran again after another one is the one that ran last.
    bundles.delete(hash);
    bundles.add(hash);
  }
  const last = events.at(-1)?.eventType;
  return {
    isClosed: typeof last === 'string' && CLOSING.test(last),
    eventCount: events.length,
    children,
    bundleHashes: [...bundles],
  };
}
