/** Writes docs/stable-names.md from the code: `node scripts/run.js scripts/write-stable-names.ts`. Refuses to drop a name. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { lostNames, parseStableNames, renderStableNames, stableNames } from './stable-names.ts';

const page = new URL('../docs/stable-names.md', import.meta.url);
const now = stableNames();
const lost = existsSync(page) ? lostNames(parseStableNames(readFileSync(page, 'utf8')), now) : [];
if (lost.length > 0) {
  process.stderr.write(`These names are promised and not in the code any more:\n  ${lost.join('\n  ')}\n`);
  process.exitCode = 1;
} else {
  writeFileSync(page, renderStableNames(now));
}
