/** @better-auth/scim from npm: a third dialect of SCIM: no sorting, no bulk, and no user without an address. In memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PortPicker } from '../../../scripts/stack/ports.ts';
import { size } from '../../../scripts/stack/step.ts';
import { installedAt, sizeOfFolder } from '../support/installing.ts';
import type { IntegrationServer } from '../support/integration-server.ts';
import { installNpmPackages } from '../support/npm-packages.ts';
import { startServerProcess } from '../support/server-process.ts';
import { answersWith, type RunningScimServer } from './scim2-server.ts';

const folder = installedAt('better-auth-scim-1.7.5');
const token = 'tok-0123456789-0123456789-0123456789';

export const betterAuthScimServer: IntegrationServer<RunningScimServer> = {
  name: 'better-auth-scim',
  title: '@better-auth/scim 1.7.5',
  isInstalled: () => existsSync(join(folder, 'node_modules', '@better-auth', 'scim')),
  async install() {
    // Its pinned peers do not resolve from an empty folder.
    const packages = ['better-auth@1.7.25', '@better-auth/scim@1.7.5'];
    await installNpmPackages(folder, packages, ['--legacy-peer-deps']);
    return `${folder}, ${size(sizeOfFolder(folder))}`;
  },
  async start() {
    const port = await new PortPicker().any();
    const url = `http://127.0.0.1:${port}/api/auth/scim/v2`;
    const running = await startServerProcess('better-auth-scim', {
      command: process.execPath,
      args: [join(import.meta.dirname, 'programs', 'better-auth-scim.ts'), folder, String(port), token],
      isReady: () => answersWith(`${url}/ServiceProviderConfig`, token),
    });
    return { url, token, stop: () => running.stop() };
  },
};
