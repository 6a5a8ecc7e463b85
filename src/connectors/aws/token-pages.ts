/** Listings by a token that leads on: `NextToken` of the JSON services, `Marker` of IAM. The end is the page without one. */
import type { Page } from '../kit/contract.ts';
import { collectPages } from '../kit/paging.ts';
import type { AwsCaller } from './caller.ts';

/** A page whose token is empty or absent is the last one. */
export function tokenPage<T>(items: readonly T[], token: string | null | undefined): Page<T> {
  return { items: [...items], nextCursor: token === undefined || token === null || token === '' ? null : token };
}

/** All items of all pages. A page that fails fails the listing. */
export function collectTokenPages<T>(
  { systemId }: AwsCaller,
  operation: string,
  fetchPage: (token: string | undefined) => Promise<Page<T>>,
): Promise<T[]> {
  return collectPages((cursor) => fetchPage(cursor ?? undefined), { systemId, operation });
}

/** Catalogues of two kinds in one listing: the cursor says which kind it is in. */
export async function pageOfTwo<T>(
  cursor: string | null,
  first: (token: string | undefined) => Promise<Page<T>>,
  second: (token: string | undefined) => Promise<Page<T>>,
): Promise<Page<T>> {
  const position = cursor ?? '1:';
  const isFirst = position.startsWith('1:');
  const token = position.slice(2) === '' ? undefined : position.slice(2);
  const { items, nextCursor } = await (isFirst ? first : second)(token);
  if (nextCursor !== null) return { items, nextCursor: `${isFirst ? 1 : 2}:${nextCursor}` };
  return { items, nextCursor: isFirst ? '2:' : null };
}
