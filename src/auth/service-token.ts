/** The worker's token for the internal endpoints, handed over as a file in the key folder. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Db } from '../store/db.ts';
import { authenticate, createToken } from './tokens.ts';

const LIFE_MS = 365 * 86_400_000;

/** Keeps a valid token, else makes a new one. The worker reads the file at each call, so nobody has to be restarted. */
export async function ensureWorkerToken(db: Db, keysDir: string, now: Date): Promise<void> {
  const file = join(keysDir, 'worker.token');
  if (existsSync(file)) {
    const caller = await authenticate(db, { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` }, now);
    if (caller?.scopes.has('internal')) return;
  }
  const expiresAt = new Date(now.getTime() + LIFE_MS);
  const { token } = await createToken(db, { personId: null, label: 'worker', scopes: ['internal'], expiresAt, now });
  writeFileSync(`${file}.new`, token, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
