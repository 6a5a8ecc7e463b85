/**
 * `npm run bench`: how fast a leaver is cut off while the company is busy, and what a joiner costs compared with a bare
 * workflow. All figures are ratios or times of one run on one machine; `-- --json FILE` writes them.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measureCutOffs } from './cut-off-time.ts';
import { measureJoinerCost, shapeOfJoiner } from './joiner-cost.ts';
import { setStage, type Stage } from './stage.ts';

/** Whatever hangs: the benchmark ends, and what it started with it. */
const LIMIT_MS = 8 * 60_000;

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
  return {
    cutoff_p50_ms: quantile(timesMs, 0.5),
    cutoff_p99_ms: quantile(timesMs, 0.99),
    cutoff_max_ms: Math.max(...timesMs),
    cutoff_load_ratio: twoDigits(Math.min(...loadRatios)),
    joiner_to_bare_ratio: twoDigits(median(ratios)),
    joiner_history_events: historyEvents,
  };
}

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const stage = await setStage();
const limit = setTimeout(() => {
  console.error(`The benchmark did not end within ${LIMIT_MS / 60_000} minutes.`);
  // The watchdog of the engine and the children's channels end the rest.
  process.exit(1);
}, LIMIT_MS);
try {
  const figures = await measure(stage);
  console.log(JSON.stringify(figures, null, 2));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  clearTimeout(limit);
  await stage.stop();
}
