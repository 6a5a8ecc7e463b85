import { describe, expect, test } from '@jest/globals';
import { ConnectorError } from '../../../src/connectors/kit/errors.ts';
import { collectPages, nextLinkCursor } from '../../../src/connectors/kit/paging.ts';

const guard = { systemId: 'crm', operation: 'listAccounts' };

describe('collectPages', () => {
  test('gives the items of all pages in order', async () => {
    const pages: Record<string, { items: number[]; nextCursor: string | null }> = {
      start: { items: [1, 2], nextCursor: 'b' },
      b: { items: [], nextCursor: 'c' },
      c: { items: [3], nextCursor: null },
    };
    const fetchPage = (cursor: string | null) =>
      Promise.resolve(pages[cursor ?? 'start'] ?? Promise.reject(new Error('unknown cursor')));
    expect(await collectPages(fetchPage, guard)).toEqual([1, 2, 3]);
  });

  test('a cursor that comes back ends the listing with an error', async () => {
    let calls = 0;
    const fetchPage = (cursor: string | null) => {
      calls += 1;
      return Promise.resolve({ items: [1], nextCursor: cursor === 'a' ? 'b' : 'a' });
    };
    await expect(collectPages(fetchPage, guard)).rejects.toMatchObject({ code: 'transient' });
    expect(calls).toBe(3);
  });

  test('a listing without end is an error, one that ends on the last allowed page is not', async () => {
    const fetchPage = (cursor: string | null) =>
      Promise.resolve({ items: [1], nextCursor: String(Number(cursor ?? '0') + 1) });
    await expect(collectPages(fetchPage, { ...guard, maxPages: 5 })).rejects.toBeInstanceOf(ConnectorError);
    const fiveOnly = async (cursor: string | null) => {
      const page = await fetchPage(cursor);
      return page.nextCursor === '5' ? { ...page, nextCursor: null } : page;
    };
    expect(await collectPages(fiveOnly, { ...guard, maxPages: 5 })).toHaveLength(5);
  });
});

describe('nextLinkCursor', () => {
  const read = (link: string | null) => nextLinkCursor(link, 'after', 'https://acme.okta.example/', guard);

  test('reads the cursor of the next link among others, absolute or relative', () => {
    const self = '<https://acme.okta.example/api/v1/users?limit=2>; rel="self"';
    expect(read(`${self}, <https://acme.okta.example/api/v1/users?after=x%2F1&limit=2>; rel="next"`)).toBe('x/1');
    expect(read('</api/v1/users?after=x1>; rel=next')).toBe('x1');
    expect(read('<https://acme.okta.example/?after=x>; title="a"; rel="last next"')).toBe('x');
  });

  test('no next link is the end', () => {
    expect(read(null)).toBeNull();
    expect(read('')).toBeNull();
    expect(read('<https://acme.okta.example/?after=x>; rel="prev"')).toBeNull();
    expect(read('<https://acme.okta.example/?after=x>; rel="nextish"')).toBeNull();
  });

  test.each([
    'https://evil.example/api/v1/users?after=x',
    'http://acme.okta.example/api/v1/users?after=x',
    'https://acme.okta.example:8443/?after=x',
    'https://acme.okta.example@evil.example/?after=x',
    '//evil.example/?after=x',
    'javascript:alert(1)?after=x',
    'https://acme.okta.example/?before=x',
    'https://[/',
  ])('the next link %s is refused', (url) => {
    expect(() => read(`<${url}>; rel="next"`)).toThrow(ConnectorError);
  });
});
