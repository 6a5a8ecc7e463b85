// The part of every command that must run on whatever Node (>= 20) is there: it checks Node and npm, installs the
// packages of the lockfile when they are missing or differ from it, and goes on under the Node that comes with them.
// Plain JavaScript without dependencies: nothing is installed yet when it runs.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isWindows = process.platform === 'win32';
/** The Node of the project, installed as the devDependency `node`. */
export const projectNode = join(root, 'node_modules', 'node', 'bin', isWindows ? 'node.exe' : 'node');
const minimumNode = [20, 0];

/** An error whose message is the whole story: the command prints it without a stack trace. */
export class SetupError extends Error {}

/** Runs a command's main function; a `SetupError` becomes a plain sentence and exit code 1. */
export async function main(run) {
  try {
    process.exitCode = (await run()) ?? 0;
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}

const digestOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/**
 * Whether the packages on disk are those of the lockfile. The stamp of the last installation answers at once; without
 * one the list that npm keeps is compared, never file times: a fresh checkout makes every file new.
 */
export function isInstalled(folder = root) {
  const lockfile = join(folder, 'package-lock.json');
  const hidden = join(folder, 'node_modules', '.package-lock.json');
  const stamp = join(folder, 'node_modules', '.usher-lockfile-sha256');
  if (!existsSync(hidden)) return false;
  const digest = digestOf(lockfile);
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === digest;
  const wanted = readJson(lockfile).packages;
  const have = readJson(hidden).packages;
  const isSame = Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || have[path]?.version === entry.version,
  );
  if (isSame) writeFileSync(stamp, digest);
  return isSame;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minimumNode[0] || (major === minimumNode[0] && minor < minimumNode[1]))
    throw new SetupError(
      `Node ${process.versions.node} is too old: Usher's commands need Node ${minimumNode.join('.')} or newer to begin with (they bring their own for the rest).`,
    );
}

function checkNpm() {
  const npm = spawnSync('npm', ['--version'], { cwd: root, encoding: 'utf8', shell: isWindows });
  if (npm.status !== 0)
    throw new SetupError('npm was not found. It comes with Node: install Node with npm, then try again.');
  return npm.stdout.trim();
}

function installPackages() {
  const startedAt = performance.now();
  console.log('packages: by the lockfile (about 650 MB on disk, one to three minutes) …');
  // Not `npm ci`: it refuses a lockfile that lacks a build for another platform, which a mirror need not have. The versions
  // are those of the lockfile all the same, and nothing is written back.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: isWindows });
  if (npm.status !== 0)
    throw new SetupError(
      'npm install failed (its own message stands above). Behind a proxy or a mirror, set npm\'s "registry" and "proxy", then run the command again: it goes on where it stopped.',
    );
  writeFileSync(join(root, 'node_modules', '.usher-lockfile-sha256'), digestOf(join(root, 'package-lock.json')));
  console.log(`packages: installed in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

function hasProjectNode() {
  try {
    accessSync(projectNode, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** npm can be told to skip install scripts; the package `node` fetches its binary in one. */
function fetchProjectNode() {
  if (hasProjectNode()) return;
  console.log('node: its install script did not run; running it now …');
  spawnSync(process.execPath, ['installArchSpecificPackage.js'], {
    cwd: join(root, 'node_modules', 'node'),
    stdio: 'inherit',
  });
  if (!hasProjectNode())
    throw new SetupError(
      `The project's Node is missing at ${projectNode}. Allow the install script of the package "node" (npm config "ignore-scripts" must be false) and run: npm rebuild node`,
    );
}

/** Makes the packages and the project's Node present. Says what it did only where it did something, unless `isTold`. */
export function ensureInstalled({ isTold = false } = {}) {
  checkNode();
  const isPresent = isInstalled();
  if (isTold || !isPresent) {
    const npmVersion = checkNpm();
    if (isTold) console.log(`node ${process.versions.node}, npm ${npmVersion}: fine to begin with`);
  }
  if (!isPresent) installPackages();
  else if (isTold) console.log('packages: as in the lockfile');
  fetchProjectNode();
}

/**
 * Runs `file` (from the checkout) under the project's Node and resolves to its exit code. Signals are passed on, and the
 * child sees an IPC channel close when this process dies in a way that it cannot pass on (`watched`).
 */
export function goOn(file, args = [], { nodeArgs = [], env = {}, watched = false } = {}) {
  const child = spawn(projectNode, [...nodeArgs, join(root, file), ...args], {
    stdio: watched ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
    env: { ...process.env, ...env },
  });
  // A terminal sends its signals to the child as well; a service manager only to this process.
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const handler = () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    process.on(signal, handler);
    return [signal, handler];
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}
