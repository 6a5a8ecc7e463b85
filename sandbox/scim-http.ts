/**
 * How a SCIM 2.0 server speaks HTTP: errors, media types, and how much of a resource is shown.
 * https://www.rfc-editor.org/rfc/rfc7644
 */
import { createHash } from 'node:crypto';
import type { SandboxContext } from './kit.ts';
import type { ScimQuirks } from './scim-quirks.ts';
import { scimBasePath } from './scim-state.ts';

export type ScimType =
  | 'uniqueness'
  | 'invalidValue'
  | 'invalidFilter'
  | 'invalidPath'
  | 'invalidSyntax'
  | 'invalidCursor'
  | 'noTarget'
  | 'mutability';

/** Thrown by a handler, answered as the RFC's error resource. */
export class ScimRefusal extends Error {
  readonly status: number;
  readonly scimType: ScimType | null;

  constructor(status: number, scimType: ScimType | null, detail: string) {
    super(detail);
    this.status = status;
    this.scimType = scimType;
  }
}

/** Where this server answers, as its resources name themselves. */
export const scimBaseOf = (c: SandboxContext): string => `${new URL(c.req.url).origin}${scimBasePath}`;

export function scimError(c: SandboxContext, status: number, scimType: ScimType | null, detail: string): Response {
  return scimJson(c, status, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType === null ? {} : { scimType }),
    detail,
  });
}

export function scimJson(c: SandboxContext, status: number, body: object): Response {
  return c.body(JSON.stringify(body), status as 200, { 'Content-Type': 'application/scim+json' });
}

/** One resource, with the headers that the server's quirks leave on it. */
export function scimResource(
  c: SandboxContext,
  status: number,
  { resource, quirks }: { resource: Record<string, unknown>; quirks: ScimQuirks },
): Response {
  const { location } = resource['meta'] as { location: string };
  if (status === 201 && quirks.showsLocation) c.header('Location', location);
  if (quirks.etag === 'hash') {
    c.header('ETag', `W/"${createHash('sha256').update(JSON.stringify(resource)).digest('base64url')}"`);
  }
  return scimJson(c, status, project(c, resource));
}

/** Always shown (RFC 7643, section 7: returned "always"). */
const alwaysShown = new Set(['schemas', 'id']);

/** What `attributes` or `excludedAttributes` leave of a resource (RFC 7644, section 3.9). */
export function project(c: SandboxContext, resource: Record<string, unknown>): Record<string, unknown> {
  const wanted = namesIn(c.req.query('attributes'));
  const excluded = namesIn(c.req.query('excludedAttributes'));
  if (wanted.length > 0) return keep(resource, (path) => wanted.some((name) => isWithin(path, name)));
  if (excluded.length > 0) return keep(resource, (path) => !excluded.some((name) => isBelow(path, name)));
  return resource;
}

const namesIn = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((name) =>
      name
        .trim()
        .toLowerCase()
        .replace(/^urn:ietf:params:scim:schemas:core:2\.0:(user|group):/, ''),
    )
    .filter((name) => name !== '');

/** The path is the named one, lies below it, or leads to it. */
const isWithin = (path: string, name: string): boolean => isBelow(path, name) || isBelow(name, path);
const isBelow = (path: string, name: string): boolean =>
  path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}:`);

function keep(resource: Record<string, unknown>, isKept: (path: string) => boolean): Record<string, unknown> {
  const entries = Object.entries(resource).flatMap(([name, value]): [string, unknown][] => {
    if (alwaysShown.has(name)) return [[name, value]];
    const path = name.toLowerCase();
    if (!isKept(path)) return [];
    return [[name, keepInside(value, path, isKept)]];
  });
  return Object.fromEntries(entries);
}

function keepInside(value: unknown, path: string, isKept: (path: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((each) => keepInside(each, path, isKept));
  if (typeof value !== 'object' || value === null) return value;
  const separator = path.startsWith('urn:') ? ':' : '.';
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => isKept(`${path}${separator}${name.toLowerCase()}`)),
  );
}

export function without(resource: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !names.includes(name)));
}
