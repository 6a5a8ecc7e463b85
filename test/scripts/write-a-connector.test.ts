/** The page about connectors, followed word by word in a copy of the checkout: its files, its edits, its commands, its policy. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { copyPolicies } from '../support/policy-folder.ts';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/write-a-connector.md'), 'utf8');
const node = process.execPath;
let copy = '';

/** What a block says that stands below the name of its file. */
function fileOf(path: string): string {
  const text = page.split(`\n\`${path}\`\n\n\`\`\`ts\n`)[1]?.split('\n```\n')[0];
  if (text === undefined) throw new Error(`the page has no block for ${path}`);
  return `${text}\n`;
}

function edit(path: string, find: string | RegExp, replace: string): void {
  const before = readFileSync(join(copy, path), 'utf8');
  const after = before.replace(find, replace);
  expect(after).not.toBe(before);
  writeFileSync(join(copy, path), after);
}

async function run(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(node, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: copy,
    maxBuffer: 16 * 1024 * 1024,
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${args.join(' ')}:\n${error.stdout}\n${error.stderr}`);
  });
  return stdout + stderr;
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'usher-guide-'));
  for (const part of ['docs', 'sandbox', 'scripts', 'src', 'temporal', 'test'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  for (const file of ['package.json', 'jest.config.js', 'tsconfig.json']) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test('the files of the page, typed in, are a connector that passes the suite', async () => {
  for (const path of ['src/connectors/rota.ts', 'sandbox/rota.ts', 'test/connectors/rota.test.ts'])
    writeFileSync(join(copy, path), fileOf(path));
  const added = [...page.matchAll(/```ts\n(import \{ rota \}.*|  rota,)\n```/g)];
  const [importLine, listLine] = added.map(([, line = '']) => line);
  edit('src/connectors/registry.ts', /^import \{ scim \}/m, `${importLine}\nimport { scim }`);
  edit('src/connectors/registry.ts', /^ {2}scim,$/m, `${listLine}\n  scim,`);
  const [config = ''] = /`(rota: \{ url: [^`]*)`/.exec(page)?.slice(1) ?? [];
  edit('test/connectors/registry.test.ts', /^ {2}scim: \{/m, `  ${config},\n  scim: {`);
  edit('test/connectors/registry.test.ts', /^ {4}'scim',$/m, "    'rota',\n    'scim',");
  const scripts = [...page.matchAll(/`node scripts\/run\.js (scripts\/[a-z-]+\.ts)`/g)].map(
    ([, script = '']) => script,
  );
  expect(scripts).toHaveLength(2);
  for (const script of scripts) await run(script);
  const options = { extends: './tsconfig.json', include: ['sandbox/rota.ts', 'test/connectors/rota.test.ts'] };
  writeFileSync(join(copy, 'tsconfig.rota.json'), JSON.stringify(options));
  await run('node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.rota.json');
  const patterns = 'test/(connectors/(rota|registry)|workflows/stable-names|scripts/systems-page)';
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--selectProjects', 'unit'];
  const told = await run(...jest, '--maxWorkers', '1', '--testPathPatterns', patterns);
  const [, passed = '0'] = /Tests: +(\d+) passed, \d+ total/.exec(told) ?? [];
  expect(Number(passed)).toBeGreaterThan(85);
}, 180_000);

test('the entry of the page fits a policy', async () => {
  const policyDir = copyPolicies();
  try {
    const [, entry = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    writeFileSync(join(policyDir, 'shifts.yaml'), entry);
    expect(await run('src/cli.ts', 'policy', 'check', policyDir)).toMatch(/^No finding\. /);
  } finally {
    rmSync(policyDir, { recursive: true, force: true });
  }
}, 60_000);
