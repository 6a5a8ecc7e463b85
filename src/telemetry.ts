/** Structured logs. Only ids, codes and counts are logged; fields that could carry a secret or a person are cut. */
import { pino, type DestinationStream, type Logger as PinoLogger, type LoggerOptions } from 'pino';
import { logContext } from './observe/log-context.ts';
import { currentTraceId } from './observe/tracing.ts';

export type Logger = Pick<PinoLogger, 'info' | 'warn' | 'error' | 'debug'>;

/**
 * `level` as pino names it; lines go to `destination`, by default standard output. Errors are reduced to name, code and
 * message: vendor error objects carry headers.
 */
export function createLogger(
  processName: 'server' | 'worker' | 'cli',
  level = 'info',
  destination?: DestinationStream,
): Logger {
  const options: LoggerOptions = {
    level,
    base: { process: processName },
    // A child's or a line's own fields win over those of what is under way.
    mixin: () => ({ ...logContext(), ...traceOf() }),
    mixinMergeStrategy: (own, around) => ({ ...around, ...own }),
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'token',
        'code',
        'password',
        'authorization',
        'facts',
        'email',
        'displayName',
        '*.token',
        '*.password',
        '*.authorization',
      ],
      censor: '[cut]',
    },
    serializers: { err: describeError, error: describeError },
  };
  return destination ? pino(options, destination) : pino(options);
}

function traceOf(): { traceId?: string } {
  const traceId = currentTraceId();
  return traceId === null ? {} : { traceId };
}

/** A mail server quotes the recipient whom it refuses. */
const mailAddress = /[^\s<>"'(),;:]+@[^\s<>"'(),;]+/g;

/** An error as it may be logged: name, code, and the start of its message without mail addresses. */
export function describeError(error: unknown): { name: string; message: string; code?: string } {
  if (!(error instanceof Error)) return { name: 'NonError', message: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { name: error.name, message: error.message.slice(0, 500).replace(mailAddress, '[cut]'), ...code };
}
