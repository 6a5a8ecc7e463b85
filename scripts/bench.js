// `npm run bench`: sets up what is missing and runs the benchmarks in bench/.
import { ensureInstalled, goOn, main } from './bootstrap.js';

await main(async () => {
  ensureInstalled();
  const code = await goOn('scripts/stack/set-up.ts');
  return code === 0 ? goOn('bench/main.ts', process.argv.slice(2)) : code;
});
