/**
 * Where a list goes on and where it provably ends, for the three ways in which SCIM servers page. A server that ignores
 * what it was asked for must not pass for a short list, nor one page for all of them.
 */
import { z } from 'zod';
import type { ScimQuirks } from './quirks.ts';

/** Some servers send numbers as text. */
const count = z.union([
  z.number().int().min(0),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
]);

/** A list response. `totalResults` is left out by cursor pages alone. */
export const listOf = <T extends z.ZodType>(resource: T) =>
  z.object({
    totalResults: count.optional(),
    startIndex: count.nullish(),
    nextCursor: z.string().nullish(),
    Resources: z.array(resource).nullish(),
  });

interface ListResponse {
  totalResults?: number | undefined;
  startIndex?: number | null | undefined;
  nextCursor?: string | null | undefined;
  Resources?: { id: string }[] | null | undefined;
}

/** A place in a list. */
export type ListPlace =
  | { paging: 'startIndex'; startIndex: number; firstIdBefore: string | null }
  | { paging: 'cursor'; cursor: string }
  | { paging: 'single' };

/** The place that a cursor of {@link nextOf} stands for; null where it is none of ours. */
export function readCursor(paging: ScimQuirks['paging'], cursor: string | null): ListPlace | null {
  switch (paging) {
    case 'startIndex': {
      if (cursor === null) return { paging, startIndex: 1, firstIdBefore: null };
      const match = /^([1-9]\d{0,14})(?::(.*))?$/s.exec(cursor);
      return match === null ? null : { paging, startIndex: Number(match[1]), firstIdBefore: match[2] ?? null };
    }
    case 'cursor':
      // RFC 9865, section 2: the first page is asked for by a cursor without a value.
      return { paging, cursor: cursor ?? '' };
    case 'single':
      return cursor === null ? { paging } : null;
    default:
      return paging satisfies never;
  }
}

/** The query parameters that ask for the page. */
export function pageParams(at: ListPlace, count: number): Record<string, string | number> {
  switch (at.paging) {
    case 'startIndex':
      return { startIndex: at.startIndex, count };
    case 'cursor':
      return { cursor: at.cursor, count };
    case 'single':
      return { count };
    default:
      return at satisfies never;
  }
}

interface ReadPage {
  at: ListPlace;
  count: number;
  data: ListResponse;
  isFiltered: boolean;
}

/** The cursor of the page after this one, or null at the proven end. Throws what `fail` makes where it cannot be told. */
export function nextOf({ at, count, data, isFiltered }: ReadPage, fail: (message: string) => Error): string | null {
  const items = data.Resources ?? [];
  switch (at.paging) {
    case 'startIndex':
      return nextIndex(at, data, fail);
    case 'cursor': {
      const next = data.nextCursor ?? '';
      if (next !== '') return next;
      const isCut = data.totalResults !== undefined && data.totalResults > items.length && at.cursor === '';
      if (isCut) throw fail('the server announces more than it shows and names no next page');
      return null;
    }
    case 'single':
      if ((data.totalResults ?? items.length) > items.length) throw fail('the only page does not hold the whole list');
      // Such servers count what they show: a full page may be a cut one. A filter by a key has no such doubt.
      if (!isFiltered && items.length >= count) throw fail('the only page is full, so that its end is not proved');
      return null;
    default:
      return at satisfies never;
  }
}

function nextIndex(
  { startIndex, firstIdBefore }: Extract<ListPlace, { paging: 'startIndex' }>,
  { totalResults, startIndex: shown, Resources }: ListResponse,
  fail: (message: string) => Error,
): string | null {
  const items = Resources ?? [];
  const firstId = items[0]?.id ?? null;
  if (totalResults === undefined) throw fail('the listing names no total');
  const isSamePage = firstId !== null && firstId === firstIdBefore;
  const isElsewhere = startIndex > 1 && shown != null && items.length > 0 && shown !== startIndex;
  if (isSamePage || isElsewhere) throw fail('the server ignores startIndex, so that the listing cannot be completed');
  const next = startIndex + items.length;
  if (next > totalResults) return null;
  // An empty page before the announced end: what is missing cannot be told from what does not exist.
  if (firstId === null) throw fail('the listing ended before its announced end');
  return `${next}:${firstId}`;
}
