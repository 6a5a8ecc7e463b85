/**
 * One encryption key per person, in the key folder outside the database. Whatever names a person is sealed with it;
 * erasing a person is deleting the key and noting it in an append-only list, so that neither the database nor a restored
 * backup of it can bring the values back.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const ALGORITHM = 'aes-256-gcm';

export interface PersonVault {
  /** Encrypts JSON under the person's key, making the key on first use. Throws for an erased person. */
  seal(personId: string, value: unknown): Buffer;
  /** Decrypts; null when the person was erased. Throws when the bytes were changed. */
  open<T>(personId: string, sealed: Buffer): T | null;
  /** Deletes the key for good and notes it. Repeating it is harmless. */
  erase(personId: string, at: Date): void;
  isErased(personId: string): boolean;
  erasedPersonIds(): string[];
}

/** Opens the vault below `keysDir`. Both processes may hold it open: a key that the other made is found on disk. */
export function openPersonVault(keysDir: string): PersonVault {
  const dir = join(keysDir, 'persons');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const listFile = join(keysDir, 'erased.jsonl');
  const cache = new Map<string, Buffer>();
  const keyFile = (personId: string): string => join(dir, `${checked(personId)}.key`);
  const isErased = (personId: string): boolean => readErased(listFile).has(personId);

  function findKey(personId: string): Buffer | null {
    const file = keyFile(personId);
    // The file decides, not the cache: the other process may have erased the person.
    if (!existsSync(file)) return null;
    const cached = cache.get(personId) ?? readFileSync(file);
    if (cache.size > 10_000) cache.clear();
    cache.set(personId, cached);
    return cached;
  }

  const makeKey = (personId: string): Buffer => {
    if (isErased(personId)) throw new Error('this person was erased');
    return createKeyFile(keyFile(personId), () => findKey(personId));
  };

  return {
    seal(personId, value) {
      const iv = randomBytes(12);
      const cipher = createCipheriv(ALGORITHM, findKey(personId) ?? makeKey(personId), iv);
      cipher.setAAD(Buffer.from(personId));
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    open<T>(personId: string, sealed: Buffer): T | null {
      const key = findKey(personId);
      if (!key) {
        cache.delete(personId);
        return null;
      }
      const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, 12));
      decipher.setAAD(Buffer.from(personId));
      decipher.setAuthTag(sealed.subarray(12, 28));
      return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')) as T;
    },
    erase(personId, at) {
      if (!isErased(personId))
        appendFileSync(listFile, `${JSON.stringify({ personId, at: at.toISOString() })}\n`, { mode: 0o600 });
      cache.delete(personId);
      rmSync(keyFile(personId), { force: true });
    },
    isErased,
    erasedPersonIds: () => [...readErased(listFile)],
  };
}

/** Exclusive: of two processes that make the key at once, one wins and the other reads it. */
function createKeyFile(file: string, findExisting: () => Buffer | null): Buffer {
  const key = randomBytes(32);
  try {
    writeNew(file, key);
    return key;
  } catch (error) {
    const existing = findExisting();
    if (existing?.length === 32) return existing;
    throw error;
  }
}

/** A key file that a crash left empty is replaced, never used. */
function writeNew(file: string, key: Buffer): void {
  if (existsSync(file) && readFileSync(file).length !== 32) rmSync(file);
  const handle = openSync(file, 'wx', 0o600);
  try {
    writeSync(handle, key);
  } finally {
    closeSync(handle);
  }
}

function readErased(listFile: string): Set<string> {
  if (!existsSync(listFile)) return new Set();
  const lines = readFileSync(listFile, 'utf8').split('\n').filter(Boolean);
  return new Set(lines.map((line) => (JSON.parse(line) as { personId: string }).personId));
}

function checked(personId: string): string {
  if (!/^[0-9a-f-]{36}$/.test(personId)) throw new Error('not a person id');
  return personId;
}
