/**
 * How Okta speaks HTTP: its error body, its headers, its cursor links.
 */
import { randomBytes } from 'node:crypto';
import type { SandboxContext } from './kit.ts';
import type { OktaRefusal } from './okta-state.ts';

const callsPerMinute = 600;

/** `errorCode`, `errorSummary`, causes: the body of every refusal. */
export function oktaError(
  c: SandboxContext,
  status: number,
  errorCode: string,
  errorSummary: string,
  causes: string[] = [],
): Response {
  const errorId = `oae${randomBytes(12).toString('hex').slice(0, 21)}`;
  const errorCauses = causes.map((cause) => ({ errorSummary: cause }));
  return c.json({ errorCode, errorSummary, errorLink: errorCode, errorId, errorCauses }, status as 400);
}

export function oktaRefusal(c: SandboxContext, { status, errorCode, errorSummary, causes }: OktaRefusal): Response {
  return oktaError(c, status, errorCode, errorSummary, causes);
}

export function oktaNotFound(c: SandboxContext, id: string, kind: 'User' | 'UserGroup'): Response {
  return oktaError(c, 404, 'E0000007', `Not found: Resource not found: ${id} (${kind})`);
}

/** The request id and the state of the rate limit, on every answer. */
export function setCommonHeaders(c: SandboxContext, now: Date): void {
  // Okta's clock is the sandbox's, not the machine's.
  c.header('Date', now.toUTCString());
  c.header('X-Okta-Request-Id', `req${randomBytes(12).toString('hex')}`);
  c.header('X-Rate-Limit-Limit', String(callsPerMinute));
  c.header('X-Rate-Limit-Remaining', String(callsPerMinute - 1));
  c.header('X-Rate-Limit-Reset', String(Math.floor(now.getTime() / 1000) + 60));
}

/** Okta tells the end of the wait in `X-Rate-Limit-Reset` only; it sends no `Retry-After`. */
export function refuseByFault(
  c: SandboxContext,
  now: Date,
  status: number,
  retryAfterSeconds: number | null,
): Response {
  setCommonHeaders(c, now);
  if (status !== 429) return oktaError(c, status, 'E0000009', 'Internal Server Error');
  c.header('X-Rate-Limit-Remaining', '0');
  c.header('X-Rate-Limit-Reset', String(Math.ceil(now.getTime() / 1000 + (retryAfterSeconds ?? 1))));
  return oktaError(c, 429, 'E0000047', 'API call exceeded rate limit due to too many requests.');
}

/**
 * One page in the order of the ids, with its `Link` headers: `self`, and `next` unless this is the last page.
 * Null when `limit` is no number.
 */
export function cursorPage<Item extends { id: string }>(
  c: SandboxContext,
  items: Item[],
  maxLimit: number,
): Item[] | null {
  const limit = Number(c.req.query('limit') ?? maxLimit);
  if (!Number.isInteger(limit) || limit < 1) return null;
  const after = c.req.query('after') ?? '';
  const rest = items.filter((item) => item.id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = rest.slice(0, Math.min(limit, maxLimit));
  c.header('Link', `<${c.req.url}>; rel="self"`);
  const last = page.at(-1);
  if (last !== undefined && rest.length > page.length) {
    const next = new URL(c.req.url);
    next.searchParams.set('after', last.id);
    c.header('Link', `<${next.href}>; rel="next"`, { append: true });
  }
  return page;
}
