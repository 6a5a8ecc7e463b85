/**
 * `usher restore`: a backup and a file of keys become a new data folder. Everything is verified before anything is written, and
 * a restore that fails leaves nothing behind.
 */
import { createReadStream, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { signRestoredGap } from '../../../src/evidence/restored.ts';
import { openDb } from '../../../src/store/db.ts';
import { DumpError, loadTables } from '../../../src/store/dump-tables.ts';
import { migrateUpTo, migrationNames } from '../../../src/store/migrate.ts';
import { requeueDeliveries } from '../../../src/store/requeue-deliveries.ts';
import { openSigner } from '../../../src/store/signing-key.ts';
import { databasePasswords, prepareDataFolder, readObject, writePrivate, type DataFolder } from '../data-folder.ts';
import { ensureDatabase, ensureRoles, withClient } from '../database-roles.ts';
import { preparePostgresHome } from '../postgres-home.ts';
import { PlainError, type Say } from '../step.ts';
import { databaseName, withDatabaseOf } from './database-of.ts';
import { erasedCountOf, publicKeysOf, readKeysFile, unpackKeys, type KeysFile } from './keys-file.ts';
import { readVerified, type Manifest } from './manifest.ts';

export interface RestoreOptions {
  /** The backup. */
  source: string;
  keysFile: string;
  /** Of the new data folder: missing or empty. */
  dataDir: string;
  /** Why an older state is restored under newer keys: signs the gap in the evidence at once. Must name no person. */
  reason: string | null;
  env: NodeJS.ProcessEnv;
  say: Say;
}

export interface RestoreOutcome {
  manifest: Manifest;
  /** Rows that are delivered to Temporal once more. */
  requeued: number;
  /** Whether newer keys left a gap in the evidence, and whether it was signed. */
  gap: 'none' | 'unsigned' | 'signed';
}

/** Throws a `PlainError` where the backup is damaged, the keys are not its own or too old, or the folder is not empty. */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreOutcome> {
  const { source, keysFile, dataDir, env } = options;
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new PlainError(`${dataDir} is not empty. Restore into a new folder: USHER_DATA_DIR=FOLDER usher restore …`);
  if (env['DATABASE_URL'] !== undefined)
    throw new PlainError(
      'DATABASE_URL is set: a database of your own is restored with its own tools (see docs/operate.md).',
    );
  const manifest = await readVerified(source);
  assertKnownSchema(manifest);
  const { keys, sha256 } = readKeysFile(keysFile);
  assertKeysFit(keys, sha256, manifest, keysFile);
  const wasThere = existsSync(dataDir);
  try {
    const isKeysNewer = sha256 !== manifest.keys.sha256;
    return { manifest, ...(await writeFolder(options, manifest, { keys, isKeysNewer })) };
  } catch (error) {
    const { homeDir } = readObject(join(dataDir, 'database-location.json'));
    if (typeof homeDir === 'string') rmSync(homeDir, { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
    if (wasThere) mkdirSync(dataDir);
    if (error instanceof DumpError) throw new PlainError(`The database was not restored: ${error.message}.`);
    throw error;
  }
}

function assertKnownSchema({ database }: Manifest): void {
  const unknown = database.migrations.find((name) => !migrationNames.includes(name));
  if (unknown !== undefined)
    throw new PlainError(
      `The backup has the schema "${unknown}", which this version of Usher does not know. Use a newer one.`,
    );
}

/** Keys may be newer than the backup, never older, and never of another installation. */
function assertKeysFit(keys: KeysFile, sha256: string, { keys: own, takenAt }: Manifest, file: string): void {
  if (sha256 === own.sha256) return;
  const present = publicKeysOf(keys);
  if (!own.publicKeys.every((name) => present.includes(name)))
    throw new PlainError(`${file} holds the keys of another installation. Nothing was restored.`);
  if (keys.takenAt < takenAt || erasedCountOf(keys) < own.erasedCount)
    throw new PlainError(
      `${file} is older than the backup: whoever was erased since would be readable again. Nothing was restored.`,
    );
}

async function writeFolder(
  { source, dataDir, env, say, reason }: RestoreOptions,
  manifest: Manifest,
  { keys, isKeysNewer }: { keys: KeysFile; isKeysNewer: boolean },
): Promise<Omit<RestoreOutcome, 'manifest'>> {
  const folder = prepareDataFolder(dataDir);
  const home = preparePostgresHome(folder.dir, say);
  if (existsSync(home.dataDir)) throw new PlainError(`${home.dataDir} holds a database already. Remove it first.`);
  writePrivate(join(folder.dir, 'database-location.json'), { homeDir: home.homeDir });
  cpSync(join(source, 'data'), folder.dir, { recursive: true });
  unpackKeys(keys, folder.dir);
  if (existsSync(join(source, 'temporal.db')))
    cpSync(join(source, 'temporal.db'), join(folder.temporal, 'temporal.db'));
  return withDatabaseOf(folder, env, say, async ({ adminUrl, urls }) => {
    await withClient(adminUrl, async (client) => {
      await ensureRoles(client, databasePasswords(folder));
      await ensureDatabase(client, databaseName);
    });
    await migrateUpTo(urls.ownerUrl, manifest.database.migrations.at(-1) ?? '');
    const requeued = await withClient(urls.ownerUrl, async (client) => {
      await loadTables(client, manifest.database, (table) => linesOf(join(source, 'database', `${table}.jsonl.gz`)));
      return requeueDeliveries(client, new Date(manifest.temporalCopiedAt));
    });
    if (!isKeysNewer) return { requeued, gap: 'none' };
    return { requeued, gap: reason === null ? 'unsigned' : await signGap(urls.ownerUrl, folder, reason) };
  });
}

/** The person who restores declares it, as `usher audit restored` does. */
async function signGap(ownerUrl: string, folder: DataFolder, reason: string): Promise<'none' | 'signed'> {
  const db = openDb(ownerUrl, 2);
  try {
    const signer = openSigner(folder.keys, join(folder.dir, 'server-keys'));
    const result = await signRestoredGap({ db, signer, keysDir: folder.keys, now: () => new Date(), reason });
    if (result.outcome === 'refused') throw new PlainError(`The gap was not signed: ${result.finding.message}`);
    return result.outcome === 'signed' ? 'signed' : 'none';
  } finally {
    await db.destroy();
  }
}

async function* linesOf(file: string): AsyncIterable<string> {
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()), crlfDelay: Infinity });
  for await (const line of lines) if (line !== '') yield line;
}
