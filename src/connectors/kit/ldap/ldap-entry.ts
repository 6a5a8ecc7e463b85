/** One entry of a directory with its attributes under lower-case names: servers answer in the case of their schema. */
import type { Entry } from 'ldapts';

export interface LdapEntry {
  dn: string;
  values: ReadonlyMap<string, readonly (string | Buffer)[]>;
}

/** From what the library hands out, where one value and many have different shapes. */
export function toLdapEntry({ dn, ...attributes }: Entry): LdapEntry {
  const values = Object.entries(attributes).map(
    ([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value : [value]] as const,
  );
  return { dn, values: new Map(values) };
}

/** The text values; what is not text is left out. */
export function textsOf(entry: LdapEntry, name: string): string[] {
  const values = entry.values.get(name.toLowerCase()) ?? [];
  return values.filter((value): value is string => typeof value === 'string');
}

/** The first text value, or null where the entry shows none. */
export function textOf(entry: LdapEntry, name: string): string | null {
  return textsOf(entry, name)[0] ?? null;
}

/** The first value as bytes, or null; the attribute must have been asked for as binary. */
export function bytesOf(entry: LdapEntry, name: string): Buffer | null {
  const value = entry.values.get(name.toLowerCase())?.[0];
  return Buffer.isBuffer(value) ? value : null;
}
