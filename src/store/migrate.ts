/** Brings a database to the newest schema. Runs under the owner role, never under a running role. */
import { Migrator, type Migration, type MigrationResultSet } from 'kysely/migration';
import { openDb } from './db.ts';
import * as initial from './migrations/0001-initial.ts';
import * as approvals from './migrations/0002-approvals.ts';
import * as baseline from './migrations/0003-baseline.ts';
import * as policyApproval from './migrations/0004-policy-approval.ts';
import * as archive from './migrations/0005-archive.ts';
import * as notifications from './migrations/0006-notifications.ts';
import * as operations from './migrations/0007-operations.ts';
import * as attributes from './migrations/0008-attributes.ts';
import * as movers from './migrations/0009-movers.ts';
import * as givenAgain from './migrations/0010-given-again.ts';
import * as rateBudget from './migrations/0011-rate-budget.ts';
import * as inventory from './migrations/0012-inventory.ts';
import * as outsideWaits from './migrations/0013-outside-waits.ts';
import * as personReview from './migrations/0014-person-review.ts';

const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-approvals': approvals,
  '0003-baseline': baseline,
  '0004-policy-approval': policyApproval,
  '0005-archive': archive,
  '0006-notifications': notifications,
  '0007-operations': operations,
  '0008-attributes': attributes,
  '0009-movers': movers,
  '0010-given-again': givenAgain,
  '0011-rate-budget': rateBudget,
  '0012-inventory': inventory,
  '0013-outside-waits': outsideWaits,
  '0014-person-review': personReview,
};

/** The migrations that this version knows, oldest first. */
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
