/** How Google's Admin SDK speaks HTTP: error bodies, partial answers (`fields`), pages by token. */
import type { SandboxContext } from './kit.ts';

export function googleError(c: SandboxContext, status: number, reason: string, message: string): Response {
  const errors = [{ domain: 'global', reason, message }];
  return c.json({ error: { code: status, message, errors } }, status as 400);
}

export function googleNotFound(c: SandboxContext, key: 'userKey' | 'groupKey' | 'memberKey'): Response {
  return googleError(c, 404, 'notFound', `Resource Not Found: ${key}`);
}

/** Quotas are refused with 403; other faults with the status that was asked for. */
export function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) {
    c.header('Retry-After', String(retryAfterSeconds));
    return googleError(c, 403, 'userRateLimitExceeded', 'User Rate Limit Exceeded');
  }
  const reasons: Record<number, string> = { 401: 'authError', 403: 'forbidden', 404: 'notFound', 409: 'duplicate' };
  return googleError(c, status, reasons[status] ?? 'backendError', 'The request was refused.');
}

/** The value cut to `a,b(c,d)`; lists item by item. Everything where nothing is asked for. */
export function partial(c: SandboxContext, value: object): object {
  const fields = c.req.query('fields');
  return fields === undefined ? value : (cut(value, fields) as object);
}

function cut(value: unknown, fields: string): unknown {
  if (Array.isArray(value)) return value.map((each) => cut(each, fields));
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Record<string, unknown>;
  const named = [...fields.matchAll(/(\w+)(?:\(([^)]*)\))?/g)].filter(([, name = '']) => name in members);
  return Object.fromEntries(
    named.map(([, name = '', inner]) => [name, inner === undefined ? members[name] : cut(members[name], inner)]),
  );
}

/** One page in the order of the ids; null where `maxResults` is out of bounds. An empty list is left out. */
export function tokenPage<Item extends { id: string }>(
  c: SandboxContext,
  items: Item[],
  { of, pageMax, view }: { of: string; pageMax: number; view: (item: Item) => object },
): object | null {
  const limit = Number(c.req.query('maxResults') ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > pageMax) return null;
  const token = c.req.query('pageToken');
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString();
  const rest = items.filter((item) => item.id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const next = last === undefined || rest.length === page.length ? {} : { nextPageToken: encode(last.id) };
  const list = page.length === 0 ? {} : { [of]: page.map(view) };
  return partial(c, { kind: `admin#directory#${of}`, ...list, ...next });
}

const encode = (id: string): string => Buffer.from(id).toString('base64url');
