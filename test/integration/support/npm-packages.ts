/** npm packages that only a server of the tests needs: in a folder of the cache, never in the checkout. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWhole, runTool } from './installing.ts';

/** Installs packages (`name@version`) into a folder of their own; `start` programs there with `importFrom`. */
export async function installNpmPackages(folder: string, packages: string[], options: string[] = []): Promise<void> {
  await makeWhole(folder, async (draft) => {
    writeFileSync(join(draft, 'package.json'), '{ "private": true, "type": "module" }\n');
    const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent', ...options];
    await runTool('npm', [...install, ...packages], { cwd: draft });
  });
}
