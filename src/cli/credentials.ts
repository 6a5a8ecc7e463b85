/**
 * Where the server is and who calls it. The token comes from `--token-file`, else from USHER_TOKEN, else from a profile:
 * a file `profiles/<name>.json` in the data folder. A token is never an argument, because arguments show in process lists.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CliError, exitCodes } from './exit-code.ts';

export interface CredentialOptions {
  server?: string | undefined;
  tokenFile?: string | undefined;
  profile?: string | undefined;
}

export interface Credentials {
  url: string;
  token: string;
}

const Profile = z.object({ url: z.url(), token: z.string().min(1) });

const checkout = resolve(import.meta.dirname, '..', '..');

/** The data folder of the installation: USHER_DATA_DIR, by default `data`, seen from the checkout as `npm start` sees it. */
export function dataDirOf(env: NodeJS.ProcessEnv): string {
  return resolve(checkout, env['USHER_DATA_DIR'] ?? 'data');
}

/** The key folder: USHER_KEYS_DIR, by default `keys` in the data folder. */
export function keysDirOf(env: NodeJS.ProcessEnv): string {
  return env['USHER_KEYS_DIR'] ?? join(dataDirOf(env), 'keys');
}

/** Throws CliError `notAllowed` when there is no token and `usage` when a file is not what it should be. */
export function findCredentials(env: NodeJS.ProcessEnv, options: CredentialOptions): Credentials {
  const token = options.tokenFile === undefined ? env['USHER_TOKEN'] : readTokenFile(options.tokenFile);
  const url = options.server ?? env['USHER_SERVER_URL'];
  if (token !== undefined && url !== undefined) return { url: checkedUrl(url), token };
  const profile = readProfile(env, options.profile ?? 'admin', token !== undefined);
  return { url: checkedUrl(url ?? profile.url), token: token ?? profile.token };
}

function readTokenFile(file: string): string {
  const token = readText(file)?.trim();
  if (token === undefined) throw new CliError(exitCodes.usage, `The token file ${file} cannot be read.`);
  if (token === '') throw new CliError(exitCodes.usage, `The token file ${file} is empty.`);
  return token;
}

function readProfile(env: NodeJS.ProcessEnv, name: string, hasToken: boolean): Credentials {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw new CliError(exitCodes.usage, 'A profile is named by letters, digits, dots, dashes and underscores.');
  const file = join(dataDirOf(env), 'profiles', `${name}.json`);
  const text = readText(file);
  if (text === null) {
    const help = 'Start Usher once (npm start), or give --profile NAME, or --token-file FILE with --server URL.';
    throw hasToken
      ? new CliError(exitCodes.usage, 'There is a token but no address of the server.', 'Give --server URL.')
      : new CliError(exitCodes.notAllowed, `There is no profile ${name}: ${file} cannot be read.`, help);
  }
  const profile = Profile.safeParse(parseJson(text));
  if (!profile.success)
    throw new CliError(exitCodes.usage, `The profile ${file} is not what was expected.`, 'Expected {"url", "token"}.');
  return profile.data;
}

function checkedUrl(url: string): string {
  if (!/^https?:\/\/[^\s]+$/.test(url)) throw new CliError(exitCodes.usage, '--server: expected http://… or https://…');
  return url.replace(/\/+$/, '');
}

/** The text of a file, or null when it cannot be read. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
