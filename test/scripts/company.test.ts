/** The whole local company with the real PostgreSQL and the real Temporal server; the three processes are stand-ins. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withClient } from '../../scripts/stack/database-roles.ts';
import { checkout, readObject } from '../../scripts/stack/data-folder.ts';
import { until } from './stand-ins/until.ts';

const patienceMs = 90_000;

interface Starter {
  child: ChildProcess;
  ownerUrl: string;
}

describe('a local company', () => {
  let dir: string;
  const starters: ChildProcess[] = [];

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'usher-company-'));
    chmodSync(dir, 0o711);
  });
  afterEach(async () => {
    for (const child of starters.splice(0)) child.kill('SIGTERM');
    await until('nothing runs on the folder', () => processesOn().length === 0);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Command lines that name the folder; the stand-ins carry it in their environment only. */
  const processesOn = (): string[] =>
    execFileSync('ps', ['-ww', '-eo', 'command='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(dir) && !line.startsWith('ps '));

  const isGone = (pid: unknown): boolean =>
    typeof pid === 'number' &&
    spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
      .stdout.toString()
      .trim()
      .replace(/^Z.*/, '') === '';

  async function start(): Promise<Starter> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'stand-ins', 'run-company.ts'), dir]);
    starters.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    await until(`the company is up`, () => /^up /m.test(said) || child.exitCode !== null, patienceMs);
    const ownerUrl = /^up (\S+)/m.exec(said)?.[1];
    if (ownerUrl === undefined) throw new Error(said);
    return { child, ownerUrl };
  }

  const environmentOf = (name: string): Record<string, unknown> => readObject(join(dir, `${name}-environment.json`));

  test('gives each process the credentials of its role and no other, and the HR system its receiver', async () => {
    const { ownerUrl } = await start();
    const server = environmentOf('server');
    const worker = environmentOf('worker');
    expect(server['USHER_DATABASE_OWNER_URL']).toBe(ownerUrl);
    expect(JSON.stringify(worker)).not.toContain(ownerUrl);
    expect(new URL(String(server['USHER_DATABASE_URL'])).username).toBe('usher_server');
    expect(new URL(String(worker['USHER_DATABASE_URL'])).username).toBe('usher_worker');
    expect(readObject(String(server['USHER_SECRETS_FILE']))).toEqual({ bamboohr: { apiKey: 'hr' } });
    expect(readObject(String(worker['USHER_SECRETS_FILE']))).toEqual({ okta: { token: 'target' } });
    expect(worker['USHER_SERVER_URL']).toBe(server['USHER_PUBLIC_URL']);
    expect(worker['USHER_SMTP_URL']).toBe('smtp://127.0.0.1:2525');
    const sandbox = readFileSync(join(dir, 'sandbox', 'environment.json'), 'utf8');
    expect(sandbox).not.toMatch(/usher_(owner|server|worker)/);
    const webhook = { url: `${String(server['USHER_PUBLIC_URL'])}/webhooks/bamboohr` };
    const received = readObject(join(dir, 'sandbox', 'received.json'));
    expect(received).toEqual({ path: '/_sandbox/webhook', body: JSON.stringify(webhook) });
    for (const url of [server['USHER_DATABASE_URL'], worker['USHER_DATABASE_URL']]) {
      const create = withClient(String(url), (client) => client.query('create table mine (id int)'));
      await expect(create).rejects.toThrow('permission denied');
    }
  }, 120_000);

  test('is one per folder: a second start and a reset are refused while it runs, and it goes on', async () => {
    const { ownerUrl } = await start();
    await expect(start()).rejects.toThrow('already runs on');
    const env = { ...process.env, USHER_DATA_DIR: dir };
    const reset = spawnSync(process.execPath, [join(checkout, 'scripts', 'reset.js')], { env, encoding: 'utf8' });
    expect(reset.status).toBe(1);
    expect(reset.stderr).toContain('Stop it first');
    await withClient(ownerUrl, (client) => client.query('select 1'));
  }, 120_000);

  test('that is killed leaves no process, and the next start finds what was written', async () => {
    const { child, ownerUrl } = await start();
    await withClient(ownerUrl, (client) => client.query('create table kept as select 42 as answer'));
    const standIns = ['server', 'worker'].map((name) => environmentOf(name)['STAND_IN_PID']);
    expect(standIns.every((pid) => typeof pid === 'number' && !isGone(pid))).toBe(true);
    child.kill('SIGKILL');
    await until('everything ended', () => processesOn().length === 0 && standIns.every(isGone));
    const second = await start();
    const { rows } = await withClient(second.ownerUrl, (client) => client.query('select answer from kept'));
    expect(rows).toEqual([{ answer: 42 }]);
  }, 120_000);

  test('whose PostgreSQL was killed with a pid file left behind starts again, even if another program has that number', async () => {
    const { child, ownerUrl } = await start();
    await withClient(ownerUrl, (client) => client.query('create table survived as select 7 as answer'));
    child.kill('SIGTERM');
    await until('everything ended', () => processesOn().length === 0);
    const { homeDir } = readObject(join(dir, 'database-location.json'));
    // This very test process: alive, and no PostgreSQL.
    writeFileSync(join(String(homeDir), 'data', 'postmaster.pid'), `${process.pid}\n`, { mode: 0o644 });
    const second = await start();
    const { rows } = await withClient(second.ownerUrl, (client) => client.query('select answer from survived'));
    expect(rows).toEqual([{ answer: 7 }]);
  }, 120_000);
});
