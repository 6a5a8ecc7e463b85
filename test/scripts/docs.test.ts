/** The docs name only what exists: commands, links, files, settings; and the lists that claim to be complete are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import type { CliContext } from '../../src/cli/command-context.ts';
import { connectorErrorCodes } from '../../src/connectors/kit/errors.ts';
import { appErrorCodes } from '../../src/domain/errors.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'docs/adr', 'docs/systems']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`),
    ),
];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const streams = { env: {}, writeOut: () => undefined, writeError: () => undefined };
const program = createProgram({} as CliContext, streams);

/** Words after `usher` in code, up to the first that is no lower-case word. */
function commandsIn(text: string): string[][] {
  const code = [...text.matchAll(/`([^`\n]+)`|^```\w*\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? match[2] ?? '');
  const calls = code.flatMap((part) => [...part.matchAll(/\busher ((?:[a-z][a-z-]*(?: |$))+)/gm)]);
  return calls.map((match) => (match[1] ?? '').trim().split(' '));
}

/** The first word that names no command where one is expected, or null. */
function unknownWord(words: readonly string[]): string | null {
  let command: Command = program;
  for (const word of words) {
    if (command.commands.length === 0) return null;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) return word;
    command = next;
  }
  return null;
}

function headingIds(text: string): string[] {
  const headings = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)];
  return headings.map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(pages)('%s', (page) => {
  test('names only commands that exist', () => {
    const unknown = commandsIn(textOf(page)).filter((words) => unknownWord(words) !== null);
    expect(unknown.map((words) => words.join(' '))).toEqual([]);
  });

  test('links only to pages and headings that exist', () => {
    const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    const broken = links
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', heading] = link.split('#');
        const target = path === '' ? join(root, page) : join(root, dirname(page), path);
        if (!existsSync(target)) return true;
        return heading !== undefined && !headingIds(readFileSync(target, 'utf8')).includes(heading);
      });
    expect(broken).toEqual([]);
  });

  test('names only files that exist', () => {
    const isExample = /rota/;
    const named = [...textOf(page).matchAll(/`((?:src|test|sandbox|scripts|temporal|bench|docs)\/[\w./-]+)`/g)];
    const missing = named
      .map((match) => match[1] ?? '')
      .filter((path) => !isExample.test(path) && !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});

test('every command has a row in docs/cli.md', () => {
  const told = textOf('docs/cli.md');
  const leaves = (command: Command, path: string[]): string[][] =>
    command.commands.length === 0 ? [path] : command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
  const names = program.commands
    .flatMap((one) => leaves(one, [one.name()]))
    .filter((path) => !path.some((word) => word.startsWith('_') || word === 'help'))
    .map((path) => path.join(' '));
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !told.includes(`\`${name}`))).toEqual([]);
});

test('docs/errors.md holds every code', () => {
  const told = textOf('docs/errors.md');
  expect([...appErrorCodes, ...connectorErrorCodes].filter((code) => !told.includes(`| \`${code}\``))).toEqual([]);
});

test('docs/operate.md holds every setting of the processes, and no other page invents one', () => {
  const config = readFileSync(join(root, 'src/config.ts'), 'utf8');
  const settings = new Set([...config.matchAll(/^ {2}(USHER_[A-Z_]+):/gm)].map((match) => match[1] ?? ''));
  // For tests and tuning; or of the launcher alone.
  const untold = new Set([
    'USHER_CRASH_POINT',
    'USHER_MAILBOX_URL',
    'USHER_BOOTSTRAP',
    'USHER_WORKFLOW_BUNDLE',
    'USHER_MAX_CACHED_WORKFLOWS',
    'USHER_CONSISTENCY_WINDOW_MS',
  ]);
  const told = textOf('docs/operate.md');
  expect([...settings].filter((name) => !untold.has(name) && !told.includes(`\`${name}\``))).toEqual([]);
  const others = new Set(['USHER_TOKEN', 'USHER_DATA_DIR', 'USHER_SERVER_URL', 'USHER_BAMBOOHR_RECORDINGS']);
  const invented = pages
    .flatMap((page) => [...textOf(page).matchAll(/\bUSHER_[A-Z_]+\b/g)].map(([name]) => name))
    .filter((name) => !settings.has(name) && !others.has(name));
  expect([...new Set(invented)]).toEqual([]);
});

test('the README fits on two screens', () => {
  expect(textOf('README.md').split('\n').length).toBeLessThanOrEqual(120);
});
