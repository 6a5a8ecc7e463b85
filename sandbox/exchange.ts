/** What went over the wire in one call, whole: for tests that hold it against the vendor's own description. */
import type { Fault } from './faults.ts';

export interface Exchange {
  method: string;
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  requestHeaders: Headers;
  requestBody: string;
  /** The misbehaviour that was asked for, or null. */
  fault: Fault['kind'] | 'down' | null;
  /** Null where no answer was sent. */
  answer: { status: number; headers: Headers; body: string } | null;
}

/** Called after each call that is not private; must not throw. */
export type ExchangeWatcher = (exchange: Exchange) => void;
