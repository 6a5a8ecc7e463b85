/** Opens the database. One pool per process; every repository takes a {@link Db} or a transaction of it. */
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;

/** Opens a pool; connections are made lazily. `maxConnections` counts per process. */
export function openDb(url: string, maxConnections = 20): Db {
  const pool = new pg.Pool({ connectionString: url, max: maxConnections });
  // A connection that dies while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Classes of advisory locks: the first key, so that two uses can never meet by hash. */
export const lockClass = {
  sourceKey: 1,
  evidence: 2,
  delivery: 3,
  cap: 4,
  personOnSystem: 5,
  incident: 6,
} as const;

/** Takes an advisory lock until the end of the transaction. Blocks until it is free. */
export async function lockInTx(tx: Tx, lock: keyof typeof lockClass, key = ''): Promise<void> {
  await sql`select pg_advisory_xact_lock(${lockClass[lock]}, hashtext(${key}))`.execute(tx);
}

/** Takes an advisory lock until the end of the transaction if it is free. */
export async function tryLockInTx(tx: Tx, lock: keyof typeof lockClass, key = ''): Promise<boolean> {
  const result = await sql<{
    ok: boolean;
  }>`select pg_try_advisory_xact_lock(${lockClass[lock]}, hashtext(${key})) as ok`.execute(tx);
  return result.rows[0]?.ok ?? false;
}
