/**
 * How servers get onto this machine: system packages by apt-get as root, Python packages into the cache
 * folder that the Temporal command line lies in. Nothing is installed into the checkout or into the system's Python.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { PlainError } from '../../../scripts/stack/step.ts';
import { cacheDir } from '../../../temporal/cli.ts';

/** Folder of one installed thing; its name holds the version, so that another version never finds the old one. */
export const installedAt = (nameAndVersion: string): string => join(cacheDir(), 'integration-servers', nameAndVersion);

/** The file of a command on the PATH (or at one of the extra folders), or null. */
export function findCommand(name: string, extraFolders: string[] = ['/usr/sbin', '/usr/local/sbin']): string | null {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), ...extraFolders]) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

const tailLines = 12;

/** Runs a command to its end and resolves to what it printed. Throws a `PlainError` with its last lines when it fails. */
export async function runTool(
  command: string,
  args: string[],
  { env = {}, cwd }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const printed: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk));
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', (error) => reject(new PlainError(`${command} could not be started: ${error.message}`)));
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal));
  });
  const text = Buffer.concat(printed).toString('utf8');
  if (code === 0) return text;
  const tail = text.trimEnd().split('\n').slice(-tailLines).join('\n');
  throw new PlainError(`${command} ${args.slice(0, 3).join(' ')} … ended with ${String(code)}:\n${tail}`);
}

/** Installs system packages. Where this is not root, or not a Debian, it says what to install. */
export async function installSystemPackages(packages: string[]): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || findCommand('apt-get') === null)
    throw new PlainError(`Install these system packages, as root (names of Debian): ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  try {
    await runTool('apt-get', install, { env });
  } catch {
    // The lists of packages may be old or missing.
    await runTool('apt-get', ['update'], { env });
    await runTool('apt-get', install, { env });
  }
}

/**
 * Installs Python packages (`name==version`) into a folder of their own. Run them with `python3` and that folder as
 * PYTHONPATH; their commands lie in its `bin`.
 */
export async function installPythonPackages(folder: string, packages: string[]): Promise<void> {
  await makeWhole(folder, async (draft) => {
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '--no-input', '--target', draft];
    await runTool('python3', [...pip, ...packages]);
  });
}

/** Fills a new folder and puts it in its place whole or not at all. */
export async function makeWhole(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}.new-`);
  try {
    await fill(draft);
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Bytes of all files below a folder. */
export function sizeOfFolder(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Whether a command runs and ends with 0. */
export function works(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}
