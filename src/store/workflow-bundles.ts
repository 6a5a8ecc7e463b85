/** Workflow bundles that ran, by the hash of their code: so that a case can be replayed years later with its own code. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Db } from './db.ts';
import { sha256Hex } from './sha256.ts';

/** Keeps the bundle that a worker is about to run, once per hash. */
export async function keepBundle(db: Db, code: string, now: Date): Promise<void> {
  const bundleHash = sha256Hex(code);
  const known = await db
    .selectFrom('workflow_bundle')
    .select('bundle_hash')
    .where('bundle_hash', '=', bundleHash)
    .executeTakeFirst();
  if (known) return;
  await db
    .insertInto('workflow_bundle')
    .values({ bundle_hash: bundleHash, code_gzip: gzipSync(code), stored_at: now })
    .onConflict((conflict) => conflict.column('bundle_hash').doNothing())
    .execute();
}

/** The code, or null when nobody kept it or it is not what its hash says. */
export async function findBundle(db: Db, bundleHash: string): Promise<string | null> {
  const row = await db
    .selectFrom('workflow_bundle')
    .select('code_gzip')
    .where('bundle_hash', '=', bundleHash)
    .executeTakeFirst();
  if (!row) return null;
  const code = gunzipSync(row.code_gzip).toString('utf8');
  return sha256Hex(code) === bundleHash ? code : null;
}
