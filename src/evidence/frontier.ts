/**
 * The frontier of a growing hash tree: the roots of its complete subtrees, largest first, as many as the size has
 * binary ones. It is all that is needed to add leaves and to know the root, so a checkpoint over a million records
 * costs twenty hashes.
 */
import { EMPTY_ROOT, hashNode } from './merkle.ts';

export interface Frontier {
  /** Number of leaves added so far. */
  size(): number;
  /** Appends one leaf hash; amortised one node hash. */
  add(leafHash: Buffer): void;
  /** Root over everything added so far. */
  root(): Buffer;
  /** An independent copy: what is added to it does not show here. */
  copy(): Frontier;
}

/** An empty tree. */
export function createFrontier(): Frontier {
  return frontierOf(0, []);
}

function frontierOf(initialSize: number, peaks: Buffer[]): Frontier {
  let size = initialSize;
  return {
    size: () => size,
    add(leafHash) {
      let node = leafHash;
      // Each low one-bit of the size is a complete subtree as large as the one just completed.
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        const left = peaks.pop();
        if (!left) throw new Error('the frontier lost a subtree');
        node = hashNode(left, node);
      }
      peaks.push(node);
      size += 1;
    },
    root() {
      return peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => hashNode(left, right));
    },
    copy: () => frontierOf(size, [...peaks]),
  };
}
