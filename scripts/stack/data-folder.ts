/** What the starter itself keeps in the data folder: its sub-folders, the ports of the last run, and passwords (0600). */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RolePasswords } from './database-roles.ts';

export const checkout = resolve(import.meta.dirname, '..', '..');

/** `$USHER_DATA_DIR`, else `data` in the checkout. */
export const dataDirOf = (env: NodeJS.ProcessEnv): string => resolve(checkout, env['USHER_DATA_DIR'] ?? 'data');

export interface DataFolder {
  dir: string;
  logs: string;
  keys: string;
  sandbox: string;
  secrets: string;
  temporal: string;
}

/** Creates the folders. Passwords and keys lie in folders that only their owner may enter. */
export function prepareDataFolder(dir: string): DataFolder {
  const folder: DataFolder = {
    dir,
    logs: join(dir, 'logs'),
    keys: join(dir, 'keys'),
    sandbox: join(dir, 'sandbox'),
    secrets: join(dir, 'secrets'),
    temporal: join(dir, 'temporal'),
  };
  mkdirSync(dir, { recursive: true });
  for (const path of [folder.logs, folder.keys, folder.sandbox, folder.secrets, folder.temporal]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  }
  return folder;
}

/** Reads a JSON object, or `{}` when the file is missing or broken. */
export function readObject(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Writes a file that only its owner can read, whole or not at all. */
export function writePrivate(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export interface DatabasePasswords extends RolePasswords {
  superuser: string;
}

/** The passwords of the database roles: random, made at the first start. Throws when the file is there but unreadable. */
export function databasePasswords({ secrets }: DataFolder): DatabasePasswords {
  const file = join(secrets, 'database.json');
  const make = (): string => randomBytes(24).toString('base64url');
  if (!existsSync(file)) writePrivate(file, { superuser: make(), owner: make(), server: make(), worker: make() });
  const { superuser, owner, server, worker } = readObject(file);
  if (
    typeof superuser !== 'string' ||
    typeof owner !== 'string' ||
    typeof server !== 'string' ||
    typeof worker !== 'string'
  )
    throw new Error(`${file} does not hold the four database passwords`);
  return { superuser, owner, server, worker };
}

/** The HR system of the sandbox. */
const sandboxHris: readonly string[] = ['bamboohr'];

/** Splits secrets by who holds them: the server never gets a vendor write credential, the worker no key of an HR system. */
export function splitSecrets(
  all: Record<string, unknown>,
  ownHris: readonly string[] = [],
): {
  server: Record<string, unknown>;
  worker: Record<string, unknown>;
} {
  const isHris = ([id]: [string, unknown]): boolean => sandboxHris.includes(id) || ownHris.includes(id);
  const entries = Object.entries(all);
  return {
    server: Object.fromEntries(entries.filter(isHris)),
    worker: Object.fromEntries(entries.filter((entry) => !isHris(entry))),
  };
}
