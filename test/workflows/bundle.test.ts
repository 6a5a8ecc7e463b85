/** What runs in the workflow sandbox is small and pure: every cached workflow pays for it in memory. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { bundleWorkflows } from '../../src/worker-options.ts';

/** Modules of the bundle by path, with their size in characters. */
let modules: Map<string, number>;
let codeLength: number;

beforeAll(async () => {
  const { code } = await bundleWorkflows();
  // The map of sources at the end is for stack traces and runs nowhere.
  const [runs = ''] = code.split('//# sourceMappingURL=');
  codeLength = runs.length;
  modules = modulesIn(runs);
});

function modulesIn(code: string): Map<string, number> {
  const starts = [...code.matchAll(/^ {2}!\*\*\* (\S+)(?: [^*\n]*)? ?\*\*\*!$/gm)];
  return new Map(starts.map((start, i) => [start[1] ?? '', (starts[i + 1]?.index ?? code.length) - start.index]));
}

const paths = (): string[] => [...modules.keys()];

describe('the workflow bundle', () => {
  test('is read right by this test: it holds the workflows and the rules they use', () => {
    expect(paths()).toEqual(
      expect.arrayContaining([
        './src/workflows/lifecycle-case.ts',
        './src/workflows/approval.ts',
        './src/workflows/wire.ts',
        './src/domain/quorum.ts',
        './src/failure-converter.ts',
      ]),
    );
  });

  test('holds of Usher only workflows, rules and the failure converter', () => {
    const others = paths().filter(
      (path) =>
        path.startsWith('./src/') &&
        !path.startsWith('./src/workflows/') &&
        !path.startsWith('./src/domain/') &&
        path !== './src/failure-converter.ts',
    );
    expect(others).toEqual([]);
  });

  test('holds no validation library and no package but the workflow engine and what it brings', () => {
    const packages = new Set(paths().flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
    expect([...packages].toSorted()).toEqual(allowedPackages);
  });

  test('holds no part of Node', () => {
    expect(
      paths().filter((path) => /^(node:|external )/.test(path) || /^(fs|crypto|http|net|os|path)$/.test(path)),
    ).toEqual([]);
  });

  test('keeps nothing at module level that could change: its modules are shared by all cases of a worker', () => {
    const state = /^(export )?((let|var)\b|const \w+[^=]* = (new (Weak)?(Map|Set)|\[\];|\{\};)).*$/gm;
    const own = paths().filter((path) => path.startsWith('./src/') && path.endsWith('.ts'));
    const found = own.flatMap((path) => {
      const source = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
      return [...source.matchAll(state)].map(([line]) => `${path}: ${line}`);
    });
    expect(own.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
    for (const line of ['let count = 0;', 'export const seen = new Set();', 'const rows: string[] = [];'])
      expect([...line.matchAll(state)]).toHaveLength(1);
  });

  test('stays within its size: 700,000 characters in all, 160,000 of them ours', () => {
    const ours = [...modules].filter(([path]) => path.startsWith('./src/')).reduce((sum, [, size]) => sum + size, 0);
    expect(codeLength).toBeLessThan(700_000);
    expect(ours).toBeGreaterThan(10_000);
    expect(ours).toBeLessThan(160_000);
  });
});

const allowedPackages: string[] = ['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc'];
