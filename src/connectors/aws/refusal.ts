/**
 * How AWS refuses, in both of its wire formats: JSON 1.1 (`__type`) and the query protocol's XML (`<Code>`). Most
 * refusals share the status 400, so that the code decides and not the status. The codes are those of the service models
 * and of the errors common to all services. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 */
import { z } from 'zod';
import type { ConnectorErrorCode } from '../kit/errors.ts';
import type { DialectVerdict, VendorAnswer, VendorDialect } from '../kit/http.ts';

export type AwsService = 'identitystore' | 'sso-admin' | 'iam';

const JsonRefusal = z.object({
  __type: z.string().optional(),
  Reason: z.string().nullish(),
  ResourceType: z.string().nullish(),
  RetryAfterSeconds: z.number().min(0).nullish(),
});

/** AWS says no better how long it takes: assignments are done within seconds to a minute. */
export const pendingRetryMs = 5_000;

const codes: Record<ConnectorErrorCode, readonly string[]> = {
  throttled: [
    'BandwidthLimitExceeded',
    'PriorRequestNotComplete',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
    'SlowDown',
    'ThrottledException',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
  ],
  transient: ['InternalFailure', 'InternalServerException', 'ServiceFailure', 'ServiceUnavailable'],
  // Another change of the same thing is under way at AWS.
  propagating: ['ConcurrentModification', 'EntityTemporarilyUnmodifiable'],
  conflict: ['EntityAlreadyExists'],
  notFound: ['NoSuchEntity', 'ResourceNotFoundException'],
  precondition: ['DeleteConflict', 'LimitExceeded', 'ServiceQuotaExceededException'],
  validation: [
    'InvalidInput',
    'InvalidParameterValue',
    'MalformedPolicyDocument',
    'PolicyNotAttachable',
    'SerializationException',
    'ValidationError',
    'ValidationException',
  ],
  auth: [
    'AccessDenied',
    'AccessDeniedException',
    'ExpiredToken',
    'ExpiredTokenException',
    'IncompleteSignature',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'MissingAuthenticationToken',
    'MissingAuthenticationTokenException',
    'NotAuthorized',
    'OptInRequired',
    'RequestExpired',
    'SignatureDoesNotMatch',
    'UnrecognizedClientException',
  ],
  unsupported: ['NotSupportedService', 'UnknownOperationException', 'InvalidAction'],
  unknownOutcome: [],
  awaitingHuman: [],
  ambiguous: [],
};
const byVendorCode = new Map(
  Object.entries(codes).flatMap(([code, names]) => names.map((name) => [name, code as ConnectorErrorCode] as const)),
);

/** Reads the refusals of one service. Null where the answer is not one of AWS's own: a proxy's page, for one. */
export function awsDialect(service: AwsService): VendorDialect {
  return (answer) => {
    const refusal = parseRefusal(answer);
    if (refusal === null) return null;
    const { vendorCode, retryAfterMs } = refusal;
    const code = codeOf(service, refusal);
    const wait = retryAfterMs ?? (code === 'propagating' ? pendingRetryMs : null);
    const verdict: DialectVerdict = { vendorCode };
    if (code !== null) verdict.code = code;
    if (wait !== null) verdict.retryAfterMs = wait;
    return verdict;
  };
}

function codeOf(service: AwsService, { vendorCode, reason, resourceType }: Refusal): ConnectorErrorCode | null {
  if (vendorCode === 'ConflictException') return conflictCode(service, reason);
  // Of a store that is not there nothing can be said: read as an absent user it would let leavers stay.
  if (resourceType === 'IDENTITY_STORE') return 'auth';
  return byVendorCode.get(vendorCode) ?? null;
}

/**
 * One word for different things: in the identity store a value that somebody has, or a change at the same moment; in the
 * administration of assignments an operation that still runs.
 */
function conflictCode(service: AwsService, reason: string | null): ConnectorErrorCode {
  if (service !== 'identitystore') return 'propagating';
  return reason === 'CONCURRENT_MODIFICATION' ? 'propagating' : 'conflict';
}

interface Refusal {
  vendorCode: string;
  reason: string | null;
  resourceType: string | null;
  retryAfterMs: number | null;
}

function parseRefusal({ body, header }: VendorAnswer): Refusal | null {
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : typeof body === 'string' ? body : '';
  const xmlCode = /<Code>([\w.]{1,100})<\/Code>/.exec(text)?.[1];
  if (xmlCode !== undefined) return { vendorCode: xmlCode, reason: null, resourceType: null, retryAfterMs: null };
  const parsed = JsonRefusal.safeParse(jsonOf(text));
  const named = header('x-amzn-errortype') ?? (parsed.success ? parsed.data.__type : undefined);
  // `com.amazonaws.identitystore#ConflictException:http://…`: what stands between is the name.
  const vendorCode = /^(?:[\w.]+#)?(\w{1,100})(?::|$)/.exec(named ?? '')?.[1];
  if (vendorCode === undefined) return null;
  const { Reason = null, ResourceType = null, RetryAfterSeconds = null } = parsed.success ? parsed.data : {};
  const retryAfterMs = RetryAfterSeconds === null ? null : RetryAfterSeconds * 1000;
  return { vendorCode, reason: Reason, resourceType: ResourceType, retryAfterMs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
