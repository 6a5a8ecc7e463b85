/** Opens the database. One pool per process; every repository takes a {@link Db} or a transaction of it. */
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;

/** Whoever waits for a lock, or holds one while it works, sits on one of these and on none of the others. */
const LOCK_CONNECTIONS_MAX = 24;

const lockDbs = new WeakMap<Db, Db>();

/** Opens a pool; connections are made lazily. `maxConnections` counts per process, without up to 24 that hold locks. */
export function openDb(url: string, maxConnections = 20): Db {
  const pool = openPool(url, maxConnections);
  const lockPool = openPool(url, LOCK_CONNECTIONS_MAX);
  const end = async (): Promise<void> => {
    await Promise.all([pool.end(), lockPool.end()]);
  };
  const both = { connect: () => pool.connect(), end, options: pool.options };
  const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: both }) });
  lockDbs.set(db, new Kysely<Tables>({ dialect: new PostgresDialect({ pool: lockPool }) }));
  return db;
}

function openPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  // A connection that dies while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  // The same for one that dies while somebody holds it between two statements: the next statement says so.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Classes of advisory locks: the first key, so that two uses can never meet by hash. */
export const lockClass = {
  sourceKey: 1,
  evidence: 2,
  delivery: 3,
  cap: 4,
  personOnSystem: 5,
  incident: 6,
  policy: 14,
  baseline: 21,
  mail: 22,
  approval: 17,
} as const;

/** Takes an advisory lock until the end of the transaction. Blocks until it is free. */
export async function lockInTx(tx: Tx, lock: keyof typeof lockClass, key = ''): Promise<void> {
  await sql`select pg_advisory_xact_lock(${lockClass[lock]}, hashtext(${key}))`.execute(tx);
}

async function tryLockInTx(tx: Tx, lock: keyof typeof lockClass, key = ''): Promise<boolean> {
  const result = await sql<{
    ok: boolean;
  }>`select pg_try_advisory_xact_lock(${lockClass[lock]}, hashtext(${key})) as ok`.execute(tx);
  return result.rows[0]?.ok ?? false;
}

/**
 * Runs `body` under an advisory lock, which a connection of its own holds: were it one of those that `body` works with,
 * as many holders as there are connections would wait for each other for ever. Blocks until the lock is free; it is
 * given back when `body` ends, or this process does. `body` must not take another lock in this way.
 */
export async function whileLocked<T>(
  db: Db,
  lock: keyof typeof lockClass,
  key: string,
  body: () => Promise<T>,
): Promise<T> {
  return lockDbOf(db)
    .transaction()
    .execute(async (tx) => {
      await lockInTx(tx, lock, key);
      return body();
    });
}

/** The same if the lock is free; answers null, without running `body`, if it is not. */
export async function whileLockedIfFree<T>(
  db: Db,
  lock: keyof typeof lockClass,
  key: string,
  body: () => Promise<T>,
): Promise<T | null> {
  return lockDbOf(db)
    .transaction()
    .execute(async (tx) => ((await tryLockInTx(tx, lock, key)) ? body() : null));
}

function lockDbOf(db: Db): Db {
  const lockDb = lockDbs.get(db);
  if (!lockDb) throw new Error('locks are held beside a pool that openDb made, not beside a transaction');
  return lockDb;
}
