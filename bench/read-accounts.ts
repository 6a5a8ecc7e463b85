/**
 * What it costs to read 100,000 accounts in pages of 100 through a connector, beside a bare axios loop over the same pages;
 * and how much memory the reading process needs. Alone: `node scripts/run.js bench/read-accounts.ts`.
 */
import type { ReadFigures } from './accounts-reader.ts';
import type { AccountsStarted } from './accounts-sandbox.ts';
import { Child } from './child.ts';

const ACCOUNTS = 100_000;
const PAGE_SIZE = 100;
const ROUNDS = 5;
const LIMIT_MS = 300_000;

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

const told = ({ seconds, cpuSeconds, peakRssMib }: ReadFigures): string =>
  `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s of CPU, ${peakRssMib.toFixed(0)} MiB)`;

/**
 * `read_accounts_to_bare_ratio`: the rate through the connector over that of the loop, the median of rounds that take turns;
 * `read_accounts_rss_mib`: the peak of the process that reads through the connector. Throws when an account is missing.
 */
export async function measureReading(): Promise<{
  read_accounts_to_bare_ratio: number;
  read_accounts_rss_mib: number;
  read_accounts_per_s: number;
}> {
  const { child: sandbox } = await Child.start('accounts-sandbox.ts');
  try {
    const started = await sandbox.ask<AccountsStarted>('serve', [ACCOUNTS, PAGE_SIZE], LIMIT_MS);
    const rounds: { loop: ReadFigures; connector: ReadFigures }[] = [];
    while (rounds.length < ROUNDS) {
      const loop = await readOnce(started, 'byBareLoop');
      const connector = await readOnce(started, 'byConnector');
      console.log(`  bare ${told(loop)}, connector ${told(connector)}`);
      rounds.push({ loop, connector });
    }
    const ratios = rounds.map(({ loop, connector }) => loop.seconds / connector.seconds);
    return {
      read_accounts_to_bare_ratio: Number(median(ratios).toFixed(2)),
      read_accounts_rss_mib: Math.round(Math.max(...rounds.map(({ connector }) => connector.peakRssMib))),
      read_accounts_per_s: Math.round(ACCOUNTS / median(rounds.map(({ connector }) => connector.seconds))),
    };
  } finally {
    await sandbox.stop();
  }
}

/** In a process of its own, as it starts: nothing is compiled, and nothing is left over from a reading before. */
async function readOnce(system: AccountsStarted, how: 'byConnector' | 'byBareLoop'): Promise<ReadFigures> {
  const { child } = await Child.start('accounts-reader.ts');
  try {
    const figures = await child.ask<ReadFigures>(how, [{ ...system, pageSize: PAGE_SIZE }], LIMIT_MS);
    if (figures.accounts !== ACCOUNTS) throw new Error(`${how} read ${figures.accounts} accounts`);
    return figures;
  } finally {
    await child.stop();
  }
}

if (import.meta.main) {
  const { compareFigures } = await import('./compare.ts');
  const figures = await measureReading();
  console.log(JSON.stringify(figures));
  if (compareFigures(figures, true).length > 0) process.exitCode = 1;
}
