/**
 * The file of keys: the key folder, the signing keys and the credentials, apart from the data. Two reasons. Whoever has one of
 * both reads nothing. And erasing a person is deleting a key: a backup that held data and keys together would keep the person
 * readable for as long as it exists, so data may be kept in many generations, keys only in the newest.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { PlainError } from '../step.ts';
import { filesBelow } from './manifest.ts';

const KeysFile = z.strictObject({
  format: z.literal('usher-keys/1'),
  takenAt: z.iso.datetime(),
  files: z.array(
    z.strictObject({
      path: z
        .string()
        .refine((path) => /^(keys|server-keys|secrets|profiles)\/|^operator-token$/.test(path) && !path.includes('..')),
      mode: z.number().int().min(0).max(0o777),
      content: z.base64(),
    }),
  ),
});
export type KeysFile = z.infer<typeof KeysFile>;

/** Files and folders of the data folder that belong here. */
export const secretParts = ['keys', 'server-keys', 'profiles', 'operator-token', 'secrets/own.json'] as const;

/** Reads all keys of a data folder into memory. */
export function collectKeys(dataDir: string, now: Date): KeysFile {
  const paths = secretParts.flatMap((part) => {
    const at = join(dataDir, part);
    if (!existsSync(at)) return [];
    return statSync(at).isFile() ? [part] : filesBelow(at).map((path) => `${part}/${path}`);
  });
  const files = paths.flatMap((path) => {
    const at = join(dataDir, path);
    try {
      return [{ path, mode: statSync(at).mode & 0o777, content: readFileSync(at).toString('base64') }];
    } catch (error) {
      // A person was erased since the folder was listed.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  });
  return { format: 'usher-keys/1', takenAt: now.toISOString(), files };
}

/** Writes it for its owner alone, whole or not at all, in place of an older one. Answers its hash. */
export function writeKeysFile(file: string, keys: KeysFile): string {
  const text = `${JSON.stringify(keys)}\n`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return createHash('sha256').update(text).digest('hex');
}

/** Throws a `PlainError` where the file is none. */
export function readKeysFile(file: string): { keys: KeysFile; sha256: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new PlainError(`${file} cannot be read. Give the file of keys with --keys FILE.`);
  }
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Said below.
  }
  const parsed = KeysFile.safeParse(json);
  if (!parsed.success) throw new PlainError(`${file} is not a file of keys, or is damaged.`);
  return { keys: parsed.data, sha256: createHash('sha256').update(text).digest('hex') };
}

/** Names of the public signing keys in it. */
export const publicKeysOf = ({ files }: KeysFile): string[] =>
  files.map(({ path }) => path).filter((path) => path.startsWith('keys/public/'));

/** How many persons its list of the erased names. */
export function erasedCountOf({ files }: KeysFile): number {
  const list = files.find(({ path }) => path === 'keys/erased.jsonl');
  if (!list) return 0;
  return Buffer.from(list.content, 'base64').toString('utf8').split('\n').filter(Boolean).length;
}

/** Puts the files back, with their modes. The folder is a new one. */
export function unpackKeys(keys: KeysFile, dataDir: string): void {
  for (const { path, mode, content } of keys.files) {
    const at = join(dataDir, path);
    mkdirSync(dirname(at), { recursive: true, mode: 0o700 });
    writeFileSync(at, Buffer.from(content, 'base64'), { mode });
    chmodSync(at, mode);
  }
}
