/** AppError codes as HTTP: the status and the body of RFC 9457. Nothing else of an error leaves the process. */
import { appErrorSentences, type AppError, type AppErrorCode } from '../domain/errors.ts';

export type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 410 | 413 | 422 | 500 | 503;

export function statusOf(code: AppErrorCode): ProblemStatus {
  switch (code) {
    case 'invalidInput':
      return 400;
    case 'unauthenticated':
      return 401;
    case 'forbidden':
    case 'selfApproval':
    case 'notApprover':
    case 'unproved':
      return 403;
    case 'notFound':
      return 404;
    case 'conflict':
    case 'stale':
    case 'alreadyDecided':
    case 'noApprover':
    case 'held':
      return 409;
    case 'expired':
      return 410;
    case 'policyInvalid':
      return 422;
    case 'internal':
      return 500;
    case 'unavailable':
      return 503;
    default:
      return code satisfies never;
  }
}

export interface Problem {
  type: string;
  title: string;
  status: ProblemStatus;
  detail: string;
  code: AppErrorCode;
  field: string | null;
}

export function problemOf(error: Pick<AppError, 'code' | 'message' | 'field'>, status?: ProblemStatus): Problem {
  return {
    type: `urn:usher:error:${error.code}`,
    title: appErrorSentences[error.code],
    status: status ?? statusOf(error.code),
    detail: error.message,
    code: error.code,
    field: error.field,
  };
}

/** The answer `application/problem+json`. */
export function problemResponse(error: Pick<AppError, 'code' | 'message' | 'field'>, status?: ProblemStatus): Response {
  const problem = problemOf(error, status);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer realm="usher"';
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
