/** The database of a data folder for the length of one piece of work: the running one, or one that is started for it alone. */
import { join } from 'node:path';
import { databasePasswords, readObject, type DataFolder } from '../data-folder.ts';
import { databaseUrls, type DatabaseUrls } from '../database-roles.ts';
import { PortPicker } from '../ports.ts';
import { preparePostgresHome } from '../postgres-home.ts';
import { startPostgres } from '../postgres.ts';
import { earlierRunIsOver, rememberWatchdog, runningOn, takeDataDir } from '../run-file.ts';
import { PlainError, type Say } from '../step.ts';
import { Supervisor } from '../supervisor.ts';

export const databaseName = 'usher';

export interface OpenDatabase {
  adminUrl: string;
  urls: DatabaseUrls;
}

/** Throws a `PlainError` where a company runs on the folder whose database cannot be told. */
export async function withDatabaseOf<T>(
  folder: DataFolder,
  env: NodeJS.ProcessEnv,
  say: Say,
  work: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const passwords = databasePasswords(folder);
  const open = (adminUrl: string): OpenDatabase => ({
    adminUrl,
    urls: databaseUrls(adminUrl, databaseName, passwords),
  });
  const given = env['DATABASE_URL'];
  if (given !== undefined) return work(open(given));
  if ((await runningOn(folder.dir)) !== null) {
    const { postgres } = readObject(join(folder.dir, 'ports.json'));
    if (typeof postgres !== 'number') throw new PlainError(`${folder.dir}/ports.json does not name PostgreSQL's port.`);
    return work(open(`postgres://postgres:${passwords.superuser}@127.0.0.1:${postgres}/postgres`));
  }
  const { release } = await takeDataDir(folder.dir);
  const supervisor = new Supervisor(say);
  try {
    await earlierRunIsOver(folder.dir);
    if (supervisor.watchdogPid !== undefined) rememberWatchdog(folder.dir, supervisor.watchdogPid);
    const home = preparePostgresHome(folder.dir, say);
    const port = await new PortPicker().any();
    const logFile = join(folder.logs, 'postgres.log');
    const postgres = { home, port, password: passwords.superuser, logFile, isDurable: true };
    return await work(open(await startPostgres(postgres, supervisor.start)));
  } finally {
    await supervisor.stop();
    release();
  }
}
