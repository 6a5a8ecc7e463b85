/** The small parts of the starter: ports, the data folder, the story, the installation check. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pickPorts } from '../../scripts/stack/company-ports.ts';
import { checkout, databasePasswords, prepareDataFolder, splitSecrets } from '../../scripts/stack/data-folder.ts';
import { isReachable } from '../../scripts/stack/postgres-home.ts';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { takeDataDir } from '../../scripts/stack/run-file.ts';
import { followStory, rememberedPlace } from '../../scripts/stack/story.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'usher-parts-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const listen = (port: number, host?: string): Promise<{ port: number; close: () => Promise<void> }> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      const close = (): Promise<void> => new Promise((done) => void server.close(() => done()));
      resolve({ port: address.port, close });
    });
  });

describe('ports', () => {
  test.each(['127.0.0.1', undefined])(
    'a port that is taken on %s is passed over, and none is given twice',
    async (host) => {
      const taken = await listen(0, host);
      const picker = new PortPicker();
      const first = await picker.pick(taken.port);
      const second = await picker.pick(taken.port);
      expect(first).toBeGreaterThan(taken.port);
      expect(second).toBeGreaterThan(first);
      await taken.close();
    },
  );

  test('a taken port is replaced and told; the next start keeps the ports of the last', async () => {
    const folder = prepareDataFolder(dir);
    const before = await pickPorts(folder, () => undefined, true);
    const taken = await listen(before.http, '127.0.0.1');
    const said: string[] = [];
    const after = await pickPorts(folder, (line) => said.push(line));
    await taken.close();
    expect(said).toContain(`Usher's port ${before.http} is taken; using ${after.http}`);
    expect(after.http).not.toBe(before.http);
    expect(after.temporal).toBe(before.temporal);
  });
});

describe('the data folder', () => {
  test('keeps passwords where only their owner reads them, the same at every start', () => {
    const folder = prepareDataFolder(dir);
    const passwords = databasePasswords(folder);
    expect(statSync(folder.secrets).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder.secrets)) {
      expect(statSync(join(folder.secrets, name)).mode & 0o777).toBe(0o600);
    }
    expect(new Set(Object.values(passwords)).size).toBe(4);
    expect(databasePasswords(prepareDataFolder(dir))).toEqual(passwords);
  });

  test('the server gets the HR secrets and no other, the worker all others and not these', () => {
    const { server, worker } = splitSecrets({ bamboohr: 1, okta: 2, servicenow: 3, another: 4 });
    expect(server).toEqual({ bamboohr: 1 });
    expect(worker).toEqual({ okta: 2, servicenow: 3, another: 4 });
  });

  test('belongs to one starter at a time, and a run file that a crash left behind stops nobody', async () => {
    const first = await takeDataDir(dir);
    await expect(takeDataDir(dir)).rejects.toThrow('already runs on');
    first.release();
    const left = { pid: process.pid, runId: 'of-a-crashed-run', controlPort: 1 };
    writeFileSync(join(dir, 'run.json'), JSON.stringify(left));
    const second = await takeDataDir(dir);
    second.release();
    expect(readdirSync(dir)).toEqual([]);
  });

  test('below a closed directory it is not reachable for another user', () => {
    const stranger = { uid: 54_321, gid: 54_321 };
    const inside = join(dir, 'closed', 'data');
    mkdirSync(inside, { recursive: true });
    chmodSync(dir, 0o755);
    expect(isReachable(inside, stranger)).toBe(true);
    chmodSync(join(dir, 'closed'), 0o700);
    expect(isReachable(inside, stranger)).toBe(false);
    expect(isReachable(inside, null)).toBe(true);
  });
});

describe('the story', () => {
  test('every line is printed once and in order, a page that failed is asked for again, and the place is remembered', async () => {
    const all = ['one', 'two', 'three', 'four'];
    const stop = new AbortController();
    const said: string[] = [];
    let calls = 0;
    const read = (after: number): Promise<{ lines: string[]; after: number }> => {
      calls += 1;
      if (calls === 2) return Promise.reject(new Error('no answer'));
      if (after === all.length) stop.abort();
      const lines = all.slice(after, after + 2);
      return Promise.resolve({ lines, after: after + lines.length });
    };
    await followStory(read, (line) => said.push(line), rememberedPlace(dir), stop.signal, 1);
    expect(said).toEqual(all);
    expect(rememberedPlace(dir).from).toBe(all.length);
  });
});

describe('the commands before anything is installed', () => {
  const isInstalled = (folder: string): boolean => {
    const script = `import { isInstalled } from ${JSON.stringify(join(checkout, 'scripts', 'bootstrap.js'))};
      console.log(isInstalled(${JSON.stringify(folder)}));`;
    return (
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim() === 'true'
    );
  };
  const lockfile = (version: string): string =>
    JSON.stringify({
      packages: { '': {}, 'node_modules/a': { version }, 'node_modules/b': { version: '1.0.0', optional: true } },
    });

  test('packages count as installed only while they are those of the lockfile', () => {
    writeFileSync(join(dir, 'package-lock.json'), lockfile('1.0.0'));
    expect(isInstalled(dir)).toBe(false);
    mkdirSync(join(dir, 'node_modules'));
    writeFileSync(
      join(dir, 'node_modules', '.package-lock.json'),
      '{"packages":{"node_modules/a":{"version":"0.9.0"}}}',
    );
    expect(isInstalled(dir)).toBe(false);
    writeFileSync(
      join(dir, 'node_modules', '.package-lock.json'),
      '{"packages":{"node_modules/a":{"version":"1.0.0"}}}',
    );
    expect(isInstalled(dir)).toBe(true);
    writeFileSync(join(dir, 'package-lock.json'), lockfile('2.0.0'));
    expect(isInstalled(dir)).toBe(false);
  });

  test('reset removes no folder that is not a data folder', () => {
    writeFileSync(join(dir, 'thesis.txt'), 'years of work');
    const env = { ...process.env, USHER_DATA_DIR: dir };
    const result = spawnSync(process.execPath, [join(checkout, 'scripts', 'reset.js')], { env, encoding: 'utf8' });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('does not look like a data folder');
    expect(readdirSync(dir)).toEqual(['thesis.txt']);
  });
});
