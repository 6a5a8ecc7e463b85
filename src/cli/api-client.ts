/** Calls the API and turns every failure into a message that says what to do, and an exit code. */
import { z } from 'zod';
import type { Credentials } from './credentials.ts';
import { CliError, exitCodes, type ExitCode } from './exit-code.ts';

const TIMEOUT_MS = 60_000;
const FORM_TIMEOUT_MS = 10 * 60_000;

const Problem = z.object({ detail: z.string(), code: z.string(), status: z.number() });

export interface ApiClient {
  get<T>(path: string, shape: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<T>;
  /** Sends files; the server may work on them for minutes. */
  postForm<T>(path: string, form: FormData, shape: z.ZodType<T>): Promise<T>;
}

/** `timeoutMs` is for one call. */
export function createApiClient({ url, token }: Credentials, timeoutMs = TIMEOUT_MS): ApiClient {
  async function call<T>(method: 'GET' | 'POST', path: string, body: unknown, shape: z.ZodType<T>): Promise<T> {
    const answer = await send(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      },
      ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return parseAnswer(answer, shape);
  }
  return {
    get: (path, shape) => call('GET', path, undefined, shape),
    post: (path, body, shape) => call('POST', path, body, shape),
    async postForm(path, form, shape) {
      const signal = AbortSignal.timeout(FORM_TIMEOUT_MS);
      const init = { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: form, signal };
      return parseAnswer(await send(`${url}${path}`, init), shape);
    },
  };
}

function parseAnswer<T>(answer: unknown, shape: z.ZodType<T>): T {
  const parsed = shape.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new CliError(exitCodes.unavailable, 'The server answered in a shape that this version does not know.');
}

async function send(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    // A redirect could carry the token to another place.
    response = await fetch(url, { ...init, redirect: 'error' });
  } catch {
    const { origin } = new URL(url);
    throw new CliError(
      exitCodes.unavailable,
      `No answer from ${origin}.`,
      'Is Usher running? Start it with: npm start',
    );
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  throw problemError(response.status, body);
}

function problemError(status: number, body: unknown): CliError {
  const problem = Problem.safeParse(body);
  if (!problem.success) return new CliError(exitOfStatus(status), `The server answered ${status} without saying why.`);
  return new CliError(exitOfStatus(status), problem.data.detail, helpOf(problem.data.code));
}

function exitOfStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404) return exitCodes.notFound;
  if (status === 409 || status === 410) return exitCodes.conflict;
  if (status === 422) return exitCodes.negative;
  return status >= 500 ? exitCodes.unavailable : exitCodes.usage;
}

function helpOf(code: string): string | null {
  const help: Record<string, string> = {
    unauthenticated: 'The token is wrong, expired or revoked: use another one with --profile or --token-file.',
    forbidden: 'Use the token of somebody who may do this: --profile NAME.',
    notApprover: 'Use the token of one of the approvers: --profile NAME. `usher approvals` shows who they are.',
    selfApproval: 'Somebody else has to decide this.',
    stale: 'Read it again: usher approvals',
    alreadyDecided: 'Nothing is left for you to do here.',
    policyInvalid: 'See the findings with: usher policy check',
  };
  return help[code] ?? null;
}
