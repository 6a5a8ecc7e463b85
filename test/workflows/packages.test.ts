/** The engine's packages belong together to the letter: two copies, or two versions, fail only at run time. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

interface Lockfile {
  packages: Record<string, { version?: string }>;
}
interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  overrides: Record<string, string>;
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const lockfile = read('package-lock.json') as Lockfile;
const manifest = read('package.json') as Manifest;

/** Every place at which the lockfile installs the package, with its version. */
function copiesOf(name: string): [string, string | undefined][] {
  return Object.entries(lockfile.packages)
    .filter(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    .map(([path, { version }]) => [path, version]);
}

describe('packages', () => {
  test('there is one protobufjs, at the version that the override names', () => {
    expect(copiesOf('protobufjs')).toEqual([['node_modules/protobufjs', manifest.overrides['protobufjs']]]);
    expect(manifest.dependencies['protobufjs']).toBe(manifest.overrides['protobufjs']);
    const installed = read('node_modules/protobufjs/package.json') as { version: string };
    expect(installed.version).toBe(manifest.overrides['protobufjs']);
  });

  test('all packages of the engine are pinned, installed and locked at one exact version', () => {
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(([name]) =>
      name.startsWith('@temporalio/'),
    );
    expect(wanted.length).toBeGreaterThan(4);
    const version = manifest.dependencies['@temporalio/worker'];
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const entry of wanted) expect(entry).toEqual([entry[0], version]);
    const locked = Object.entries(lockfile.packages).filter(([path]) => /node_modules\/@temporalio\/[^/]+$/.test(path));
    expect(locked.length).toBeGreaterThanOrEqual(wanted.length);
    for (const [path, { version: at }] of locked) expect([path, at]).toEqual([path, version]);
  });

  test('every direct dependency is pinned exactly, zod among them once', () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    for (const [name, version] of all) expect([name, /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)]).toEqual([name, true]);
    expect(copiesOf('zod')).toEqual([['node_modules/zod', manifest.dependencies['zod']]]);
  });
});
