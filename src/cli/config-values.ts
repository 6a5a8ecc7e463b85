/** The configuration of a new system while it is put together: values by path, read from words, with the secrets taken out. */
import type { ConfigField } from './config-form.ts';

export type ConfigValues = Record<string, unknown>;

/** The value under a path; undefined where there is none. */
export function valueAt(config: ConfigValues, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined), config);
}

/** A copy with that value; undefined takes it away. */
export function withValue(config: ConfigValues, path: readonly string[], value: unknown): ConfigValues {
  const [key, ...rest] = path;
  if (key === undefined) return config;
  const { [key]: before, ...others } = config;
  if (rest.length > 0) return { ...others, [key]: withValue(isRecord(before) ? before : {}, rest, value) };
  return value === undefined ? others : { ...others, [key]: value };
}

export type ReadValue = { ok: true; value: unknown } | { ok: false; expected: string };

/** What a person typed, as the field wants it. */
export function readValue({ kind, choices }: ConfigField, text: string): ReadValue {
  switch (kind) {
    case 'text':
      return { ok: true, value: text };
    case 'number': {
      const value = Number(text);
      return text.trim() !== '' && Number.isFinite(value) ? { ok: true, value } : { ok: false, expected: 'a number' };
    }
    case 'boolean': {
      const word = text.trim().toLowerCase();
      if (['y', 'yes', 'true'].includes(word)) return { ok: true, value: true };
      return ['n', 'no', 'false'].includes(word) ? { ok: true, value: false } : { ok: false, expected: 'yes or no' };
    }
    case 'choice':
      return choices.includes(text) ? { ok: true, value: text } : { ok: false, expected: choices.join(', ') };
    case 'texts':
      return {
        ok: true,
        value: text
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      };
    case 'json':
      try {
        return { ok: true, value: JSON.parse(text) as unknown };
      } catch {
        return { ok: false, expected: 'JSON' };
      }
    default:
      return kind satisfies never;
  }
}

/** Every text below a secret field becomes a reference, and a secret under its own name. */
export function takeOutSecrets(
  systemId: string,
  config: ConfigValues,
  secretFields: readonly string[],
): { config: ConfigValues; secrets: Record<string, string> } {
  const secrets: Record<string, string> = {};
  const replace = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value === 'string') {
      const name = path
        .join('-')
        .replace(/[^A-Za-z0-9_-]/g, '_')
        .slice(0, 60);
      secrets[name] = value;
      return `\${secret:${systemId}.${name}}`;
    }
    if (Array.isArray(value)) return value.map((entry: unknown, n) => replace(entry, [...path, String(n)]));
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, replace(entry, [...path, key])]));
  };
  const replaced = Object.entries(config).map(([key, value]) => [
    key,
    secretFields.includes(key) ? replace(value, [key]) : value,
  ]);
  return { config: Object.fromEntries(replaced) as ConfigValues, secrets };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
