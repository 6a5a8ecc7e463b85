/**
 * What a directory's refusal means. A message of a directory quotes names and values, so that only its result code and
 * the hexadecimal code of Active Directory go on.
 */
import { MessageParserError, ResultCodeError } from 'ldapts';
import { ConnectorError, type ConnectorErrorCode, type ConnectorErrorDetail } from '../errors.ts';

/** Result codes that connectors look at (RFC 4511, section 4.1.9). */
export const ldapCode = {
  sizeLimitExceeded: 4,
  noSuchAttribute: 16,
  undefinedType: 17,
  constraintViolation: 19,
  valueExists: 20,
  invalidSyntax: 21,
  noSuchObject: 32,
  invalidDn: 34,
  unwilling: 53,
  namingViolation: 64,
  objectClassViolation: 65,
  notAllowedOnRdn: 67,
  entryExists: 68,
} as const;

/** LDAP has no word for how long to wait. */
const busyRetryAfterMs = 5_000;

export interface LdapFailure {
  systemId: string;
  operation: string;
  /** Whether a change may have reached the server. */
  wasWriteSent: boolean;
}

/** The ConnectorError for what the library threw. `vendorCode` is `68`, or `19/0000052D` where Active Directory says more. */
export function toLdapError(error: unknown, { systemId, operation, wasWriteSent }: LdapFailure): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const detail = { systemId, operation };
  if (error instanceof ResultCodeError) return refusal(error, detail);
  if (error instanceof MessageParserError) {
    return new ConnectorError('transient', 'the answer does not have the expected shape', detail);
  }
  const vendorCode = systemCodeOf(error);
  const more = vendorCode === null ? detail : { ...detail, vendorCode };
  if (wasWriteSent) return new ConnectorError('unknownOutcome', 'the connection ended before the answer', more);
  return new ConnectorError('transient', withoutConnection(vendorCode), more);
}

/** True where the error is the directory's refusal with one of the result codes. */
export function isRefusal(error: unknown, ...codes: number[]): error is ConnectorError {
  if (!(error instanceof ConnectorError)) return false;
  const [code] = (error.detail.vendorCode ?? '').split('/');
  return codes.some((wanted) => String(wanted) === code);
}

function refusal(error: ResultCodeError, detail: ConnectorErrorDetail): ConnectorError {
  const code = classifyLdapCode(error.code);
  // "0000052D: ..." and "... data 533, ..." are how Active Directory tells the reason.
  const reason = /^([0-9A-Fa-f]{8}):/.exec(error.message)?.[1] ?? null;
  const subReason = /\bdata ([0-9a-f]{1,8})\b/.exec(error.message)?.[1] ?? null;
  const vendorCode = [
    error.code,
    ...(reason === null ? [] : [reason]),
    ...(subReason === null ? [] : [subReason]),
  ].join('/');
  return new ConnectorError(code, `the directory answered ${error.code}`, {
    ...detail,
    vendorCode,
    ...(code === 'throttled' ? { retryAfterMs: busyRetryAfterMs } : {}),
  });
}

/** Exported for its test. */
export function classifyLdapCode(code: number): ConnectorErrorCode {
  switch (code) {
    case 51:
      return 'throttled';
    // Strong authentication, confidentiality, inappropriate authentication, invalid credentials, insufficient rights.
    case 8:
    case 13:
    case 48:
    case 49:
    case 50:
      return 'auth';
    case 32:
      return 'notFound';
    case 68:
      return 'conflict';
    // Referral, unwilling to perform, several servers concerned: another place or another state is needed first.
    case 10:
    case 53:
    case 71:
      return 'precondition';
    case 7:
    case 12:
      return 'unsupported';
    case 1:
    case 3:
    case 4:
    case 11:
    case 52:
    case 80:
      return 'transient';
    default:
      return code >= 16 && code <= 69 ? 'validation' : 'transient';
  }
}

/** The code of Node, such as ECONNREFUSED or CERT_HAS_EXPIRED; anything else might quote a value. */
function systemCodeOf(error: unknown): string | null {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[A-Z0-9_]{3,64}$/.test(code) ? code : null;
}

function withoutConnection(code: string | null): string {
  if (code === null) return 'no usable answer';
  if (/CERT|SIGNATURE|SIGNED|ISSUER/.test(code)) return 'the certificate of the server is not trusted';
  return code === 'ECONNREFUSED' ? 'connection refused' : 'no usable answer';
}
