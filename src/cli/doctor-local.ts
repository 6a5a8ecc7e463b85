/**
 * What `usher doctor` sees from here: the runtime, the data folder, what listens on which port, the server and its clock.
 * It works when everything is down, which is when it is needed. Nothing is changed.
 */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { clockFinding } from '../domain/clock-finding.ts';
import type { DoctorArea, DoctorFinding } from '../schemas/api-doctor.ts';
import { dataDirOf, keysDirOf } from './credentials.ts';

const NODE_MAJOR_MIN = 24;
const CONNECT_TIMEOUT_MS = 1_500;
const HEALTH_TIMEOUT_MS = 3_000;

const good = (area: DoctorArea, text: string): DoctorFinding => ({ area, level: 'ok', text, fix: null });
const bad = (area: DoctorArea, text: string, fix: string): DoctorFinding => ({ area, level: 'error', text, fix });

export function diagnoseRuntime(version = process.versions.node): DoctorFinding {
  const major = Number(version.split('.')[0]);
  return major >= NODE_MAJOR_MIN
    ? good('runtime', `Node ${version}.`)
    : bad(
        'runtime',
        `Node ${version} is too old.`,
        `Run usher through npx, which takes the project's Node ${NODE_MAJOR_MIN}.`,
      );
}

/** Whoever is not the owner must not enter the folders of keys and secrets. */
export function diagnoseFolder(env: NodeJS.ProcessEnv): DoctorFinding[] {
  const dir = dataDirOf(env);
  if (!isFolder(dir)) {
    const text = `There is no data folder ${dir}.`;
    const fix = 'npm start makes it; on a machine that is only a client it is not needed.';
    return [{ area: 'folder', level: 'warning', text, fix }];
  }
  const secret = [
    ...new Set([keysDirOf(env), ...['secrets', 'server-keys', 'profiles'].map((name) => join(dir, name))]),
  ];
  const open = secret.filter((path) => isFolder(path) && (statSync(path).mode & 0o077) !== 0);
  const findings = open.map((path) => bad('folder', `Others than its owner may enter ${path}.`, `chmod 700 ${path}`));
  if (!isWritable(dir))
    findings.push(bad('folder', `${dir} cannot be written by this user.`, 'Run as the user that owns it.'));
  return findings.length > 0 ? findings : [good('folder', `${dir}: only its owner may enter keys and secrets.`)];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Ports of the last start, as the starter left them in the data folder. */
const Ports = z.object({ http: z.int(), postgres: z.int(), temporal: z.int() }).partial();

interface Listener {
  area: DoctorArea;
  what: string;
  host: string;
  port: number;
}

/** Where the parts of this installation should listen: by the environment, else by the ports of the last start. */
export function expectedListeners(env: NodeJS.ProcessEnv): Listener[] {
  const ports = readPorts(join(dataDirOf(env), 'ports.json'));
  const [temporalHost, temporalPort] = (env['USHER_TEMPORAL_ADDRESS'] ?? '').split(':');
  const database = URL.parse(env['USHER_DATABASE_URL'] ?? '');
  const local = '127.0.0.1';
  const listeners: (Listener | null)[] = [
    database
      ? { area: 'database', what: 'PostgreSQL', host: database.hostname, port: Number(database.port || 5432) }
      : ports.postgres === undefined
        ? null
        : { area: 'database', what: 'PostgreSQL', host: local, port: ports.postgres },
    temporalHost && temporalPort
      ? { area: 'temporal', what: 'Temporal', host: temporalHost, port: Number(temporalPort) }
      : ports.temporal === undefined
        ? null
        : { area: 'temporal', what: 'Temporal', host: local, port: ports.temporal },
  ];
  return listeners.filter((listener) => listener !== null);
}

function readPorts(file: string): z.infer<typeof Ports> {
  try {
    return Ports.catch({}).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}

export async function diagnosePorts(env: NodeJS.ProcessEnv): Promise<DoctorFinding[]> {
  return Promise.all(
    expectedListeners(env).map(async ({ area, what, host, port }) =>
      (await listens(host, port))
        ? good('ports', `${what} listens on ${host}:${port}.`)
        : bad(
            area,
            `${what} does not listen on ${host}:${port}.`,
            'npm start starts everything; the folder logs says why it ended.',
          ),
    ),
  );
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** Whether the server lives, and how its clock differs from ours. `isUp` false: nothing more can be asked. */
export async function diagnoseServer(url: string): Promise<{ isUp: boolean; findings: DoctorFinding[] }> {
  const beforeMs = Date.now();
  let response: Response;
  try {
    response = await fetch(`${url}/healthz`, { redirect: 'error', signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  } catch {
    const finding = bad(
      'server',
      `No answer from ${url}.`,
      'npm start starts it; logs/server.log in the data folder says why it ended.',
    );
    return { isUp: false, findings: [finding] };
  }
  const middleMs = (beforeMs + Date.now()) / 2;
  if (!response.ok) {
    const finding = bad(
      'server',
      `${url} answers ${response.status}: is that Usher?`,
      'Correct --server, or the address in the profile.',
    );
    return { isUp: false, findings: [finding] };
  }
  const findings = [good('server', `The server answers at ${url}.`)];
  // The header has whole seconds.
  const theirsMs = Date.parse(response.headers.get('date') ?? '') + 500;
  if (!Number.isNaN(theirsMs)) findings.push(clockFinding('the server', theirsMs - middleMs));
  return { isUp: true, findings };
}
