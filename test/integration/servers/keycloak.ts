/** Keycloak from Maven Central: real logins, sessions and tokens. In memory, so that every start is a new one. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnv } from '../../../scripts/stack/child-env.ts';
import { PortPicker } from '../../../scripts/stack/ports.ts';
import { PlainError, type Say, size } from '../../../scripts/stack/step.ts';
import {
  findCommand,
  installedAt,
  installSystemPackages,
  makeWhole,
  runTool,
  sizeOfFolder,
  works,
} from '../support/installing.ts';
import type { IntegrationServer, RunningServer } from '../support/integration-server.ts';
import { answersOk, startServerProcess } from '../support/server-process.ts';

export interface RunningKeycloak extends RunningServer {
  admin: { username: string; password: string };
}

const version = '26.7.3';
const artifact = `keycloak-quarkus-dist-${version}`;
const folder = installedAt(`keycloak-${version}`);
const kc = join(folder, `keycloak-${version}`, 'bin', 'kc.sh');
const admin = { username: 'admin', password: 'admin-of-the-test' };
/** Health is asked for: 26.7 opens its port before its bootstrap is done. */
const buildOptions = ['--db=dev-mem', '--health-enabled=true'];
const java = (): string | null => findCommand('java');

export const keycloakServer: IntegrationServer<RunningKeycloak> = {
  name: 'keycloak',
  title: `Keycloak ${version}`,
  isInstalled: () => existsSync(kc) && java() !== null,
  install,
  start,
  startTimeoutMs: 400_000,
};

async function install(say: Say): Promise<string> {
  if (java() === null) {
    say('Keycloak: installing Java …');
    await installSystemPackages(['default-jre-headless']);
  }
  if (!existsSync(kc)) {
    say('Keycloak: downloading 176 MB and building it, about a minute …');
    await makeWhole(folder, async (draft) => {
      const archive = await fetchArchive(draft);
      await runTool('tar', ['-xzf', archive, '-C', draft]);
      rmSync(archive);
      await runTool(join(draft, `keycloak-${version}`, 'bin', 'kc.sh'), ['build', ...buildOptions], {
        env: plainEnv(process.env),
      });
    });
  }
  return `${folder}, ${size(sizeOfFolder(folder))}`;
}

/** By Maven, for it knows mirrors and proxies. */
async function fetchArchive(draft: string): Promise<string> {
  const file = join(draft, `${artifact}.tar.gz`);
  if (!works('mvn', '-v')) await installSystemPackages(['maven']);
  const coordinates = `org.keycloak:keycloak-quarkus-dist:${version}:tar.gz`;
  const goal = ['dependency:copy', `-Dartifact=${coordinates}`, `-DoutputDirectory=${draft}`];
  await runTool('mvn', ['-q', '-B', '-Dstyle.color=never', ...goal]);
  if (!existsSync(file)) throw new PlainError(`Keycloak could not be fetched: Maven left no ${artifact}.tar.gz.`);
  const digest = await sha256Of(file);
  if (digest !== archiveSha256)
    throw new PlainError(`${artifact}.tar.gz is not the expected file: sha256 ${digest}, expected ${archiveSha256}`);
  return file;
}

const archiveSha256 = '77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47';

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function start(): Promise<RunningKeycloak> {
  const ports = new PortPicker();
  const [port, managementPort] = [await ports.any(), await ports.any()];
  const health = `http://127.0.0.1:${managementPort}/health/ready`;
  const running = await startServerProcess('keycloak', {
    command: kc,
    args: [
      'start',
      '--optimized',
      '--http-enabled=true',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${managementPort}`,
      '--hostname-strict=false',
      // Otherwise it listens for cluster peers on every address.
      '--cache=local',
    ],
    env: {
      ...plainEnv(process.env),
      KC_BOOTSTRAP_ADMIN_USERNAME: admin.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
      JAVA_OPTS_KC_HEAP: '-Xms128m -Xmx512m',
      // It lives for minutes: no time goes into code that would be fast after hours.
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
    },
    // Every unready answer is a line in its log, so that it is not asked as often as others.
    isReady: async () => (await answersOk(health)) || (await pause(1_000)),
    readyTimeoutMs: 360_000,
  });
  return { url: `http://127.0.0.1:${port}`, admin, stop: () => running.stop() };
}

const pause = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));
