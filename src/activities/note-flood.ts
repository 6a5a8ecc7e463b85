/** Somebody floods a workflow with signals: it stopped recording them, and security hears of it once. */
import { appendEvidence } from '../evidence/log.ts';
import { raiseAlert } from '../store/alerts.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface NoteFloodInput {
  personId: string;
  n: number;
  /** Of an approval; left out for the case itself. */
  k?: number;
  signalCount: number;
}

/** Idempotent per workflow. */
export async function noteFlood(deps: WorkerDeps, input: NoteFloodInput): Promise<{ isNew: boolean }> {
  const { personId, n, k, signalCount } = input;
  const caseId = `case_${personId}_${n}`;
  const workflowId = k === undefined ? caseId : `approval_${personId}_${n}_${k}`;
  const now = deps.now();
  const text = `${workflowId} got more than ${signalCount} signals in Temporal and records no more of them. Decisions by mail, API and CLI still count. Find out who may write to the namespace.`;
  return deps.db.transaction().execute(async (tx) => {
    const alert = { alertKey: `signalFlood/${workflowId}`, kind: 'signalFlood', personId: null, text };
    const isNew = await raiseAlert(tx, alert, now);
    const body = { workflowId, signalCount };
    const about = { operationKey: `flood/${workflowId}`, personId, caseId };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'signalsIgnored', body, values: null }], now);
    return { isNew };
  });
}
