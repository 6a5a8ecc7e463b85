/** The failures that Usher itself reports, as opposed to those of a vendor: one class, one closed list of codes. */

/** Code to the sentence that a person reads when nothing more precise is known. Codes never change: clients switch on them. */
export const appErrorSentences = {
  notFound: 'There is nothing under this id, or you may not see it.',
  forbidden: 'Your token does not allow this.',
  unauthenticated: 'No valid token came with the request.',
  invalidInput: 'The input does not have the expected shape.',
  conflict: 'Something else holds this place already.',
  stale: 'This was replaced by something newer; read it again.',
  alreadyDecided: 'You have decided this already.',
  selfApproval: 'Nobody approves their own access or their own request.',
  notApprover: 'You are not among the people who may decide this.',
  noApprover: 'Too few people whom Usher knows may decide this.',
  expired: 'The time for this is over.',
  unproved: 'The proof that this comes from you is missing or wrong.',
  held: 'This waits until a person releases it.',
  policyInvalid: 'The policy has findings; `usher policy check` lists them.',
  unavailable: 'Something that is needed for this is down; try again later.',
  internal: 'Usher failed; the log of the server says more.',
} as const;

export type AppErrorCode = keyof typeof appErrorSentences;

export const appErrorCodes = Object.keys(appErrorSentences) as AppErrorCode[];

/** A failure with a closed code. The message reaches clients and logs: it holds no secret and no personal data. */
export class AppError extends Error {
  readonly code: AppErrorCode;
  /** The input field that is at fault. */
  readonly field: string | null;

  constructor(code: AppErrorCode, message: string = appErrorSentences[code], field: string | null = null) {
    super(message);
    this.name = 'AppError';
    this.code = code;
    this.field = field;
  }
}
