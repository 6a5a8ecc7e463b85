// `npm run demo`: the whole company on a throw-away data folder, one scripted run through it, and everything stopped.
import { ensureInstalled, goOn, main } from './bootstrap.js';

await main(async () => {
  ensureInstalled();
  return goOn('scripts/stack/demo.ts', process.argv.slice(2), { watched: true });
});
