import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyRangeError, readKeyRange } from '../../../src/connectors/kit/ldap/key-ranges.ts';
import { collectPages } from '../../../src/connectors/kit/paging.ts';

const last = 2n ** 128n - 1n;

/** A directory that shows at most one more than a page, in the order of its own. */
function directory(keys: bigint[], pageMax: number) {
  let searches = 0;
  const search = (from: bigint, to: bigint) => {
    searches += 1;
    const hits = keys.filter((key) => key >= from && key <= to);
    return Promise.resolve({ items: hits.slice(0, pageMax + 1), isWhole: hits.length <= pageMax });
  };
  const read = (cursor: string | null) =>
    readKeyRange({ cursor, space: () => ({ first: 0n, last }), search, keyOf: (key) => key, pageMax });
  return { read, searches: () => searches };
}

const spread = fc.uniqueArray(fc.bigInt({ min: 0n, max: last }), { maxLength: 120 });
const crowded = fc.uniqueArray(fc.bigInt({ min: 2n ** 96n, max: 2n ** 96n + 200n }), { maxLength: 120 });
const atTheEnds = fc.constant([0n, 1n, 2n, last - 1n, last]);

test('whatever the keys and the size of a page, everything is listed once, in bounded pages, with few searches', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(spread, crowded, atTheEnds), fc.integer({ min: 1, max: 50 }), async (keys, pageMax) => {
      const { read, searches } = directory(keys, pageMax);
      let pages = 0;
      const all = await collectPages(
        async (cursor) => {
          const page = await read(cursor);
          expect(page.items.length).toBeLessThanOrEqual(pageMax);
          pages += 1;
          return page;
        },
        { systemId: 'ldap', operation: 'test' },
      );
      expect(all.toSorted()).toEqual(keys.toSorted());
      expect(searches()).toBeLessThanOrEqual(2 + pages * (3 + Math.ceil(Math.log2(keys.length + 2)) * 2));
    }),
    { numRuns: 300 },
  );
});

test('what was made after the start of the listing does not move its end', async () => {
  const keys = [1n, 2n, 3n, 4n];
  const search = (from: bigint, to: bigint) => {
    const hits = keys.filter((key) => key >= from && key <= to);
    return Promise.resolve({ items: hits, isWhole: hits.length <= 2 });
  };
  const read = (cursor: string | null) =>
    readKeyRange({ cursor, space: () => ({ first: 0n, last: 4n }), search, keyOf: (key) => key, pageMax: 2 });
  const first = await read(null);
  keys.push(5n, 6n);
  const others = await collectPages((cursor) => read(cursor ?? first.nextCursor), { systemId: 's', operation: 'o' });
  expect([...first.items, ...others].toSorted()).toEqual([1n, 2n, 3n, 4n]);
});

test('a cursor of something else is refused, and a key that cannot be narrowed ends the listing', async () => {
  const { read } = directory([], 2);
  for (const cursor of ['', 'x', '1.2', '1.0.3', '1.2.3.4', `${'f'.repeat(40)}.1.2`]) {
    await expect(read(cursor)).rejects.toThrow(KeyRangeError);
  }
  const same = () => Promise.resolve({ items: [7n, 7n, 7n], isWhole: false });
  const reading = { cursor: null, space: () => ({ first: 7n, last: 7n }), search: same, keyOf: (key: bigint) => key };
  await expect(readKeyRange({ ...reading, pageMax: 2 })).rejects.toThrow(KeyRangeError);
});
