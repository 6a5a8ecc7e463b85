/** scimmy-routers from npm: a second dialect of SCIM, with deviations of its own. In memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PortPicker } from '../../../scripts/stack/ports.ts';
import { size } from '../../../scripts/stack/step.ts';
import { installedAt, sizeOfFolder } from '../support/installing.ts';
import type { IntegrationServer } from '../support/integration-server.ts';
import { installNpmPackages } from '../support/npm-packages.ts';
import { startServerProcess } from '../support/server-process.ts';
import { answersWith, type RunningScimServer } from './scim2-server.ts';

const folder = installedAt('scimmy-routers-1.3.2');
const token = 'token-of-the-test';

export const scimmyServer: IntegrationServer<RunningScimServer> = {
  name: 'scimmy',
  title: 'scimmy-routers 1.3.2',
  isInstalled: () => existsSync(join(folder, 'node_modules', 'scimmy-routers')),
  async install() {
    await installNpmPackages(folder, ['express@5.3.0', 'scimmy@1.3.5', 'scimmy-routers@1.3.2']);
    return `${folder}, ${size(sizeOfFolder(folder))}`;
  },
  async start() {
    const port = await new PortPicker().any();
    const url = `http://127.0.0.1:${port}/scim/v2`;
    const running = await startServerProcess('scimmy', {
      command: process.execPath,
      args: [join(import.meta.dirname, 'programs', 'scimmy.ts'), folder, String(port), token],
      isReady: () => answersWith(`${url}/ServiceProviderConfig`, token),
    });
    return { url, token, stop: () => running.stop() };
  },
};
