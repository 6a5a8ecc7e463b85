/** scim2-server from PyPI: a strict SCIM 2.0 server in memory, with the verdict of scim2-tester beside it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { plainEnv } from '../../../scripts/stack/child-env.ts';
import { PortPicker } from '../../../scripts/stack/ports.ts';
import { size } from '../../../scripts/stack/step.ts';
import { findCommand, installedAt, installPythonPackages, sizeOfFolder } from '../support/installing.ts';
import type { IntegrationServer, RunningServer } from '../support/integration-server.ts';
import { startServerProcess } from '../support/server-process.ts';

export interface RunningScimServer extends RunningServer {
  token: string;
}

const packages = ['scim2-server==0.8.3', 'scim2-tester==0.5.2', 'scim2-cli==0.6.0'];
const folder = installedAt('scim2-server-0.8.3-tester-0.5.2');
const script = join(folder, 'bin', 'scim2-server');
const token = 'token-of-the-test';
const pythonEnv = (): NodeJS.ProcessEnv => ({ ...plainEnv(process.env), PYTHONPATH: folder });

export const scim2Server: IntegrationServer<RunningScimServer> = {
  name: 'scim2-server',
  title: 'scim2-server 0.8.3',
  isInstalled: () => existsSync(script) && findCommand('python3') !== null,
  async install() {
    await installPythonPackages(folder, packages);
    return `${folder}, ${size(sizeOfFolder(folder))}`;
  },
  start,
};

async function start(): Promise<RunningScimServer> {
  const port = await new PortPicker().any();
  const url = `http://127.0.0.1:${port}/v2`;
  const running = await startServerProcess('scim2-server', {
    command: 'python3',
    args: [script, '--hostname', '127.0.0.1', '--port', String(port), '--bearer-token', token],
    env: pythonEnv(),
    isReady: () => answersWith(`${url}/ServiceProviderConfig`, token),
  });
  return { url, token, stop: () => running.stop() };
}

/** Whether a GET with the token is answered with 2xx now. */
export async function answersWith(url: string, bearer: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${bearer}` };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return response.ok;
}

/** The findings of scim2-tester about a server, in its order: `SUCCESS object_creation …`, `ERROR …`. */
export async function testerVerdict(url: string, bearer: string): Promise<string[]> {
  const env = { ...pythonEnv(), SCIM_CLI_HEADERS: `Authorization: Bearer ${bearer}`, NO_COLOR: '1' };
  const command = ['-c', 'import sys; from scim2_cli import cli; sys.exit(cli())', '--url', url, 'test'];
  // It ends with 1 where it found an error: the lines tell more.
  const { stdout } = await promisify(execFile)('python3', command, { env, maxBuffer: 16 * 1024 * 1024 }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  return stdout.split(/\n(?=[A-Z]{4,})/).map((finding) => finding.replace(/\s+/g, ' ').trim());
}
