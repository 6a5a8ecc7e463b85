/** What a backup says about itself: one file with the hash of every other. Nothing is restored that does not agree with it. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { PlainError } from '../step.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const RelativePath = z
  .string()
  .min(1)
  .refine(
    (path) => !path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..'),
    'a relative path',
  );

export const Manifest = z.strictObject({
  format: z.literal('usher-backup/1'),
  takenAt: z.iso.datetime(),
  /** Shortly before Temporal was copied: what was delivered since is delivered again. */
  temporalCopiedAt: z.iso.datetime(),
  database: z.strictObject({
    tables: z.array(z.strictObject({ table: z.string(), columns: z.array(z.string()), rows: z.number().int().min(0) })),
    sequences: z.array(z.strictObject({ sequence: z.string(), lastValue: z.string(), isCalled: z.boolean() })),
    migrations: z.array(z.string()).min(1),
  }),
  /** The file of keys that was written beside it. */
  keys: z.strictObject({
    sha256: Sha256,
    /** Names of the public signing keys: another installation has others. */
    publicKeys: z.array(z.string()),
    /** Length of the list of the erased: a file of keys with fewer would revive somebody. */
    erasedCount: z.number().int().min(0),
  }),
  files: z.array(z.strictObject({ path: RelativePath, bytes: z.number().int().min(0), sha256: Sha256 })),
});
export type Manifest = z.infer<typeof Manifest>;

export const manifestName = 'manifest.json';

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** All files below a folder, as relative paths with `/`, sorted. */
export function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

export async function describeFiles(dir: string): Promise<Manifest['files']> {
  const files: Manifest['files'] = [];
  for (const path of filesBelow(dir).filter((name) => name !== manifestName))
    files.push({ path, bytes: statSync(join(dir, path)).size, sha256: await sha256OfFile(join(dir, path)) });
  return files;
}

/** Reads the manifest and compares every file with it. Throws a `PlainError` that names the first file that differs. */
export async function readVerified(dir: string): Promise<Manifest> {
  const manifest = readManifest(dir);
  const expected = new Map(manifest.files.map((file) => [file.path, file]));
  for (const path of filesBelow(dir))
    if (path !== manifestName && !expected.has(path))
      throw new PlainError(`${join(dir, path)} does not belong to the backup; nothing was restored.`);
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = join(dir, path);
    if (!existsSync(file)) throw new PlainError(`${file} is missing from the backup; nothing was restored.`);
    if (statSync(file).size !== bytes || (await sha256OfFile(file)) !== sha256)
      throw new PlainError(`${file} is not what the manifest says: the backup is damaged. Nothing was restored.`);
  }
  return manifest;
}

function readManifest(dir: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(join(dir, manifestName), 'utf8'));
  } catch {
    throw new PlainError(`${dir} is not a backup: it has no readable ${manifestName}.`);
  }
  const parsed = Manifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PlainError(
    `${join(dir, manifestName)}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`,
  );
}
