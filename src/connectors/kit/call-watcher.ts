/** The port through which a process sees each call at a vendor. The kit reports; what is made of it is not its business. */
import type { ConnectorErrorCode } from './errors.ts';

export interface WatchedCall {
  systemId: string;
  /** Stable name of the connector's operation. */
  operation: string;
  method: string;
}

export interface CallEnd {
  /** `ok`, or how the failure was classified. */
  outcome: 'ok' | ConnectorErrorCode;
  /** HTTP status; null where no answer came. */
  status: number | null;
  durationMs: number;
  vendorRequestId: string | null;
}

/** Called as the call begins, also for one that our own rate limit keeps back; the function that it answers is called once, at its end. */
export type CallWatcher = (call: WatchedCall) => (end: CallEnd) => void;
