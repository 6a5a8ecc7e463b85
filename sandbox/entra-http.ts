/** How Microsoft Graph speaks HTTP: error bodies, `$select`, pages along `@odata.nextLink`, its few filters. */
import { randomUUID } from 'node:crypto';
import type { SandboxContext } from './kit.ts';

export const graphPageMax = 999;

export function graphError(
  c: SandboxContext,
  status: number,
  code: string,
  message: string,
  details: { code: string; target: string; message: string }[] = [],
): Response {
  return c.json({ error: { code, message, ...(details.length === 0 ? {} : { details }) } }, status as 400);
}

export function graphNotFound(c: SandboxContext, id: string): Response {
  const text = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  return graphError(c, 404, 'Request_ResourceNotFound', text);
}

/** The request id on every answer. */
export function setCommonHeaders(c: SandboxContext): void {
  c.header('request-id', randomUUID());
}

export function refuseByFault(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response {
  setCommonHeaders(c);
  if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
  return graphError(c, status, status === 429 ? 'TooManyRequests' : 'UnknownError', 'The request was refused.');
}

/** The properties that `$select` names; `id` stands for itself only. */
export function selected(c: SandboxContext, properties: Record<string, unknown>, byDefault: string[]): object {
  const names = c.req.query('$select')?.split(',') ?? byDefault;
  return Object.fromEntries(names.filter((name) => name in properties).map((name) => [name, properties[name]]));
}

/** One page in the order of the ids, with the link to the next; null where `$top` is out of bounds. */
export function linkedPage<Item extends { id: string }>(
  c: SandboxContext,
  items: Item[],
  { pageMax, view }: { pageMax: number; view: (item: Item) => object },
): object | null {
  const top = Number(c.req.query('$top') ?? 100);
  if (!Number.isInteger(top) || top < 1 || top > graphPageMax) return null;
  const token = c.req.query('$skiptoken');
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString();
  const rest = items.filter((item) => item.id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = rest.slice(0, Math.min(top, pageMax));
  const last = page.at(-1);
  if (last === undefined || rest.length === page.length) return { value: page.map(view) };
  const next = new URL(c.req.url);
  next.searchParams.set('$skiptoken', Buffer.from(last.id).toString('base64url'));
  return { value: page.map(view), '@odata.nextLink': next.href };
}

/** `a eq 'x' or b/c eq 'y'`, the only filters that are known here; null for any other. */
export function compileODataFilter(filter: string): ((value: (path: string) => string | null) => boolean) | null {
  const term = /([A-Za-z0-9/]+) eq '((?:[^']|'')*)'/y;
  const wanted: { path: string; text: string }[] = [];
  for (let at = 0; ;) {
    term.lastIndex = at;
    const match = term.exec(filter);
    if (match === null) return null;
    wanted.push({ path: match[1] ?? '', text: (match[2] ?? '').replaceAll("''", "'") });
    at = term.lastIndex;
    if (at === filter.length) break;
    if (!filter.startsWith(' or ', at)) return null;
    at += ' or '.length;
  }
  // Graph compares these texts without case.
  return (value) => wanted.some(({ path, text }) => value(path)?.toLowerCase() === text.toLowerCase());
}
