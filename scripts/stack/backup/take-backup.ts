/**
 * `usher backup`: the data folder as one backup, while everything runs. Temporal first, then the database in one snapshot: what
 * Temporal has done since its copy it will do again after a restore, and finds it done, for every step is idempotent. The other
 * way round it would refer to rows that do not exist.
 */
import {
  createWriteStream,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { lockClass } from '../../../src/store/db.ts';
import { beginSnapshot, dumpTables, type Dump } from '../../../src/store/dump-tables.ts';
import { checkout, type DataFolder } from '../data-folder.ts';
import { PlainError, type Say } from '../step.ts';
import { withDatabaseOf } from './database-of.ts';
import { collectKeys, erasedCountOf, publicKeysOf, writeKeysFile, type KeysFile } from './keys-file.ts';
import { describeFiles, manifestName, type Manifest } from './manifest.ts';

export interface BackupOptions {
  folder: DataFolder;
  /** A new folder. */
  target: string;
  /** The file of keys; an older one is replaced. */
  keysFile: string;
  env: NodeJS.ProcessEnv;
  say: Say;
  now?: () => Date;
}

/** Deliveries are marked a moment after Temporal took them. */
const DELIVERY_MARGIN_MS = 60_000;

/** What is made anew at each start, belongs to the running processes, or goes into the file of keys. */
const leftOut: ReadonlySet<string> = new Set([
  'logs',
  'postgres',
  'temporal',
  'run.json',
  'watchdog.pid',
  'database-location.json',
  'login-link',
  'keys',
  'server-keys',
  'secrets',
  'profiles',
  'operator-token',
]);

/** Writes the backup under another name and gives it its own at the end: what carries the name is whole. */
export async function takeBackup(options: BackupOptions): Promise<Manifest> {
  const { folder, target, keysFile, env, say } = options;
  const now = options.now ?? (() => new Date());
  if (existsSync(target)) throw new PlainError(`${target} exists already. A backup gets a new folder.`);
  if (!existsSync(join(folder.dir, 'keys', 'public')))
    throw new PlainError(`${folder.dir} is not the data folder of an installation. Set USHER_DATA_DIR.`);
  const partial = join(dirname(resolve(target)), `.${basename(target)}.partial`);
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, 'database'), { recursive: true, mode: 0o700 });
  try {
    const temporalCopiedAt = new Date(now().getTime() - DELIVERY_MARGIN_MS).toISOString();
    await copyTemporal(join(folder.temporal, 'temporal.db'), join(partial, 'temporal.db'));
    const { dump, keys } = await withDatabaseOf(folder, env, say, ({ urls }) =>
      copyDatabase(urls.ownerUrl, partial, () => collectKeys(folder.dir, now())),
    );
    copyRest(folder, env, partial);
    const sha256 = writeKeysFile(keysFile, keys);
    const manifest: Manifest = {
      format: 'usher-backup/1',
      takenAt: now().toISOString(),
      temporalCopiedAt,
      database: dump,
      keys: { sha256, publicKeys: publicKeysOf(keys), erasedCount: erasedCountOf(keys) },
      files: await describeFiles(partial),
    };
    writeFileSync(join(partial, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    renameSync(partial, target);
    return manifest;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

/** A consistent copy of the file while Temporal writes to it. An installation whose Temporal lies elsewhere has none. */
async function copyTemporal(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  const database = new DatabaseSync(from, {
    readOnly: true,
    timeout: 10_000,
    // Temporal's own schema is written so.
    enableDoubleQuotedStringLiterals: true,
  });
  try {
    // All pages in one step: under one read lock, and not begun anew with each write.
    await backup(database, to, { rate: 2_147_483_647 });
  } finally {
    database.close();
  }
}

/**
 * The snapshot of the database and the keys of the same moment: while checkpoints are kept from being signed, the file of
 * checkpoints cannot run ahead of the rows. Keys of persons are read after the snapshot has begun: none of its persons lacks one.
 */
async function copyDatabase(
  ownerUrl: string,
  partial: string,
  collect: () => KeysFile,
): Promise<{ dump: Dump; keys: KeysFile }> {
  const [reader, locker] = [
    new pg.Client({ connectionString: ownerUrl }),
    new pg.Client({ connectionString: ownerUrl }),
  ];
  await Promise.all([reader.connect(), locker.connect()]);
  try {
    await locker.query('begin');
    await locker.query('select pg_advisory_xact_lock($1, hashtext($2))', [lockClass.evidence, 'checkpoint']);
    await beginSnapshot(reader);
    const keys = collect();
    await locker.query('commit');
    const files = new TableFiles(join(partial, 'database'));
    const dump = await dumpTables(reader, (table, lines) => files.write(table, lines));
    await files.end();
    await reader.query('commit');
    return { dump, keys };
  } finally {
    await Promise.all([reader.end(), locker.end()]);
  }
}

/** One compressed file per table; the tables come one after the other. */
class TableFiles {
  readonly #dir: string;
  #open: { table: string; gzip: ReturnType<typeof createGzip>; done: Promise<void> } | null = null;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async write(table: string, lines: readonly string[]): Promise<void> {
    if (this.#open?.table !== table) {
      await this.end();
      const gzip = createGzip();
      const file = createWriteStream(join(this.#dir, `${table}.jsonl.gz`), { mode: 0o600 });
      const done = new Promise<void>((fulfil, reject) => file.on('finish', fulfil).on('error', reject));
      gzip.pipe(file);
      this.#open = { table, gzip, done };
    }
    const { gzip } = this.#open;
    const text = lines.map((line) => `${line}\n`).join('');
    if (!gzip.write(text)) await new Promise((fulfil) => gzip.once('drain', fulfil));
  }

  async end(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    open?.gzip.end();
    await open?.done;
  }
}

/** The policy folder, the archive, and what else the installation keeps in its data folder. */
function copyRest(folder: DataFolder, env: NodeJS.ProcessEnv, partial: string): void {
  const policyDir = resolve(checkout, env['USHER_POLICY_DIR'] ?? join('sandbox', 'policies'));
  if (existsSync(policyDir)) cpSync(policyDir, join(partial, 'policy'), { recursive: true });
  mkdirSync(join(partial, 'data'), { recursive: true });
  for (const entry of readdirSync(folder.dir, { withFileTypes: true })) {
    const { name } = entry;
    if (leftOut.has(name) || name.endsWith('.new') || !(entry.isFile() || entry.isDirectory())) continue;
    cpSync(join(folder.dir, name), join(partial, 'data', name), { recursive: true });
  }
}
