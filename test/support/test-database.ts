/** A fresh, migrated database for each test file that wants one, copied from a template in some tens of milliseconds. */
import { randomUUID } from 'node:crypto';
import {
  databaseUrls,
  ensureDatabase,
  ensureRoles,
  withClient,
  type DatabaseUrls,
} from '../../scripts/stack/database-roles.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';

export interface TestDatabase extends DatabaseUrls {
  name: string;
  /** Drops it, ending whatever is still connected. */
  drop(): Promise<void>;
}

const template = 'usher_template';
/** The server is thrown away with the tests and listens on the loopback only. */
export const testDatabasePasswords = { owner: 'test-owner', server: 'test-server', worker: 'test-worker' };
/** Two copies of one template at the same time fail; whoever copies holds this advisory lock. */
const copyLock = 7_345_001;

/** Creates the roles and the migrated template. Called once, by the global set-up. */
export async function prepareTemplate(adminUrl: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await ensureRoles(client, testDatabasePasswords);
    await ensureDatabase(client, template);
  });
  await migrateToLatest(databaseUrls(adminUrl, template, testDatabasePasswords).ownerUrl);
}

function adminUrlFromSetup(): string {
  const url = process.env['TEST_DATABASE_ADMIN_URL'];
  if (url === undefined) throw new Error('no test database: this test belongs to the jest project "engine"');
  return url;
}

/** Makes a database from the template and gives the URLs of its three roles. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = adminUrlFromSetup();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await withClient(adminUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [copyLock]);
    await ensureDatabase(client, name, template);
  });
  const drop = (): Promise<void> =>
    withClient(adminUrl, async (client) => {
      await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
    });
  return { name, ...databaseUrls(adminUrl, name, testDatabasePasswords), drop };
}
