/** Brings a database to the newest schema. Runs under the owner role, never under a running role. */
import { Migrator, type Migration, type MigrationResultSet } from 'kysely/migration';
import { openDb } from './db.ts';
import * as initial from './migrations/0001-initial.ts';
import * as operations from './migrations/0007-operations.ts';

const migrations: Record<string, Migration> = { '0001-initial': initial, '0007-operations': operations };

/** Names in their order: what a database of this version has applied. */
export const migrationNames: readonly string[] = Object.keys(migrations).toSorted();

/** Applies what is missing; safe to run at every start and from two processes (the migrator locks). Throws on failure. */
export async function migrateToLatest(ownerUrl: string): Promise<string[]> {
  return migrate(ownerUrl, (migrator) => migrator.migrateToLatest());
}

/** The same up to one migration, for a restore: rows of an older schema go into that schema, and are migrated afterwards. */
export async function migrateUpTo(ownerUrl: string, name: string): Promise<string[]> {
  return migrate(ownerUrl, (migrator) => migrator.migrateTo(name));
}

async function migrate(ownerUrl: string, run: (migrator: Migrator) => Promise<MigrationResultSet>): Promise<string[]> {
  const db = openDb(ownerUrl, 2);
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error, results } = await run(migrator);
    if (error) throw error instanceof Error ? error : new Error('migration failed');
    return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}
