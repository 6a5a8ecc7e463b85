// `npm run chaos -- --events 200 --seed N`: sets up what is missing and runs the long chaos test in test/chaos/.
import { ensureInstalled, goOn, main } from './bootstrap.js';

await main(async () => {
  ensureInstalled();
  const code = await goOn('scripts/stack/set-up.ts');
  return code === 0 ? goOn('test/chaos/main.ts', process.argv.slice(2)) : code;
});
