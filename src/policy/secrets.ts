/** References to secrets in a system's config. A system can name its own secrets only, so that one leaked config does not open another. */
import { AppError } from '../domain/errors.ts';
import type { PathKey } from './finding.ts';
import { pathText } from './finding.ts';

/** `{ "<system>": { "<name>": "<value>" } }`, as the secrets file or the environment holds it. */
export type SecretsBySystem = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface SecretRef {
  system: string;
  name: string;
}

const wholeReference = /^\$\{secret:([a-z][a-z0-9-]{0,39})\.([A-Za-z0-9_-]{1,60})\}$/;

/** Reads `${secret:<system>.<name>}`; null for any other text, parts of a text included. */
export function parseSecretRef(text: string): SecretRef | null {
  const match = wholeReference.exec(text);
  const [, system, name] = match ?? [];
  return system === undefined || name === undefined ? null : { system, name };
}

/** Whether a text looks as if it were meant as a reference. */
export function mentionsSecret(text: string): boolean {
  return text.includes('${secret');
}

/** Every text in a config with the path to it. */
export function textsIn(value: unknown, path: readonly PathKey[] = []): { path: PathKey[]; text: string }[] {
  if (typeof value === 'string') return [{ path: [...path], text: value }];
  if (Array.isArray(value)) return value.flatMap((entry, position) => textsIn(entry, [...path, position]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => textsIn(entry, [...path, key]));
}

/**
 * The config of a system with its references replaced. Throws AppError `invalidInput` on a reference to another system's
 * secret, on a malformed one and on one that has no value; the message names the reference, never a value.
 */
export function resolveSecrets(
  systemId: string,
  config: Readonly<Record<string, unknown>>,
  secrets: SecretsBySystem,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, resolveValue(systemId, value, secrets, [key])]),
  );
}

function resolveValue(systemId: string, value: unknown, secrets: SecretsBySystem, path: readonly PathKey[]): unknown {
  if (typeof value === 'string') return resolveText(systemId, value, secrets, path);
  if (Array.isArray(value)) {
    return value.map((entry: unknown, position) => resolveValue(systemId, entry, secrets, [...path, position]));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, resolveValue(systemId, entry, secrets, [...path, key])]),
  );
}

function resolveText(systemId: string, text: string, secrets: SecretsBySystem, path: readonly PathKey[]): string {
  if (!mentionsSecret(text)) return text;
  const field = pathText(path);
  const ref = parseSecretRef(text);
  if (ref === null)
    throw new AppError('invalidInput', `expected \${secret:${systemId}.<name>} and nothing else`, field);
  if (ref.system !== systemId) {
    throw new AppError('invalidInput', `system ${systemId} may not read secrets of system ${ref.system}`, field);
  }
  const own = Object.hasOwn(secrets, systemId) ? secrets[systemId] : undefined;
  const value = own !== undefined && Object.hasOwn(own, ref.name) ? own[ref.name] : undefined;
  if (value === undefined) throw new AppError('invalidInput', `no value for secret ${systemId}.${ref.name}`, field);
  return value;
}
