/**
 * One case from its evidence to the end of its person, by the command line against a real server: exported, verified and
 * replayed elsewhere, then erased for good, even when an older database comes back.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { databaseUrls, withClient, type DatabaseUrls } from '../../scripts/stack/database-roles.ts';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { plainEnv } from '../../scripts/stack/child-env.ts';
import { runCli } from '../../src/cli/program.ts';
import { createDataConverter } from '../../src/data-converter.ts';
import { bundleHashOf } from '../../src/evidence/evidence-record.ts';
import type { CaseBundle } from '../../src/schemas/evidence.ts';
import { decideByApi, hire, openApproval, untilCase, untilSweepIsSet } from '../support/case-driver.ts';
import { testDatabasePasswords } from '../support/test-database.ts';
import { setSkipping } from '../support/time-skip.ts';
import { testTemporalAddress } from '../support/temporal-env.ts';
import { createWorld, eventually, secretsOf, type World } from '../support/world.ts';

const checkout = resolve(import.meta.dirname, '..', '..');
const person = { firstName: 'Ottoline', lastName: 'Featherstonehaugh' };
const namesOfPerson = /ottoline|featherstonehaugh/i;

let world: World;
let dir: string;
let personId: string;
let token: string;
let ownToken: string;
let olderDatabase: DatabaseUrls;
let bundleFile: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'usher-audit-'));
  world = await createWorld();
  personId = await liveThrough();
  token = await world.tokenOf(null, ['operate', 'security', 'audit']);
  ownToken = await world.tokenOf(personId, ['read:own-cases']);
  const admin = await world.personId('108');
  mkdirSync(join(dir, 'profiles'));
  const profile = { url: world.url, token: await world.tokenOf(admin, ['operate', 'security', 'audit', 'erase']) };
  writeFileSync(join(dir, 'profiles', 'admin.json'), JSON.stringify(profile));
  bundleFile = join(dir, 'bundle.json');
});
afterAll(async () => {
  await world?.close();
  await dropOlderDatabase();
  rmSync(dir, { recursive: true, force: true });
});

/** Joins with an approval, leaves, and is swept to the end. */
async function liveThrough(): Promise<string> {
  const hired = await hire(world, {
    ...person,
    jobTitle: 'Account Executive',
    department: 'Sales',
    supervisorEId: '105',
  });
  await decideByApi(world, await openApproval(world, hired.personId, 1));
  await untilCase(world, hired.personId, 1, 'done');
  world.company.bamboohr.hr.terminate(hired.employee.id);
  const caseId = `case_${hired.personId}_2`;
  await untilSweepIsSet(world, caseId, 1);
  await setSkipping(world.client, caseId, true);
  await untilCase(world, hired.personId, 2, 'done');
  return hired.personId;
}

interface Ran {
  exitCode: number;
  out: string;
  error: string;
}

async function usher(...args: string[]): Promise<Ran> {
  let [out, error] = ['', ''];
  const exitCode = await runCli(args, {
    env: { USHER_DATA_DIR: dir, USHER_KEYS_DIR: world.keysDir },
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

/** In a process of its own, as an auditor runs it. */
async function replay(file: string, { keysDir = world.keysDir, args = [] as string[] } = {}): Promise<Ran> {
  const all = [join(checkout, 'src', 'cli.ts'), 'audit', 'replay', file, '--keys-dir', keysDir, ...args];
  const child = spawn(process.execPath, all, { env: { ...plainEnv(process.env), USHER_DATA_DIR: dir } });
  let [out, error] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, out, error };
}

const readBundle = (): CaseBundle => JSON.parse(readFileSync(bundleFile, 'utf8')) as CaseBundle;

function writeTampered(bundle: unknown): string {
  const file = join(dir, 'tampered.json');
  writeFileSync(file, JSON.stringify(bundle));
  return file;
}

describe('usher audit export', () => {
  test('writes evidence, proofs and the history of every workflow of the case to a file of its owner alone', async () => {
    const { exitCode, out } = await usher('audit', 'export', `case_${personId}_1`, '-o', bundleFile);
    expect([exitCode, out]).toEqual([0, expect.stringContaining('audit replay')]);
    const bundle = readBundle();
    const kinds = new Set(bundle.records.map(({ record }) => record.kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['planned', 'decided', 'intended', 'verified', 'caseClosed']));
    expect(
      Object.keys(bundle.histories)
        .map((id) => id.split('_')[0])
        .toSorted(),
    ).toEqual(['approval', 'case', 'provisioning']);
  });
});

describe('usher audit replay', () => {
  test('verifies the file offline and takes the recorded steps again', async () => {
    const { exitCode, out, error } = await replay(bundleFile);
    expect([exitCode, error]).toEqual([0, '']);
    expect(out).toMatch(/^Sound: \d+ records, keys of this installation\.$/m);
    expect(out.match(/^replays: /gm)).toHaveLength(3);
  });

  test('says what is wrong with a file in which one record, or one step of a history, was edited', async () => {
    const edited = readBundle();
    const [first] = edited.records;
    if (first) first.record.body = { ...first.record.body, note: 'nothing happened' };
    const editedRun = await replay(writeTampered(edited));
    expect([editedRun.exitCode, editedRun.error]).toEqual([1, '']);
    expect(editedRun.out).toMatch(/^recordEdited: Record \d+ /m);
    expect(editedRun.out).toMatch(/^NOT SOUND/m);
    expect(editedRun.out).toContain('Not replayed');

    const cut = readBundle();
    const [historyId = ''] = Object.keys(cut.histories);
    (cut.histories[historyId] as { events: unknown[] }).events.pop();
    const cutRun = await replay(writeTampered(cut), { args: ['--json'] });
    const answer = JSON.parse(cutRun.out) as { verification: { isSound: boolean; findings: { code: string }[] } };
    expect(cutRun.exitCode).toBe(1);
    expect(answer.verification.findings.map(({ code }) => code)).toContain('exportChanged');
  });

  test('without the keys of the installation verifies all the same, says what is missing, and makes no keys', async () => {
    const keysDir = join(dir, 'elsewhere');
    const { exitCode, out, error } = await replay(bundleFile, { keysDir });
    expect([exitCode, error]).toEqual([1, '']);
    expect(out).toMatch(/^Sound: \d+ records, keys inside the file only\.$/m);
    expect(out).toMatch(/^Not replayed: .*encrypted.*--keys-dir/m);
    expect(existsSync(keysDir)).toBe(false);
  });

  test('with keys of another installation says that the histories cannot be read', async () => {
    const keysDir = join(dir, 'other-keys');
    createDataConverter(keysDir);
    const { exitCode, out, error } = await replay(bundleFile, { keysDir });
    expect([exitCode, error]).toEqual([1, '']);
    expect(out).toMatch(/^(Not replayed|DIFFERS): .*made with another key/m);
  });

  test('names the workflow whose history the code would not have written, even in a file that is signed', async () => {
    const { bundleHash: _hash, signature: _signature, ...content } = readBundle();
    const other = structuredClone(content);
    const caseId = `case_${personId}_1`;
    const text = JSON.stringify(other.histories[caseId]).replace('"name":"planCase"', '"name":"closeCase"');
    expect(text).not.toBe(JSON.stringify(content.histories[caseId]));
    other.histories[caseId] = JSON.parse(text) as never;
    const bundleHash = bundleHashOf(other);
    const signature = world.serverDeps.signer.sign('export', { bundleHash });
    const { exitCode, out } = await replay(writeTampered({ ...other, bundleHash, signature }));
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^Sound: /m);
    expect(out).toMatch(new RegExp(`^DIFFERS: ${caseId}: .*Nondeterminism`, 'm'));
  });
});

/** Everything that the surfaces show of the person, as one text. */
async function shown(url: string, bearer: string): Promise<string> {
  const paths = [
    `/api/v1/persons/${personId}`,
    '/api/v1/cases',
    `/api/v1/cases/case_${personId}_1`,
    `/api/v1/cases/case_${personId}_2`,
    '/api/v1/approvals?state=any',
    '/api/v1/story',
    `/api/v1/audit/cases/case_${personId}_1`,
    '/',
  ];
  const texts: string[] = [];
  for (const path of paths) {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
    expect([path, response.status]).toEqual([path, 200]);
    texts.push(`${path}\n${await response.text()}`);
  }
  return texts.join('\n');
}

async function tokensOfPerson(): Promise<{ label: string; isRevoked: boolean }[]> {
  const rows = await world.ownerDb
    .selectFrom('access_token')
    .select(['label', 'revoked_at'])
    .where('person_id', '=', personId)
    .execute();
  return rows.map((row) => ({ label: row.label, isRevoked: row.revoked_at !== null }));
}

describe('usher person erase', () => {
  test('makes the names unreadable on every surface and in the export, ends the tokens, and leaves the log sound', async () => {
    expect((await shown(world.url, token)).match(new RegExp(namesOfPerson, 'gi'))?.length).toBeGreaterThan(5);
    expect(readFileSync(bundleFile, 'utf8')).toMatch(namesOfPerson);
    expect(await tokensOfPerson()).toEqual([{ label: 'test', isRevoked: false }]);
    olderDatabase = await copyDatabase();

    const erased = await usher('person', 'erase', personId, '--reason', 'requested');
    expect([erased.exitCode, erased.error]).toEqual([0, '']);

    expect(await shown(world.url, token)).not.toMatch(namesOfPerson);
    expect(await tokensOfPerson()).toEqual([{ label: 'erased', isRevoked: true }]);
    expect((await world.api('/api/v1/me', { token: ownToken })).status).toBe(401);
    const again = join(dir, 'again.json');
    expect((await usher('audit', 'export', `case_${personId}_1`, '-o', again)).exitCode).toBe(0);
    expect(readFileSync(again, 'utf8')).not.toMatch(namesOfPerson);
    const replayed = await replay(again);
    expect([replayed.exitCode, replayed.error]).toEqual([0, '']);
    const verified = await usher('audit', 'verify');
    expect([verified.exitCode, verified.out]).toEqual([0, expect.stringMatching(/^Sound: /m)]);
  });

  test('holds when an older database comes back: the server erases again before it serves', async () => {
    const server = await startServer(olderDatabase);
    try {
      expect(await shownOf(server.url)).not.toMatch(namesOfPerson);
      const { rows } = await withClient(olderDatabase.ownerUrl, (client) =>
        client.query<{ erased_at: Date | null; sealed: number }>(
          `select p.erased_at, (select coalesce(sum(length(facts_sealed)), 0)::int from snapshot s
             where s.person_id = p.person_id) as sealed from person p where p.person_id = $1`,
          [personId],
        ),
      );
      expect(rows).toEqual([{ erased_at: expect.any(Date), sealed: 0 }]);
    } finally {
      await server.stop();
    }
  });

  test('the gap of the restored database is signed, and from then on its log is sound', async () => {
    const local = ['--database-url', olderDatabase.ownerUrl, '--keys-dir', world.keysDir];
    const cut = await usher('audit', 'verify', ...local);
    expect([cut.exitCode, cut.out]).toEqual([1, expect.stringContaining('NOT SOUND')]);
    const signed = await usher('audit', 'restored', '--reason', 'backup of last night', ...local);
    expect([signed.exitCode, signed.error]).toEqual([0, '']);
    const server = await startServer(olderDatabase);
    try {
      await eventually(async () => (await usher('audit', 'verify', ...local)).exitCode === 0, 'the log is sound');
    } finally {
      await server.stop();
    }
  });
});

/** What needs no checkpoint: an export is refused until the gap is signed. */
async function shownOf(url: string): Promise<string> {
  const paths = [
    `/api/v1/persons/${personId}`,
    '/api/v1/cases',
    `/api/v1/cases/case_${personId}_1`,
    '/api/v1/story',
    '/',
  ];
  const texts: string[] = [];
  for (const path of paths) {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    expect([path, response.status]).toEqual([path, 200]);
    texts.push(await response.text());
  }
  return texts.join('\n');
}

const copyName = `restored_${process.pid}_${Date.now()}`;
const adminUrl = (): string => process.env['TEST_DATABASE_ADMIN_URL'] ?? '';

/** The database as it is now, under another name: what a backup restores. Whoever is connected is sent away for a moment. */
async function copyDatabase(): Promise<DatabaseUrls> {
  await withClient(adminUrl(), async (client) => {
    const name = client.escapeIdentifier(world.database.name);
    await client.query(`alter database ${name} with allow_connections false`);
    try {
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        world.database.name,
      ]);
      await client.query(`create database ${client.escapeIdentifier(copyName)} template ${name}`);
    } finally {
      await client.query(`alter database ${name} with allow_connections true`);
    }
  });
  return databaseUrls(adminUrl(), copyName, testDatabasePasswords);
}

async function dropOlderDatabase(): Promise<void> {
  await withClient(adminUrl(), async (client) => {
    await client.query(`drop database if exists ${client.escapeIdentifier(copyName)} with (force)`);
  });
}

/** The real server process on that database, with the keys of this installation. */
async function startServer(database: DatabaseUrls): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await new PortPicker().any();
  const secretsFile = join(dir, 'secrets.json');
  writeFileSync(secretsFile, JSON.stringify(secretsOf()));
  const child: ChildProcess = spawn(process.execPath, [join(checkout, 'src', 'server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...plainEnv(process.env),
      USHER_DATA_DIR: dir,
      USHER_KEYS_DIR: world.keysDir,
      USHER_DATABASE_URL: database.serverUrl,
      USHER_TEMPORAL_ADDRESS: testTemporalAddress(),
      USHER_SECRETS_FILE: secretsFile,
      USHER_SMTP_URL: 'smtp://127.0.0.1:9',
      USHER_POLICY_DIR: join(checkout, 'sandbox', 'policies'),
      USHER_HTTP_PORT: String(port),
      USHER_LOG_LEVEL: 'error',
    },
  });
  const exited = once(child, 'exit');
  const ready = new Promise<void>((isReady) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('ready')) isReady();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  await Promise.race([ready, exited.then(() => Promise.reject(new Error('the server did not come up')))]);
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${url}/healthz`)).ok, 'the server answers');
  return { url, stop };
}
