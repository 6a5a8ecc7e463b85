/**
 * `npm run bench`: how fast a leaver is cut off while the company is busy, and what a joiner costs compared with a bare
 * workflow; what waiting costs, and whole companies at once. All figures are ratios or times of one run on one machine;
 * `-- --json FILE` writes them, `-- --keep` keeps them for the next comparison. Exit code 1 when one misses its threshold.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compareFigures, keepFigures } from './compare.ts';
import { measureCutOffs } from './cut-off-time.ts';
import { measureJoinerCost, shapeOfJoiner } from './joiner-cost.ts';
import { measureJustified } from './justified-cost.ts';
import { measureReading } from './read-accounts.ts';
import { setStage, type Stage } from './stage.ts';
import { measureWaiting } from './waiting-memory.ts';

const IMPORT_LIMIT_MS = 180_000;
/** Whatever hangs: the benchmark ends, and what it started with it. */
const LIMIT_MS = 12 * 60_000;

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);
const twoDigits = (value: number): number => Number(value.toFixed(2));

async function measure(stage: Stage): Promise<Record<string, number>> {
  const shape = await shapeOfJoiner(stage);
  const { historyEvents, activities, payloadBytes } = shape;
  console.log(`One joiner: ${historyEvents} events, ${activities} activities of ${payloadBytes} bytes each way.`);
  console.log('Joiners and bare workflows take turns:');
  const { ratios, bareActivityRates } = await measureJoinerCost(stage, shape);
  console.log('Leavers in four blocks, among joiners and bare workflows:');
  const { timesMs, loadRatios } = await measureCutOffs(stage, shape, median(bareActivityRates));
  console.log('Cases that wait for approval:');
  const waitingMib = await measureWaiting(stage);
  console.log('People from a file:');
  const imported = await stage.company.ask<Record<string, number>>('importPeople', [], IMPORT_LIMIT_MS);
  return {
    ...imported,
    waiting_1000_mib: waitingMib,
    cutoff_p50_ms: quantile(timesMs, 0.5),
    cutoff_p99_ms: quantile(timesMs, 0.99),
    cutoff_max_ms: Math.max(...timesMs),
    cutoff_load_ratio: twoDigits(Math.min(...loadRatios)),
    joiner_to_bare_ratio: twoDigits(median(ratios)),
    joiner_history_events: historyEvents,
  };
}

const { values } = parseArgs({ options: { json: { type: 'string' }, keep: { type: 'boolean', default: false } } });
console.log('Everybody justified once, 20,000 people and 500 entitlements:');
const computed = measureJustified();
console.log('100,000 accounts read through a connector and by a bare loop:');
const reading = await measureReading();
const stage = await setStage();
const limit = setTimeout(() => {
  console.error(`The benchmark did not end within ${LIMIT_MS / 60_000} minutes.`);
  // The watchdog of the engine and the children's channels end the rest.
  process.exit(1);
}, LIMIT_MS);
try {
  const figures = { ...(await measure(stage)), ...computed, ...reading };
  console.log(JSON.stringify(figures, null, 2));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (compareFigures(figures).length > 0) process.exitCode = 1;
  if (values.keep) keepFigures(figures);
} finally {
  clearTimeout(limit);
  await stage.stop();
}
