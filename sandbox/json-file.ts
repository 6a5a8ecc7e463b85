/**
 * JSON files of the sandbox: read with a schema, replaced in one step, so that a crash leaves the old or the new one.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** The parsed file, or undefined where there is none. Throws on a file that is no JSON. */
export async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Readable by the owner only: among the files are secrets. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(draft, path);
}

/** Writes soon after each call of `touch`, never twice at once; `flush` resolves when the last state is on disk. */
export function createAutosave(
  path: string,
  read: () => unknown,
  delayMs = 200,
): { touch(): void; flush(): Promise<void> } {
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  const save = (): Promise<void> => {
    timer = null;
    const saved = writing.then(() => writeJsonFile(path, read()));
    writing = saved.catch(() => undefined);
    return saved;
  };
  return {
    touch: () => {
      timer ??= setTimeout(() => {
        save().catch(() => console.error(`The sandbox could not save ${basename(path)}.`));
      }, delayMs);
    },
    flush: () => {
      if (timer !== null) clearTimeout(timer);
      return save();
    },
  };
}

/** Whether it is a system error of that code. Its class says nothing: test runners have classes of their own. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
