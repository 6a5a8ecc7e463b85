/**
 * The hash tree of RFC 6962: leaf and node hashes, roots, inclusion and consistency proofs. Pure computation over
 * 32-byte hashes; what a leaf means is decided elsewhere. Checking a proof needs nothing but this file's inputs.
 */
import { hash } from 'node:crypto';

/** Bytes of one hash. */
export const HASH_BYTES = 32;

/** Root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Buffer = hash('sha256', '', 'buffer');

/** Hash of a leaf. The prefix keeps a leaf from passing as an inner node (second pre-image). */
export function hashLeaf(data: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Uint8Array.of(0), data]), 'buffer');
}

/** Hash of an inner node. */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Uint8Array.of(1), left, right]), 'buffer');
}

/** A tree in memory that answers for any of its earlier sizes. */
export interface MerkleTree {
  size: number;
  /** Root of the first `size` leaves; of all of them by default. */
  rootAt(size?: number): Buffer;
  /** Siblings on the way from leaf `index` to the root of the first `size` leaves, lowest first. */
  inclusionProof(index: number, size?: number): Buffer[];
  /** Proof that the first `oldSize` leaves are a prefix of the first `size`. Empty for `oldSize` 0 and for equal sizes. */
  consistencyProof(oldSize: number, size?: number): Buffer[];
}

/**
 * Builds the tree over leaf hashes, given as one buffer of 32 bytes each. Needs twice that buffer in memory and one
 * hash for each leaf; every question after that costs O(log² n) hashes at most. The sizes and indices asked for must
 * lie in the tree: RangeError otherwise.
 */
export function buildMerkleTree(leafHashes: Uint8Array): MerkleTree {
  const levels = perfectLevels(leafHashes);
  const treeSize = leafHashes.length / HASH_BYTES;

  /** Hash over the leaves start..end-1, where start is a multiple of the range's split width. */
  const rangeHash = (start: number, end: number): Buffer => {
    const width = end - start;
    const level = Math.log2(width);
    if (Number.isInteger(level)) return nodeAt(levels, level, start / width);
    const split = start + largestPowerOfTwoBelow(width);
    return hashNode(rangeHash(start, split), rangeHash(split, end));
  };

  const path = (index: number, start: number, end: number): Buffer[] => {
    if (end - start === 1) return [];
    const split = start + largestPowerOfTwoBelow(end - start);
    return index < split
      ? [...path(index, start, split), rangeHash(split, end)]
      : [...path(index, split, end), rangeHash(start, split)];
  };

  /** SUBPROOF of RFC 6962, section 2.1.2; `isWhole`: the old root itself covers this range. */
  const subProof = (oldEnd: number, start: number, end: number, isWhole: boolean): Buffer[] => {
    if (oldEnd === end) return isWhole ? [] : [rangeHash(start, end)];
    const split = start + largestPowerOfTwoBelow(end - start);
    return oldEnd <= split
      ? [...subProof(oldEnd, start, split, isWhole), rangeHash(split, end)]
      : [...subProof(oldEnd, split, end, false), rangeHash(start, split)];
  };

  return {
    size: treeSize,
    rootAt(size = treeSize) {
      assertWithin(size, 0, treeSize);
      return size === 0 ? EMPTY_ROOT : rangeHash(0, size);
    },
    inclusionProof(index, size = treeSize) {
      assertWithin(size, 1, treeSize);
      assertWithin(index, 0, size - 1);
      return path(index, 0, size);
    },
    consistencyProof(oldSize, size = treeSize) {
      assertWithin(size, 0, treeSize);
      assertWithin(oldSize, 0, size);
      return oldSize === 0 ? [] : subProof(oldSize, 0, size, true);
    },
  };
}

/** Root over leaf hashes, from scratch. */
export function merkleRoot(leafHashes: readonly Buffer[]): Buffer {
  return buildMerkleTree(Buffer.concat(leafHashes)).rootAt();
}

/** True when `proof` leads from the leaf at `index` to `root` in a tree of `size` leaves. Never throws. */
export function isIncluded(claim: {
  index: number;
  size: number;
  leafHash: Uint8Array;
  root: Uint8Array;
  proof: readonly Uint8Array[];
}): boolean {
  const { index, size, proof } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let node = index;
  let last = size - 1;
  let reached: Uint8Array = claim.leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      reached = hashNode(sibling, reached);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      reached = hashNode(reached, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && isSameHash(reached, claim.root);
}

/** True when `proof` shows that the tree (`oldSize`, `oldRoot`) is a prefix of (`newSize`, `newRoot`). Never throws. */
export function isConsistent(claim: {
  oldSize: number;
  oldRoot: Uint8Array;
  newSize: number;
  newRoot: Uint8Array;
  proof: readonly Uint8Array[];
}): boolean {
  const { oldSize, newSize, oldRoot, newRoot } = claim;
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 0 || oldSize > newSize)
    return false;
  if (oldSize === newSize) return claim.proof.length === 0 && isSameHash(oldRoot, newRoot);
  if (oldSize === 0) return claim.proof.length === 0 && isSameHash(oldRoot, EMPTY_ROOT);
  // A whole old tree is itself the first node of the path and is left out of the proof.
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...claim.proof] : [...claim.proof];
  const first = path.shift();
  if (!first) return false;
  let node = oldSize - 1;
  let last = newSize - 1;
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let [oldReached, newReached] = [first, first];
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      oldReached = hashNode(sibling, oldReached);
      newReached = hashNode(sibling, newReached);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      newReached = hashNode(newReached, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && isSameHash(oldReached, oldRoot) && isSameHash(newReached, newRoot);
}

/** `levels[k]` holds the hashes of all complete subtrees of 2^k leaves. */
function perfectLevels(leafHashes: Uint8Array): Uint8Array[] {
  if (leafHashes.length % HASH_BYTES !== 0) throw new RangeError('leaf hashes must be 32 bytes each');
  const levels = [leafHashes];
  for (let below = leafHashes; below.length >= 2 * HASH_BYTES;) {
    const pairs = Math.floor(below.length / (2 * HASH_BYTES));
    const level = new Uint8Array(pairs * HASH_BYTES);
    for (let pair = 0; pair < pairs; pair += 1) {
      const from = pair * 2 * HASH_BYTES;
      const middle = from + HASH_BYTES;
      level.set(hashNode(below.subarray(from, middle), below.subarray(middle, middle + HASH_BYTES)), pair * HASH_BYTES);
    }
    levels.push(level);
    below = level;
  }
  return levels;
}

function nodeAt(levels: readonly Uint8Array[], level: number, index: number): Buffer {
  const hashes = levels[level];
  if (!hashes) throw new RangeError('no such level');
  return Buffer.from(hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
}

function assertWithin(value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`expected a whole number from ${min} to ${max}`);
  }
}

/** Largest power of two that is smaller than `width` (2 or more): where RFC 6962 splits a range. */
function largestPowerOfTwoBelow(width: number): number {
  return 2 ** Math.floor(Math.log2(width - 1));
}

// Division instead of shifts: JavaScript's shifts cut a number to 32 bits.
const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;
const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));
const isSameHash = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;
