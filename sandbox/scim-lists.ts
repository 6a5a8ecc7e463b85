/** Lists of a SCIM server: filtered, in pages, with as much of each resource as was asked for and as the server shows. */
import { compileFilter } from './filter.ts';
import type { SandboxContext } from './kit.ts';
import { project, scimJson, ScimRefusal } from './scim-http.ts';
import type { ScimQuirks } from './scim-quirks.ts';

/** Attributes that compare with their case (RFC 7643: ids and references), all others without. */
const caseExactNames = new Set(['id', 'externalid', 'value', '$ref', 'location', 'created', 'lastmodified']);

export interface ScimListing {
  resources: Record<string, unknown>[];
  filterBy: ScimQuirks['usersFilterBy'];
  /** The resource as a list shows it. */
  show: (resource: Record<string, unknown>) => Record<string, unknown>;
}

/** One page of what the filter leaves; `pageMax` cuts what was asked for. */
export function scimList(c: SandboxContext, quirks: ScimQuirks, { resources, filterBy, show }: ScimListing): Response {
  if (quirks.refusesExcludedAttributes && c.req.query('excludedAttributes') !== undefined) {
    throw new ScimRefusal(400, 'invalidValue', 'excludedAttributes is not supported');
  }
  const matching = resources.filter(matcherOf(c.req.query('filter'), filterBy));
  const { from, count, isByCursor } = placeOf(c, quirks);
  const page = matching.slice(from, from + count);
  const total = quirks.paging === 'cut' || (quirks.paging === 'cursor' && !isByCursor) ? page.length : matching.length;
  const next = from + page.length;
  return scimJson(c, 200, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    ...(isByCursor
      ? { itemsPerPage: page.length, ...(next < matching.length ? { nextCursor: cursorAt(next) } : {}) }
      : { totalResults: total, startIndex: from + 1, itemsPerPage: page.length }),
    Resources: page.map((resource) => project(c, show(resource))),
  });
}

function matcherOf(expression: string | undefined, filterBy: ScimListing['filterBy']): (resource: object) => boolean {
  if (expression === undefined || filterBy === 'ignored') return () => true;
  const offered = filterBy === 'all' ? {} : { offered: new Set(filterBy) };
  const aliases = new Map([['members', 'members.value']]);
  const isMatch = compileFilter(expression, { caseExact: caseExactNames, aliases, ...offered });
  if (isMatch === null) throw new ScimRefusal(400, 'invalidFilter', 'The filter does not parse or is not offered');
  return isMatch;
}

function placeOf(c: SandboxContext, { paging, pageMax, ignoresCount }: ScimQuirks) {
  const asked = Math.max(0, Math.min(pageMax, readCount(c.req.query('count'), pageMax)));
  const count = ignoresCount ? pageMax : asked;
  const cursor = c.req.query('cursor');
  if (paging === 'cursor')
    return { from: cursor === undefined ? 0 : offsetOf(cursor), count, isByCursor: cursor !== undefined };
  const startIndex = Math.max(1, readCount(c.req.query('startIndex'), 1));
  return { from: paging === 'startIndex' ? startIndex - 1 : 0, count, isByCursor: false };
}

/** Opaque to clients. */
const cursorAt = (offset: number): string => Buffer.from(`at ${offset}`).toString('base64url');

function offsetOf(cursor: string): number {
  if (cursor === '') return 0;
  const match = /^at (\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw new ScimRefusal(400, 'invalidCursor', 'The cursor is not one of this server');
  return Number(match[1]);
}

function readCount(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const count = Number(text);
  if (!Number.isInteger(count)) throw new ScimRefusal(400, 'invalidValue', 'startIndex and count must be integers');
  return count;
}
