/** Holds the roots of a log that is being walked through against the checkpoints that were signed over it. */
import type { CheckpointEntry } from './checkpoint-file.ts';
import { differingLog, type EvidenceFinding } from './finding.ts';

export interface RootCheck {
  /** To be called after each added record; asks for the root only where a checkpoint stands. Reports the first difference only. */
  compare(size: number, root: () => Buffer): EvidenceFinding | null;
  /** Nothing behind this point can be compared any more. */
  stop(): void;
}

/** `live` by ascending size, as `liveEntries` gives them. */
export function createRootCheck(live: readonly CheckpointEntry[]): RootCheck {
  const pending = [...live];
  let soundSize = 0;
  let isStopped = false;
  return {
    stop() {
      isStopped = true;
    },
    compare(size: number, root: () => Buffer): EvidenceFinding | null {
      while (!isStopped && pending[0] && pending[0].treeSize <= size) {
        const entry = pending.shift();
        if (!entry || entry.treeSize < size) continue;
        if (entry.rootHash !== root().toString('hex')) {
          isStopped = true;
          return differingLog(soundSize, size - 1, size);
        }
        soundSize = size;
      }
      return null;
    },
  };
}
