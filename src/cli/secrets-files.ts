/**
 * Where the secrets of a new system go. The server holds those of HR systems, the worker all others; in a data folder
 * `own.json` keeps them over restarts, and the file of the process makes them usable at once.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectorManifest } from '../connectors/kit/contract.ts';
import { dataDirOf } from './credentials.ts';
import { CliError, exitCodes } from './exit-code.ts';

/** The files, each of which gets the secrets. Throws CliError `usage` where there is no data folder and no file was named. */
export function secretsFilesFor(
  kind: ConnectorManifest['kind'],
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): string[] {
  const file = named ?? env['USHER_SECRETS_FILE'];
  if (file !== undefined) return [file];
  const folder = join(dataDirOf(env), 'secrets');
  if (!existsSync(folder)) {
    const holder = kind === 'hris' ? 'server' : 'worker';
    throw new CliError(
      exitCodes.usage,
      `There is no data folder ${dataDirOf(env)}.`,
      `Name the secrets file of the ${holder} (its USHER_SECRETS_FILE): --secrets-file FILE`,
    );
  }
  const inUse = join(folder, kind === 'hris' ? 'server.json' : 'worker.json');
  return [join(folder, 'own.json'), ...(existsSync(inUse) ? [inUse] : [])];
}
