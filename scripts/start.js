// `npm start`: sets up what is missing, then runs the whole company on this machine until Ctrl-C.
import { ensureInstalled, goOn, main } from './bootstrap.js';

await main(async () => {
  ensureInstalled();
  return goOn('scripts/stack/start.ts', process.argv.slice(2), { watched: true });
});
