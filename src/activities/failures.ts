/** From failures of connectors and of the server to Temporal's: the type is the code, and waiting times are the vendor's. */
import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import { ServerRefusal, ServerUnavailable } from '../authorisation/server-client.ts';
import { ConnectorError, isRetryable, type ConnectorErrorCode } from '../connectors/kit/errors.ts';

/** Longest wait that a vendor's word can impose on one attempt. */
const RETRY_AFTER_MAX_MS = 15 * 60_000;

/** People take longer: a wait for somebody outside is looked at this often at least. */
const HUMAN_LOOK_MS = 3_600_000;

/** Throw the result. What is none of ours passes unchanged and is retried by Temporal. */
export function toApplicationFailure(error: unknown): unknown {
  if (error instanceof ConnectorError) {
    const { retryAfterMs } = error.detail;
    return ApplicationFailure.create({
      type: error.code,
      message: `${error.detail.systemId} ${error.detail.operation}: ${error.message}`,
      nonRetryable: !isRetryable(error.code),
      ...retryDelay(error.code, retryAfterMs),
    });
  }
  if (error instanceof ServerRefusal) {
    return ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true });
  }
  if (error instanceof ServerUnavailable) {
    return ApplicationFailure.create({ type: 'serverUnavailable', message: error.message });
  }
  return error;
}

function retryDelay(code: ConnectorErrorCode, retryAfterMs: number | undefined): { nextRetryDelay?: number } {
  if (code === 'awaitingHuman') return { nextRetryDelay: Math.min(retryAfterMs ?? HUMAN_LOOK_MS, HUMAN_LOOK_MS) };
  return retryAfterMs === undefined ? {} : { nextRetryDelay: Math.min(retryAfterMs, RETRY_AFTER_MAX_MS) };
}

/** Runs the body and translates what it throws. */
export async function translated<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw toApplicationFailure(error);
  }
}

/** The activity's own abort signal, so that a call ends with its attempt; none outside an activity. */
export function currentSignal(): { signal?: AbortSignal } {
  try {
    return { signal: cancellationSignal() };
  } catch {
    return {};
  }
}
