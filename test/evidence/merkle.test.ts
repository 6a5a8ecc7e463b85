/** Published vectors of the Certificate Transparency reference implementation, and properties over any tree. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFrontier } from '../../src/evidence/frontier.ts';
import {
  buildMerkleTree,
  EMPTY_ROOT,
  hashLeaf,
  hashNode,
  isConsistent,
  isIncluded,
  merkleRoot,
} from '../../src/evidence/merkle.ts';

const vectorLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const vectorRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const inclusionVectors = [
  {
    index: 0,
    size: 8,
    proof: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    index: 5,
    size: 8,
    proof: [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
];
const consistencyVectors = [
  { from: 1, to: 1, proof: [] },
  { from: 1, to: 8, proof: inclusionVectors[0]?.proof ?? [] },
  {
    from: 6,
    to: 8,
    proof: [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  {
    from: 2,
    to: 5,
    proof: [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
];

const hex = (hashes: readonly Buffer[]): string[] => hashes.map((one) => one.toString('hex'));
const vectorHashes = vectorLeaves.map((leaf) => hashLeaf(Buffer.from(leaf, 'hex')));
const leafHashes = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => hashLeaf(Buffer.from(`leaf ${i}`)));
const treeOf = (count: number) => buildMerkleTree(Buffer.concat(leafHashes(count)));
const sizes = fc.integer({ min: 1, max: 300 });

/** The definition of RFC 6962, section 2.1, word for word. */
function rootByDefinition(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (!first) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hashNode(rootByDefinition(leaves.slice(0, split)), rootByDefinition(leaves.slice(split)));
}

describe('published vectors', () => {
  test('the roots of the first n leaves are the published ones, from scratch and leaf by leaf', () => {
    const frontier = createFrontier();
    expect(frontier.root().toString('hex')).toBe(vectorRoots[0]);
    vectorHashes.forEach((leafHash, index) => {
      frontier.add(leafHash);
      expect(frontier.root().toString('hex')).toBe(vectorRoots[index + 1]);
      expect(merkleRoot(vectorHashes.slice(0, index + 1)).toString('hex')).toBe(vectorRoots[index + 1]);
    });
    const tree = buildMerkleTree(Buffer.concat(vectorHashes));
    expect(vectorRoots.map((_, size) => tree.rootAt(size).toString('hex'))).toEqual(vectorRoots);
  });

  test.each(inclusionVectors)(
    'the inclusion proof of leaf $index in $size is the published one',
    ({ index, size, proof }) => {
      expect(hex(buildMerkleTree(Buffer.concat(vectorHashes)).inclusionProof(index, size))).toEqual(proof);
    },
  );

  test.each(consistencyVectors)(
    'the consistency proof from $from to $to is the published one',
    ({ from, to, proof }) => {
      expect(hex(buildMerkleTree(Buffer.concat(vectorHashes)).consistencyProof(from, to))).toEqual(proof);
    },
  );
});

describe('any tree', () => {
  test('the incremental root, the root from the levels and the definition agree at every size', () => {
    const leaves = leafHashes(140);
    const tree = buildMerkleTree(Buffer.concat(leaves));
    const frontier = createFrontier();
    leaves.forEach((leafHash, index) => {
      frontier.add(leafHash);
      const expected = rootByDefinition(leaves.slice(0, index + 1));
      expect(frontier.root()).toEqual(expected);
      expect(tree.rootAt(index + 1)).toEqual(expected);
    });
  });

  test('a copy of the frontier grows on its own', () => {
    const frontier = createFrontier();
    leafHashes(5).forEach((leafHash) => frontier.add(leafHash));
    const before = frontier.root();
    const copy = frontier.copy();
    leafHashes(6).forEach((leafHash) => copy.add(leafHash));
    expect(frontier.root()).toEqual(before);
    expect([frontier.size(), copy.size()]).toEqual([5, 11]);
  });

  test('every leaf is proved included, and no other leaf, place, size or root is', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, pick, otherPick) => {
        const tree = treeOf(size);
        const index = pick % size;
        const claim = {
          index,
          size,
          leafHash: hashLeaf(Buffer.from(`leaf ${index}`)),
          root: tree.rootAt(),
          proof: tree.inclusionProof(index),
        };
        expect(isIncluded(claim)).toBe(true);
        expect(isIncluded({ ...claim, leafHash: hashLeaf(Buffer.from('other')) })).toBe(false);
        expect(isIncluded({ ...claim, root: hashLeaf(Buffer.from('other')) })).toBe(false);
        expect(isIncluded({ ...claim, proof: [...claim.proof, claim.root] })).toBe(false);
        expect(isIncluded({ ...claim, index: size })).toBe(false);
        const otherIndex = otherPick % size;
        if (otherIndex !== index) expect(isIncluded({ ...claim, index: otherIndex })).toBe(false);
        if (claim.proof.length > 0) expect(isIncluded({ ...claim, proof: claim.proof.slice(1) })).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('every earlier size is proved to be a prefix, and a tree with another past is not', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (newSize, pick) => {
        const oldSize = 1 + (pick % newSize);
        const tree = treeOf(newSize);
        const claim = {
          oldSize,
          oldRoot: tree.rootAt(oldSize),
          newSize,
          newRoot: tree.rootAt(),
          proof: tree.consistencyProof(oldSize),
        };
        const foreign = hashLeaf(Buffer.from('another past'));
        expect(isConsistent(claim)).toBe(true);
        expect(isConsistent({ ...claim, oldRoot: foreign })).toBe(false);
        expect(isConsistent({ ...claim, newRoot: foreign })).toBe(false);
        expect(isConsistent({ ...claim, proof: [...claim.proof, foreign] })).toBe(false);
        if (claim.proof.length > 0) expect(isConsistent({ ...claim, proof: claim.proof.slice(1) })).toBe(false);
        if (oldSize < newSize) expect(isConsistent({ ...claim, oldSize: newSize, newSize: oldSize })).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('the empty tree is a prefix of every tree and of no forged one', () => {
    const newRoot = treeOf(5).rootAt();
    const claim = { oldSize: 0, newSize: 5, newRoot, proof: [] };
    expect(isConsistent({ ...claim, oldRoot: EMPTY_ROOT })).toBe(true);
    expect(isConsistent({ ...claim, oldRoot: newRoot })).toBe(false);
  });

  test('a question beyond the tree is refused', () => {
    const tree = treeOf(3);
    expect(() => tree.inclusionProof(3)).toThrow(RangeError);
    expect(() => tree.consistencyProof(4, 3)).toThrow(RangeError);
    expect(() => tree.rootAt(4)).toThrow(RangeError);
    expect(() => buildMerkleTree(Buffer.alloc(33))).toThrow(RangeError);
  });
});
