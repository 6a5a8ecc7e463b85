/**
 * Listings in pages that any process can go on with. A directory's own paging lives in one connection, and a sort is not
 * offered everywhere. Here a page is everything within a range of a unique, unchanging key: the ranges touch each other
 * and cover all keys, and a range that holds more than a page is narrowed. The last range proves the end.
 */
import type { Page } from '../contract.ts';

export interface KeySpace {
  first: bigint;
  last: bigint;
}

interface Place {
  from: bigint;
  width: bigint;
  last: bigint;
}

/** The cursor is not one of ours, or a single key holds more than a page. */
export class KeyRangeError extends Error {
  readonly kind: 'cursor' | 'crowdedKey';
  constructor(kind: 'cursor' | 'crowdedKey', message: string) {
    super(message);
    this.name = 'KeyRangeError';
    this.kind = kind;
  }
}

export interface RangeReading<T> {
  cursor: string | null;
  /** Asked only at the start; the cursor carries the end from there on. */
  space: () => Promise<KeySpace> | KeySpace;
  /** What has a key between the two, ends included: all of it (`isWhole`), or more than `pageMax` of it, in any order. */
  search: (from: bigint, to: bigint) => Promise<{ items: T[]; isWhole: boolean }>;
  keyOf: (item: T) => bigint;
  pageMax: number;
}

/** The next page that holds anything, or the last one. Throws a KeyRangeError. */
export async function readKeyRange<T>({ cursor, space, search, keyOf, pageMax }: RangeReading<T>): Promise<Page<T>> {
  let { from, width, last } = cursor === null ? placeOf(await space()) : parseCursor(cursor);
  while (from <= last) {
    const to = from + width - 1n > last ? last : from + width - 1n;
    const { items, isWhole } = await search(from, to);
    if (!isWhole) {
      width = narrowerEnd(items.map(keyOf), { from, to, pageMax }) - from + 1n;
      continue;
    }
    from = to + 1n;
    if (items.length === 0) width = last - from + 1n;
    else if (items.length * 2 < pageMax) width *= 2n;
    if (items.length > 0) return { items, nextCursor: from > last ? null : cursorOf({ from, width, last }) };
  }
  return { items: [], nextCursor: null };
}

/** An end below which about half of what was too much lies, wherever keys crowd: a key from the middle of what was seen. */
function narrowerEnd(keys: bigint[], { from, to, pageMax }: { from: bigint; to: bigint; pageMax: number }): bigint {
  const inside = [...new Set(keys)].filter((key) => key >= from && key < to).toSorted((a, b) => (a < b ? -1 : 1));
  const end = inside[Math.min(Math.floor(pageMax / 2), inside.length - 1)];
  if (end === undefined) throw new KeyRangeError('crowdedKey', 'one key holds more than a page');
  return end;
}

function placeOf({ first, last }: KeySpace): Place {
  return { from: first, width: last - first + 1n, last };
}

function cursorOf({ from, width, last }: Place): string {
  return [from, width, last].map((number) => number.toString(16)).join('.');
}

function parseCursor(cursor: string): Place {
  const match = /^([0-9a-f]{1,33})\.([0-9a-f]{1,34})\.([0-9a-f]{1,33})$/.exec(cursor);
  const [from, width, last] = (match?.slice(1) ?? []).map((digits) => BigInt(`0x${digits}`));
  if (from === undefined || width === undefined || last === undefined || width === 0n) {
    throw new KeyRangeError('cursor', 'the cursor is not one of this listing');
  }
  return { from, width, last };
}
