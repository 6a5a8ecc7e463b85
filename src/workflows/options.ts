/** Time-outs, retries and cancellation by class of call. No workflow proxies an activity anywhere else. */
import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { queues } from './wire.ts';

/** The documented default is not what the SDK sends: unset, a case would close while its write is still on the way. */
const { WAIT_CANCELLATION_COMPLETED } = ActivityCancellationType;

/** Bookkeeping in the store: short, tried without end, waited for when cancelled, so that its order holds. */
export const bookkeeping = proxyActivities<
  Pick<
    Activities,
    | 'planCase'
    | 'notifyApprover'
    | 'recordDecision'
    | 'loadDecision'
    | 'loadApproval'
    | 'openIncident'
    | 'closeIncident'
    | 'writeReport'
    | 'closeCase'
    | 'noteFlood'
  >
>({
  taskQueue: queues.cases,
  startToCloseTimeout: '30s',
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '30s' },
  cancellationType: WAIT_CANCELLATION_COMPLETED,
});

/** Writes to systems and the reads that verify them: below 30 s, since no heartbeat could tell them of a cancel sooner. */
export const systemCalls = proxyActivities<Pick<Activities, 'applyAccess' | 'verifyAccess' | 'findAccounts'>>({
  taskQueue: queues.systems,
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '20s' },
  cancellationType: WAIT_CANCELLATION_COMPLETED,
});

/** Waits for other workflows. */
export const slowCalls = proxyActivities<Pick<Activities, 'cancelOpenCases'>>({
  taskQueue: queues.slow,
  startToCloseTimeout: '60s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  cancellationType: WAIT_CANCELLATION_COMPLETED,
});

/** First attempt of a cut-off, inside the workflow task. One attempt, then the normal activity takes over. */
export const cutoffFirst = proxyLocalActivities<Pick<Activities, 'disableLogin' | 'revokeSessions'>>({
  startToCloseTimeout: '4s',
  retry: { maximumAttempts: 1 },
});

export const cutoffAgain = proxyActivities<Pick<Activities, 'disableLogin' | 'revokeSessions'>>({
  taskQueue: queues.urgent,
  startToCloseTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '20s' },
  priority: { priorityKey: 1 },
  cancellationType: WAIT_CANCELLATION_COMPLETED,
});
