#!/usr/bin/env node
// The command `usher`: runs src/cli.ts under the project's Node. It installs nothing and checks nothing but that.
import { existsSync } from 'node:fs';
import { goOn, main, projectNode, SetupError } from './bootstrap.js';

await main(async () => {
  if (!existsSync(projectNode)) throw new SetupError('Usher is not set up yet. Run: node scripts/setup.js');
  return goOn('src/cli.ts', process.argv.slice(2));
});
