/**
 * How a SCIM 2.0 server speaks HTTP: errors, lists, filters.
 * https://www.rfc-editor.org/rfc/rfc7644
 */
import { compileFilter } from './filter.ts';
import type { SandboxContext } from './kit.ts';

export type ScimType =
  'uniqueness' | 'invalidValue' | 'invalidFilter' | 'invalidPath' | 'invalidSyntax' | 'noTarget' | 'mutability';

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

/** Attributes that compare with their case (RFC 7643: ids and references), all others without. */
const caseExactNames = new Set(['id', 'externalid', 'value', '$ref', 'location', 'created', 'lastmodified']);

/** One page of what the filter leaves, by `startIndex` and `count`; `pageMax` cuts what was asked for. */
export function scimList(c: SandboxContext, resources: Record<string, unknown>[], pageMax: number): Response {
  const expression = c.req.query('filter');
  const isMatch = expression === undefined ? () => true : compileFilter(expression, { caseExact: caseExactNames });
  if (isMatch === null) throw new ScimRefusal(400, 'invalidFilter', 'The filter does not parse');
  const matching = resources.filter(isMatch);
  const startIndex = Math.max(1, readCount(c.req.query('startIndex'), 1));
  const count = Math.max(0, Math.min(pageMax, readCount(c.req.query('count'), pageMax)));
  const page = matching.slice(startIndex - 1, startIndex - 1 + count);
  const excluded = (c.req.query('excludedAttributes') ?? '').split(',');
  return scimJson(c, 200, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: matching.length,
    startIndex,
    itemsPerPage: page.length,
    Resources: page.map((resource) => without(resource, excluded)),
  });
}

export function without(resource: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !names.includes(name)));
}

function readCount(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const count = Number(text);
  if (!Number.isInteger(count)) throw new ScimRefusal(400, 'invalidValue', 'startIndex and count must be integers');
  return count;
}
