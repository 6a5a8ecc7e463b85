/** Sets the figures of a run beside their thresholds and beside those that were kept last. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Table from 'cli-table3';
import { z } from 'zod';

const Figures = z.record(z.string(), z.number());
const Thresholds = z.record(z.string(), z.strictObject({ min: z.number().optional(), max: z.number().optional() }));
const thresholdsFile = join(import.meta.dirname, 'thresholds.json');
const keptFile = join(import.meta.dirname, 'kept-figures.json');

/**
 * Prints the comparison. Answers the names of the figures that miss their threshold; one that is absent misses it too,
 * unless these are a part of the figures only.
 */
export function compareFigures(figures: Readonly<Record<string, number>>, isPart = false): string[] {
  const thresholds = Thresholds.parse(JSON.parse(readFileSync(thresholdsFile, 'utf8')));
  const kept = existsSync(keptFile) ? Figures.parse(JSON.parse(readFileSync(keptFile, 'utf8'))) : {};
  const names = [...new Set([...Object.keys(figures), ...(isPart ? [] : Object.keys(thresholds))])];
  const missed = names.filter((name) => {
    const { min = -Infinity, max = Infinity } = thresholds[name] ?? {};
    const figure = figures[name];
    return thresholds[name] !== undefined && (figure === undefined || !(figure >= min && figure <= max));
  });
  const table = new Table({ head: ['figure', 'now', 'kept', 'threshold', ''] });
  for (const name of names) {
    const { min, max } = thresholds[name] ?? {};
    const wanted = [...(min === undefined ? [] : [`from ${min}`]), ...(max === undefined ? [] : [`to ${max}`])];
    const verdict = thresholds[name] === undefined ? '' : missed.includes(name) ? 'missed' : 'ok';
    table.push([name, String(figures[name] ?? '-'), String(kept[name] ?? '-'), wanted.join(' '), verdict]);
  }
  console.log(table.toString());
  return missed;
}

/** Replaces the kept figures; they are committed with the change that they measure. */
export function keepFigures(figures: Readonly<Record<string, number>>): void {
  writeFileSync(keptFile, `${JSON.stringify(figures, null, 2)}\n`);
}
