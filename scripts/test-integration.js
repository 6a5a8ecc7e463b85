// `npm run test:integration`: connectors on servers that are not ours. Missing servers are installed only with CI=true or
// --install; else their tests are skipped, loudly. Arguments that are no options are paths of tests.
import { ensureInstalled, goOn, main } from './bootstrap.js';

await main(async () => {
  ensureInstalled();
  const code = await goOn('scripts/stack/set-up.ts');
  return code === 0 ? goOn('test/integration/main.ts', process.argv.slice(2)) : code;
});
