// `node scripts/run.js FILE [args…]`: runs one TypeScript file of this checkout under the project's Node.
import { ensureInstalled, goOn, main, SetupError } from './bootstrap.js';

await main(async () => {
  const [file, ...args] = process.argv.slice(2);
  if (!file) throw new SetupError('usage: node scripts/run.js FILE [args…]   (FILE as seen from the checkout)');
  ensureInstalled();
  return goOn(file, args);
});
