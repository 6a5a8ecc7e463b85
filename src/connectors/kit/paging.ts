/**
 * Paging that cannot end early, run for ever, or carry the token elsewhere. A page that fails fails the whole
 * listing: half an inventory read as a whole one would take access away from people who should keep it.
 */
import type { Page } from './contract.ts';
import { ConnectorError } from './errors.ts';

export interface PagingOptions {
  systemId: string;
  operation: string;
  /** Default 10 000. */
  maxPages?: number;
}

/** All items of all pages. Throws `transient` where a cursor comes back a second time or the pages never end. */
export async function collectPages<T>(
  fetchPage: (cursor: string | null) => Promise<Page<T>>,
  options: PagingOptions,
): Promise<T[]> {
  const items: T[] = [];
  for await (const page of eachPage(fetchPage, options)) items.push(...page);
  return items;
}

/** The pages one after the other, for what may stop at the first hit. Guards like {@link collectPages}. */
export async function* eachPage<T>(
  fetchPage: (cursor: string | null) => Promise<Page<T>>,
  { systemId, operation, maxPages = 10_000 }: PagingOptions,
): AsyncGenerator<T[]> {
  const seen = new Set<string>();
  let cursor: string | null = null;
  for (let pages = 0; ; pages += 1) {
    if (pages >= maxPages) throw new ConnectorError('transient', 'the listing does not end', { systemId, operation });
    const page: Page<T> = await fetchPage(cursor);
    yield page.items;
    if (page.nextCursor === null) return;
    if (seen.has(page.nextCursor)) {
      throw new ConnectorError('transient', 'the listing goes round in circles', { systemId, operation });
    }
    seen.add(page.nextCursor);
    cursor = page.nextCursor;
  }
}

/**
 * The value of `parameter` in the `rel="next"` link of a Link header (RFC 8288), or null where there is no such link.
 * The link itself is never called. One of another origin is refused, because the answer is then not the vendor's.
 */
export function nextLinkCursor(
  linkHeader: string | null,
  parameter: string,
  baseUrl: string,
  { systemId, operation }: PagingOptions,
): string | null {
  const refuse = (message: string) => new ConnectorError('transient', message, { systemId, operation });
  const match = [...(linkHeader ?? '').matchAll(/<([^>]*)>((?:\s*;[^,<]*)*)/g)].find(([, , attributes]) =>
    /;\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)/i.test(attributes ?? ''),
  );
  if (match === undefined) return null;
  const link = URL.parse(match[1] ?? '', baseUrl);
  if (link === null || link.origin !== new URL(baseUrl).origin) throw refuse('a next link leads to another origin');
  const cursor = link.searchParams.get(parameter);
  if (cursor === null || cursor === '') throw refuse('a next link has no cursor');
  return cursor;
}
