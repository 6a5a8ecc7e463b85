#!/usr/bin/env node
// The command `usher`: runs src/cli.ts under the project's Node. It installs nothing and checks nothing but that.
import { existsSync } from 'node:fs';
import { goOn, main, projectNode, SetupError } from './bootstrap.js';

await main(async () => {
  if (!existsSync(projectNode)) throw new SetupError('Usher is not set up yet. Run: node scripts/setup.js');
  const args = process.argv.slice(2);
  // These work on the data folder itself, which the command line of the API knows nothing of.
  const isLocal = ['backup', 'backup-keys', 'restore'].includes(args[0] ?? '');
  return goOn(isLocal ? 'scripts/stack/backup-command.ts' : 'src/cli.ts', args);
});
