/**
 * The one error class of connectors. Its code is the classification that decides what the workflow does next.
 * It never carries a response body, a URL with a query or a header: those may hold secrets and personal data.
 */
export const connectorErrorCodes = [
  /** 429 or the vendor's dialect of it: wait `retryAfterMs`; consumes no business retry. */
  'throttled',
  /** 5xx, reset, time-out of a read, malformed body: try again; consumes no business retry. */
  'transient',
  /** A write timed out or its answer was lost: the effect is unknown until it is read back. */
  'unknownOutcome',
  /** The vendor says "not there" for something that was just created: wait. */
  'propagating',
  /** A person outside Usher must act first (accept an invitation, do a task by hand): asked again, for weeks if need be. */
  'awaitingHuman',
  /** Something exists under that key which is not ours. */
  'conflict',
  /** More than one account fits: never guessed. */
  'ambiguous',
  'notFound',
  /** The vendor refuses until something else is done first. */
  'precondition',
  /** The vendor refuses the values. */
  'validation',
  /** 401 or 403: our credentials or scopes. Treated like an outage: it heals when they are mended. */
  'auth',
  'unsupported',
] as const;
export type ConnectorErrorCode = (typeof connectorErrorCodes)[number];

export interface ConnectorErrorDetail {
  systemId: string;
  operation: string;
  /** HTTP status or vendor code, for the ticket. */
  vendorCode?: string;
  vendorRequestId?: string;
  retryAfterMs?: number;
  /** Of `awaitingHuman`: number of the ticket in which the person acts. */
  ticketNumber?: string;
}

export class ConnectorError extends Error {
  readonly code: ConnectorErrorCode;
  readonly detail: ConnectorErrorDetail;

  constructor(code: ConnectorErrorCode, message: string, detail: ConnectorErrorDetail) {
    super(message);
    this.name = 'ConnectorError';
    this.code = code;
    this.detail = detail;
  }
}

/** True where waiting alone may heal it: such failures never consume the one business retry. */
export function isRetryable(code: ConnectorErrorCode): boolean {
  switch (code) {
    case 'throttled':
    case 'transient':
    case 'unknownOutcome':
    case 'propagating':
    case 'awaitingHuman':
    case 'auth':
      return true;
    case 'conflict':
    case 'ambiguous':
    case 'notFound':
    case 'precondition':
    case 'validation':
    case 'unsupported':
      return false;
    default:
      return code satisfies never;
  }
}
