/** moto from PyPI: a stand-in for AWS that others wrote, with IAM, the identity store and assignments. In memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnv } from '../../../scripts/stack/child-env.ts';
import { PortPicker } from '../../../scripts/stack/ports.ts';
import { size } from '../../../scripts/stack/step.ts';
import { findCommand, installedAt, installPythonPackages, sizeOfFolder } from '../support/installing.ts';
import type { IntegrationServer, RunningServer } from '../support/integration-server.ts';
import { answersOk, startServerProcess } from '../support/server-process.ts';

const version = '5.2.5';
const folder = installedAt(`moto-${version}`);
const script = join(folder, 'bin', 'moto_server');

export const motoServer: IntegrationServer<RunningServer> = {
  name: 'moto',
  title: `moto ${version}`,
  isInstalled: () => existsSync(script) && findCommand('python3') !== null,
  async install() {
    await installPythonPackages(folder, [`moto[server]==${version}`]);
    return `${folder}, ${size(sizeOfFolder(folder))}`;
  },
  start,
};

async function start(): Promise<RunningServer> {
  const port = await new PortPicker().any();
  const url = `http://127.0.0.1:${port}`;
  const running = await startServerProcess('moto', {
    command: 'python3',
    args: [script, '-H', '127.0.0.1', '-p', String(port)],
    env: { ...plainEnv(process.env), PYTHONPATH: folder },
    isReady: () => answersOk(`${url}/moto-api/data.json`),
  });
  return { url, stop: () => running.stop() };
}
