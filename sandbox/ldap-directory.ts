/**
 * A directory in this process: entries, searches in pages, adds and modifies that happen whole or not at all. What one
 * product does otherwise than the next (unique values, codes, passwords, locks) are its rules.
 */
import type { LdapBackend } from './ldap-front.ts';
import { matchesFilter, orderOf } from './ldap-filter.ts';
import {
  type Element,
  element,
  elementsOf,
  entryMessage,
  type LdapMessage,
  octets,
  partsOf,
  resultMessage,
} from './ldap-wire.ts';

/** The directory says no, with this result code. */
export class LdapRefusal extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.name = 'LdapRefusal';
    this.code = code;
  }
}

export interface DirectoryEntry {
  dn: string;
  /** Values by lower-case name. */
  values: Map<string, Buffer[]>;
}

export interface EntryChange {
  operation: 'add' | 'delete' | 'replace';
  /** Lower case. */
  attribute: string;
  values: Buffer[];
}

export interface DirectoryRules {
  /** Names in the case of the schema, for answers. */
  names: readonly string[];
  /** More hits than these are an error, unless they are asked for page by page. */
  sizeLimit: number;
  rootDse(): Record<string, string[]>;
  /** Fills in what the directory gives a new entry, or refuses it. */
  admit(entry: DirectoryEntry, directory: Directory): void;
  /** Makes one change of the entry, or refuses it. */
  change(entry: DirectoryEntry, change: EntryChange, directory: Directory): void;
  /** Looks at the entry after all changes of one call, or refuses them. */
  settle(entry: DirectoryEntry, directory: Directory): void;
  /** Result code of a login: 0 or 49. */
  login(entry: DirectoryEntry, password: string, directory: Directory): number;
  /** The entry behind a name that is no distinguished name. */
  resolve(name: string, directory: Directory): DirectoryEntry | undefined;
}

export interface Directory {
  readonly entries: DirectoryEntry[];
  find(name: string): DirectoryEntry | undefined;
  add(dn: string, attributes: Record<string, (string | Buffer)[]>): DirectoryEntry;
  modify(name: string, changes: EntryChange[]): void;
  bind(name: string, password: string): number;
  connect(): LdapBackend;
}

export const textOf = (entry: DirectoryEntry, name: string): string | null =>
  entry.values.get(name.toLowerCase())?.[0]?.toString('utf8') ?? null;
export const setText = (entry: DirectoryEntry, name: string, ...values: string[]): void =>
  void entry.values.set(
    name.toLowerCase(),
    values.map((value) => Buffer.from(value, 'utf8')),
  );
const sameDn = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** `service` may do everything. */
export function createDirectory(rules: DirectoryRules, service: { dn: string; password: string }): Directory {
  const entries: DirectoryEntry[] = [];
  const directory: Directory = {
    entries,
    find: (name) => entries.find(({ dn }) => sameDn(dn, name)) ?? rules.resolve(name, directory),
    add(dn, attributes) {
      if (entries.some((other) => sameDn(other.dn, dn))) throw new LdapRefusal(68, 'the entry exists');
      const given = Object.entries(attributes).map(
        ([name, values]) => [name.toLowerCase(), values.map((value) => Buffer.from(value as string))] as const,
      );
      const entry = { dn, values: new Map(given) };
      rules.admit(entry, directory);
      rules.settle(entry, directory);
      entries.push(entry);
      return entry;
    },
    modify(name, changes) {
      const entry = directory.find(name);
      if (entry === undefined) throw new LdapRefusal(32, 'no such entry');
      const draft = { dn: entry.dn, values: new Map([...entry.values].map(([key, values]) => [key, [...values]])) };
      for (const change of changes) rules.change(draft, change, directory);
      for (const [key, values] of draft.values) if (values.length === 0) draft.values.delete(key);
      rules.settle(draft, directory);
      entry.values = draft.values;
    },
    bind(name, password) {
      if (sameDn(name, service.dn)) return password === service.password ? 0 : 49;
      const entry = directory.find(name);
      return entry === undefined || password === '' ? 49 : rules.login(entry, password, directory);
    },
    connect: () => ({
      answer: (message) => Promise.resolve(answer(message, directory, rules)),
      close: () => undefined,
    }),
  };
  return directory;
}

/** Adds, takes away or replaces; the codes for values that are there or not differ by product. */
export function changeValues(
  entry: DirectoryEntry,
  { operation, attribute, values }: EntryChange,
  codes: { exists: number; absent: number },
): void {
  const own = entry.values.get(attribute) ?? [];
  const has = (value: Buffer): boolean => own.some((each) => orderOf(attribute, each, value) === 0);
  if (operation === 'replace') entry.values.set(attribute, values);
  else if (operation === 'add') {
    if (values.some(has)) throw new LdapRefusal(codes.exists, 'the value exists');
    entry.values.set(attribute, [...own, ...values]);
  } else {
    if (values.length > 0 && !values.every(has)) throw new LdapRefusal(codes.absent, 'no such value');
    const rest = own.filter((each) => !values.some((value) => orderOf(attribute, each, value) === 0));
    entry.values.set(attribute, values.length === 0 ? [] : rest);
  }
}

function answer(message: LdapMessage, directory: Directory, rules: DirectoryRules): Buffer[] {
  const { fields, controls } = partsOf(message);
  try {
    switch (message.operation) {
      case 'bind':
        return [resultMessage(message, directory.bind(textIn(fields[1]), textIn(fields[2])))];
      case 'search':
        return search(message, { fields, page: controls.get(pagedResults), directory, rules });
      case 'add':
        directory.add(textIn(fields[0]), Object.fromEntries(elementsOf(contentOf(fields[1])).map(attributeIn)));
        return [resultMessage(message, 0)];
      case 'modify':
        directory.modify(textIn(fields[0]), elementsOf(contentOf(fields[1])).map(changeIn));
        return [resultMessage(message, 0)];
      default:
        return [resultMessage(message, 53, 'not part of the sandbox')];
    }
  } catch (error) {
    if (error instanceof LdapRefusal) return [resultMessage(message, error.code, error.message)];
    throw error;
  }
}

const pagedResults = '1.2.840.113556.1.4.319';
const contentOf = (field: Element | undefined): Buffer => field?.content ?? Buffer.alloc(0);
const textIn = (field: Element | undefined): string => contentOf(field).toString('utf8');

function attributeIn({ content }: Element): [string, Buffer[]] {
  const [name, values] = elementsOf(content);
  return [textIn(name), elementsOf(contentOf(values)).map((value) => Buffer.from(value.content))];
}

function changeIn({ content }: Element): EntryChange {
  const [verb, modification] = elementsOf(content);
  const [attribute, values] = attributeIn(modification as Element);
  const operation = (['add', 'delete', 'replace'] as const)[contentOf(verb)[0] ?? 0] ?? 'add';
  return { operation, attribute: attribute.toLowerCase(), values };
}

interface Searching {
  fields: Element[];
  page: Buffer | undefined;
  directory: Directory;
  rules: DirectoryRules;
}

function search(message: LdapMessage, { fields, page, directory, rules }: Searching): Buffer[] {
  const [base, scope, , sizeLimit, , , filter, wanted] = fields;
  const names = elementsOf(contentOf(wanted)).map(textIn);
  if (textIn(base) === '') return [rootMessage(message, rules, names), resultMessage(message, 0)];
  const start = directory.find(textIn(base));
  if (start === undefined) throw new LdapRefusal(32, 'no such entry');
  const isBelow = ({ dn }: DirectoryEntry): boolean => dn.toLowerCase().endsWith(`,${start.dn.toLowerCase()}`);
  const inScope =
    contentOf(scope)[0] === 0 ? [start] : directory.entries.filter((each) => each === start || isBelow(each));
  const hits = inScope.filter((each) => matchesFilter(filter as Element, each.values));
  const messages = (some: DirectoryEntry[]): Buffer[] => some.map((each) => hitMessage(message, each, names, rules));
  if (page !== undefined) {
    const [size, cookie] = elementsOf(elementsOf(page)[0]?.content ?? Buffer.alloc(0));
    const from = Number(textIn(cookie) || '0');
    const to = from + Math.min(contentOf(size).readUIntBE(0, contentOf(size).length), rules.sizeLimit);
    const next = octets(to < hits.length ? String(to) : '');
    const control = element(0x30, octets(pagedResults), octets(element(0x30, element(0x02, Buffer.from([0])), next)));
    return [...messages(hits.slice(from, to)), resultMessage(message, 0, '', [control])];
  }
  const asked = contentOf(sizeLimit).readUIntBE(0, contentOf(sizeLimit).length);
  const limit = asked === 0 ? rules.sizeLimit : Math.min(asked, rules.sizeLimit);
  return [...messages(hits.slice(0, limit)), resultMessage(message, hits.length > limit ? 4 : 0)];
}

function hitMessage(
  message: LdapMessage,
  { dn, values }: DirectoryEntry,
  names: string[],
  rules: DirectoryRules,
): Buffer {
  const shown = names.flatMap((name): [string, Buffer[]][] => {
    const own = values.get(name.toLowerCase());
    return own === undefined
      ? []
      : [[rules.names.find((each) => each.toLowerCase() === name.toLowerCase()) ?? name, own]];
  });
  return entryMessage(message, dn, shown);
}

function rootMessage(message: LdapMessage, rules: DirectoryRules, names: string[]): Buffer {
  const shown = Object.entries(rules.rootDse()).filter(([name]) => names.includes(name));
  return entryMessage(
    message,
    '',
    shown.map(([name, values]) => [name, values.map((value) => Buffer.from(value))]),
  );
}
