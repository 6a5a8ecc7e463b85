// `node scripts/setup.js`: brings a fresh machine to where every other command works: packages, the project's Node,
// the Temporal command line, the PostgreSQL binaries. Each step prints its size and time; a second run is instant.
import { ensureInstalled, goOn, main } from './bootstrap.js';

await main(async () => {
  ensureInstalled({ isTold: true });
  return goOn('scripts/stack/set-up.ts');
});
