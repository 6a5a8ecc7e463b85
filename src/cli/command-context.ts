/** What a command gets: where to print, and the API as the caller. */
import type { Command } from 'commander';
import { createApiClient, type ApiClient } from './api-client.ts';
import { findCredentials, type CredentialOptions } from './credentials.ts';
import type { ExitCode } from './exit-code.ts';
import type { Output } from './output.ts';
import type { Prompts } from './prompts.ts';
import type { Terminal } from './terminal.ts';

export interface CliContext {
  env: NodeJS.ProcessEnv;
  out: Output;
  /** Raw text to standard output, for files. */
  write: (text: string) => void;
  /** Raw text to standard error, for progress. */
  writeError: (text: string) => void;
  /** Standard output and standard error where they are terminals. */
  terminal: Terminal | null;
  errorTerminal: Terminal | null;
  /** Questions to the person at the terminal; null where nobody sits there. Whoever opens them closes them. */
  openPrompts: () => Prompts | null;
  /** All commands, for completion. */
  program: () => Command;
  /** How the process ends when the command has nothing to complain about but the answer is no. */
  setExitCode: (code: ExitCode) => void;
}

/** The API as the caller that the global options name. */
export function apiOf(context: CliContext, command: Command): ApiClient {
  return createApiClient(findCredentials(context.env, command.optsWithGlobals<CredentialOptions>()));
}

/** True when `--json` was given. */
export function isJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}
