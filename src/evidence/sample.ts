/** Draws a sample that anybody can draw again: cases in the order of a hash over seed and id. No generator, no state. */
import { compareText } from '../domain/compare-text.ts';
import { sha256Hex } from '../store/sha256.ts';

/** The first `size` of the population by hash, in that order. Neither its order nor what is left out of it matters. */
export function drawSample<T extends { caseId: string }>(population: readonly T[], size: number, seed: string): T[] {
  return population
    .map((entry) => ({ entry, place: sha256Hex(`${seed}\n${entry.caseId}`) }))
    .toSorted((a, b) => compareText(a.place, b.place))
    .slice(0, size)
    .map(({ entry }) => entry);
}
