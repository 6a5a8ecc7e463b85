/**
 * What every line of the log carries while something is under way: ids that tie the lines of one request, event or activity
 * together. Ids only: what is put here stands in the log in clear.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface LogContext {
  /** One HTTP request at the server; stands in its answer as `x-request-id`. */
  requestId?: string;
  /** A row of the ledger. */
  eventId?: string;
  caseId?: string;
  workflowId?: string;
  activity?: string;
  attempt?: number;
}

const storage = new AsyncLocalStorage<LogContext>();

/** The context of the running code; empty outside of any. */
export function logContext(): LogContext {
  return storage.getStore() ?? {};
}

/** Runs `body` with these ids added to those around it. */
export function withLogContext<T>(context: LogContext, body: () => T): T {
  return storage.run({ ...storage.getStore(), ...context }, body);
}

/** Runs `body` with these ids alone: for work that was only caused by what happens to be running. */
export function withOwnLogContext<T>(context: LogContext, body: () => T): T {
  return storage.run(context, body);
}

/** The case that a workflow belongs to, by its id (see `workflows/wire.ts`); undefined for other ids. */
export function caseIdOfWorkflow(workflowId: string): string | undefined {
  const match = /^(?:case|cutoff|approval|provisioning)_([0-9a-f-]{36})_(\d+)(?:_\d+)?$/.exec(workflowId);
  return match === null ? undefined : `case_${match[1]}_${match[2]}`;
}
