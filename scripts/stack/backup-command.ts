/** The commands `usher backup` and `usher restore`. They work on the data folder itself, not through the server. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { collectKeys, writeKeysFile } from './backup/keys-file.ts';
import { readVerified } from './backup/manifest.ts';
import { restoreBackup } from './backup/restore-backup.ts';
import { takeBackup } from './backup/take-backup.ts';
import { dataDirOf, prepareDataFolder } from './data-folder.ts';
import { PlainError, runMain, secondsSince, size } from './step.ts';

const say = (line: string): void => console.log(line);

/** A mistyped folder must not become an empty installation. */
function assertInstallation(dataDir: string): void {
  if (existsSync(join(dataDir, 'keys', 'public'))) return;
  throw new PlainError(`${dataDir} is not the data folder of an installation. Set USHER_DATA_DIR.`);
}

async function backup(target: string, { keys }: { keys?: string }): Promise<void> {
  assertInstallation(dataDirOf(process.env));
  const startedAtMs = performance.now();
  const keysFile = resolve(keys ?? `${target}.keys`);
  const folder = prepareDataFolder(dataDirOf(process.env));
  const manifest = await takeBackup({ folder, target: resolve(target), keysFile, env: process.env, say });
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const rows = manifest.database.tables.reduce((sum, table) => sum + table.rows, 0);
  say(`data: ${resolve(target)}: ${rows} rows, ${manifest.files.length} files, ${size(bytes)}`);
  say(`keys: ${keysFile}: keep it elsewhere, and only the newest; whoever has both reads everything`);
  say(`done (${secondsSince(startedAtMs)}). Look at it with: usher restore --verify ${target}`);
}

interface RestoreFlags {
  keys?: string;
  verify?: boolean;
  reason?: string;
}

function checkedReason(reason: string): string {
  if (reason.trim() === '' || reason.length > 500) throw new PlainError('--reason: expected 1 to 500 characters');
  return reason;
}

async function restore(source: string, { keys, verify, reason }: RestoreFlags): Promise<void> {
  if (verify === true) {
    const { takenAt, files } = await readVerified(resolve(source));
    return say(`whole: ${files.length} files as the manifest says, taken at ${takenAt}`);
  }
  const dataDir = dataDirOf(process.env);
  const keysFile = resolve(keys ?? `${source}.keys`);
  const outcome = await restoreBackup({
    source: resolve(source),
    keysFile,
    dataDir,
    reason: reason === undefined ? null : checkedReason(reason),
    env: process.env,
    say,
  });
  say(`restored into ${dataDir}: the state of ${outcome.manifest.takenAt}`);
  say(`${outcome.requeued} rows are delivered to Temporal once more, which is harmless`);
  if (outcome.gap === 'signed')
    say('The keys are newer than the data: the gap in the evidence is signed with your reason.');
  if (outcome.gap === 'unsigned')
    say(
      'The keys are newer than the data. Declare it before the start: usher audit restored --reason TEXT (docs/operate.md)',
    );
}

const program = new Command('usher')
  .exitOverride()
  .showHelpAfterError()
  .description('Backup of the embedded default: data folder, database, Temporal');
program
  .command('backup <folder>')
  .description('Write a backup into a new folder, and the keys into a file of their own; everything may run meanwhile')
  .option('--keys <file>', 'the file of keys (default: <folder>.keys); an older one is replaced')
  .action(backup);
program
  .command('backup-keys <file>')
  .description('Write the file of keys alone: of a data folder whose keys survived')
  .action((file: string) => {
    assertInstallation(dataDirOf(process.env));
    writeKeysFile(resolve(file), collectKeys(dataDirOf(process.env), new Date()));
    say(`keys: ${resolve(file)}`);
  });
program
  .command('restore <folder>')
  .description('Make a new data folder (USHER_DATA_DIR) from a backup and its keys')
  .option('--keys <file>', 'the file of keys (default: <folder>.keys)')
  .option('--reason <text>', 'with keys newer than the backup: why; signs the gap in the evidence, names no person')
  .option('--verify', 'only look whether the backup is whole')
  .action(restore);

await runMain(async () => {
  try {
    await program.parseAsync(process.argv);
    return 0;
  } catch (error) {
    // Commander has said it.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
});
