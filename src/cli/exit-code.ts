/** How a command ends. Scripts rely on the numbers: they never change. */

export const exitCodes = {
  /** Done, or a positive answer. */
  ok: 0,
  /** The question was answered and the answer is no: a finding, a system that fails, a log that is not sound. */
  negative: 1,
  /** Wrong usage or input. */
  usage: 2,
  /** No token, or one that may not do this. */
  notAllowed: 3,
  notFound: 4,
  /** Something else came first: decided already, replaced, expired, held. */
  conflict: 5,
  /** The server, or something that it needs, is down. */
  unavailable: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command. The message says what is wrong, in one line or in several; `help` what to do about it. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** Each is one line on the terminal, whatever it holds. */
  readonly lines: readonly string[];
  readonly help: string | null;

  constructor(exitCode: ExitCode, message: string | readonly string[], help: string | null = null) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join(' '));
    this.lines = lines;
    this.name = 'CliError';
    this.exitCode = exitCode;
    this.help = help;
  }
}
