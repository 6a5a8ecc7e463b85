/** How long it takes to take over 20,000 people from a file: reading, checking, signing, sealing, evidence, rows. */
import { importPeople } from '../src/use-cases/import-people.ts';
import type { ServerDeps } from '../src/use-cases/server-deps.ts';
import { peopleCsv, personRows } from '../test/support/import-driver.ts';

/** The report and the real run of one file, in seconds. The people get ids from 1,000,000 on, of no HR system. */
export async function measureImport(deps: ServerDeps, count = 20_000): Promise<{ import_20000_s: number }> {
  const file = Buffer.from(peopleCsv(personRows(count, 1_000_000)));
  const input = { file, mapping: null, source: 'bench', keysOf: 'none', by: 'bench' };
  const startedMs = performance.now();
  const { reportHash } = await importPeople(deps, input);
  const written = await importPeople(deps, { ...input, confirm: reportHash });
  if (written.counts.created !== count)
    throw new Error(`imported ${written.counts.created} people instead of ${count}`);
  return { import_20000_s: Number(((performance.now() - startedMs) / 1000).toFixed(1)) };
}
