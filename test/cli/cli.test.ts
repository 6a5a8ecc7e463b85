/** The command `usher` against a real server: what it prints, and the exit code of every way to fail. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCli } from '../../src/cli/program.ts';
import { exportCase } from '../../src/evidence/export.ts';
import { appendEvidence } from '../../src/evidence/log.ts';
import type { Scope } from '../../src/auth/scopes.ts';
import { createHttpFixture, startedAt, type HttpFixture } from '../http/http-fixture.ts';
import { addApproval, addCase, addCutoff, anItem } from '../http/rows.ts';

let fixture: HttpFixture;
let dataDir: string;
beforeAll(async () => {
  fixture = await createHttpFixture();
  dataDir = mkdtempSync(join(tmpdir(), 'usher-cli-'));
  mkdirSync(join(dataDir, 'profiles'));
  await addProfile('admin', ['operate', 'security', 'audit', 'erase', 'read:own-cases']);
});
afterAll(async () => {
  rmSync(dataDir, { recursive: true, force: true });
  await fixture.close();
});

async function addProfile(name: string, scopes: Scope[], personId?: string): Promise<void> {
  const { token } = await fixture.tokenWith(scopes, personId === undefined ? {} : { personId });
  writeFileSync(join(dataDir, 'profiles', `${name}.json`), JSON.stringify({ url: fixture.url, token }));
}

interface Ran {
  exitCode: number;
  out: string;
  error: string;
}

async function usher(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  let [out, error] = ['', ''];
  const exitCode = await runCli(args, {
    env: { USHER_DATA_DIR: dataDir, ...env },
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

const unknown = randomUUID();

describe('every way to fail has its exit code and says what to do', () => {
  it.each([
    [['nonsense'], 2, 'unknown command'],
    [['cases', '--nonsense'], 2, 'unknown option'],
    [['cases', '--state', 'lost'], 2, 'state'],
    [['case', 'show'], 2, 'missing required argument'],
    [['case', 'show', '17'], 2, 'case_<personId>_<n>'],
    [['case', 'show', `case_${unknown}_1`], 4, 'no case'],
    [['approve'], 2, 'missing required argument'],
    [['approve', 'x'], 2, 'approval_<personId>_<n>_<k>'],
    [['approve', `approval_${unknown}_1_1`], 4, 'no such approval'],
    [['deny', `approval_${unknown}_1_1`], 2, '--reason'],
    [['deny', `approval_${unknown}_1_1`, '--reason', 'x'], 4, 'no such approval'],
    [['person', 'show', 'Ada'], 2, 'a person id or <hris>/<key>'],
    [['person', 'show', 'bamboohr/999999'], 4, 'Nobody answers'],
    [['person', 'erase', unknown], 2, '--reason'],
    [['person', 'erase', unknown, '--reason', 'why not'], 2, 'reason'],
    [['leave', 'bamboohr/999999'], 2, '--reason'],
    [['leave', 'bamboohr/999999', '--reason', 'x'], 4, 'Nobody answers'],
    [['hold', 'release', '--reason', 'x'], 2, '--all'],
    [['hold', 'release', unknown, '--reason', 'x'], 4, 'Nobody answers'],
    [['retry', `case_${unknown}_1`, 'crm'], 4, 'no case'],
    [['systems', 'check', 'nosuch'], 4, 'no system nosuch'],
    [['audit', 'export', 'x'], 2, 'case_<personId>_<n>'],
    [['audit', 'replay', '/no/such/file'], 2, 'cannot be read'],
    [['audit', 'verify', '--database-url', 'postgres://x', '--keys-dir', '/no/such'], 2, 'not the key folder'],
    [['audit', 'restored', '--reason', 'x'], 2, '--database-url'],
    [['policy', 'check', '/no/such/folder'], 2, 'cannot be read'],
    [['cases', '--profile', 'nobody'], 3, 'no profile nobody'],
    [['cases', '--profile', '../admin'], 2, 'A profile is named'],
    [['cases', '--token-file', '/no/such'], 2, 'cannot be read'],
    [['cases', '--server', 'ftp://x'], 2, 'http://'],
    [['cases', '--server', 'http://127.0.0.1:9'], 6, 'No answer'],
  ])('usher %j', async (args, exitCode, message) => {
    const ran = await usher(args);
    expect({ exitCode: ran.exitCode, error: ran.error }).toEqual({ exitCode, error: expect.stringContaining(message) });
    expect(ran.error).not.toMatch(/\n\s+at /);
    expect(ran.out).toBe('');
  });

  it('a wrong token ends with 3, and so does one without the scope', async () => {
    const wrong = await usher(['cases'], { USHER_TOKEN: `ush_${'A'.repeat(43)}`, USHER_SERVER_URL: fixture.url });
    expect(wrong).toMatchObject({ exitCode: 3, error: expect.stringContaining('--profile') });
    await addProfile('reader', ['read:own-cases']);
    const refused = await usher(['hold', 'list', '--profile', 'reader']);
    expect(refused).toMatchObject({ exitCode: 3, error: expect.stringContaining('needs one of the scopes') });
  });

  it('a profile that is no profile ends with 2', async () => {
    writeFileSync(join(dataDir, 'profiles', 'broken.json'), '{"url": 7');
    expect(await usher(['cases', '--profile', 'broken'])).toMatchObject({ exitCode: 2 });
  });

  it('help ends with 0', async () => {
    expect(await usher(['--help'])).toMatchObject({ exitCode: 0, error: '' });
  });
});

describe('reading', () => {
  it('takes the token from a file before the environment and the profile', async () => {
    const file = join(dataDir, 'token');
    writeFileSync(file, `${(await fixture.tokenWith(['operate'])).token}\n`);
    const env = { USHER_TOKEN: 'wrong', USHER_SERVER_URL: fixture.url };
    expect(await usher(['cases', '--token-file', file], env)).toMatchObject({ exitCode: 0 });
    expect(await usher(['cases'], env)).toMatchObject({ exitCode: 3 });
  });

  it('prints a case for people and as JSON, and no name steers the terminal', async () => {
    const personId = await fixture.addPerson({ displayName: 'Ada\u001b[31m\u202E Lovelace', sourceKey: '104' });
    const caseId = await addCase(fixture, { personId });
    const list = await usher(['cases']);
    expect(list.out).toContain(caseId);
    // eslint-disable-next-line no-control-regex -- control characters are what must be absent
    expect(list.out).not.toMatch(/[\u001b\u202E]/);
    const shown = await usher(['case', 'show', caseId, '--json']);
    expect(JSON.parse(shown.out)).toMatchObject({ caseId, personId });
    const person = await usher(['person', 'show', 'bamboohr/104', '--json']);
    expect(JSON.parse(person.out)).toMatchObject({ personId, cases: [{ caseId }] });
    for (const args of [['approvals'], ['hold', 'list'], ['case', 'show', caseId], ['person', 'show', personId]])
      expect(await usher(args)).toMatchObject({ exitCode: 0, error: '' });
  });

  it('a reader that closes the pipe early is no failure', async () => {
    const cli = resolve('src/cli.ts');
    const child = spawn(process.execPath, [cli, 'cases', '--json'], {
      env: { PATH: process.env['PATH'], USHER_DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let error = '';
    child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
    const exitCode = await new Promise((done) => child.on('close', done));
    expect({ exitCode, error }).toEqual({ exitCode: 0, error: '' });
  });
});

describe('deciding', () => {
  it('approves what is open, denies single items by their prefix, and a second time ends with 5', async () => {
    const approver = await fixture.addPerson();
    const personId = await fixture.addPerson();
    await addCase(fixture, { personId });
    const items = [anItem(), anItem(), anItem({ risk: 9 })];
    const { approvalId } = await addApproval(fixture, { personId, approverIds: [approver], items });
    await addProfile('mona', ['decide'], approver);
    const as = (...args: string[]) => usher([...args, '--profile', 'mona']);
    const prefix = items[0]!.itemDigest.slice(0, 8);
    expect((await as('approvals')).out).toContain(prefix);
    expect(await as('deny', approvalId, '--item', prefix, '--reason', 'not needed')).toMatchObject({ exitCode: 0 });
    expect(await as('approve', approvalId)).toMatchObject({ exitCode: 2, error: expect.stringContaining('reason') });
    expect(await as('approve', approvalId, '--item', 'ffffff00')).toMatchObject({ exitCode: 4 });
    expect(await as('approve', approvalId, '--item', 'xyz')).toMatchObject({ exitCode: 2 });
    expect(await as('approve', approvalId, '--reason', 'agreed')).toMatchObject({ exitCode: 0 });
    expect(await as('approve', approvalId, '--reason', 'agreed')).toMatchObject({ exitCode: 5 });
    const rows = await fixture.db
      .selectFrom('decision')
      .selectAll()
      .where('approval_id', '=', approvalId)
      .orderBy('decision_id')
      .execute();
    const counted = rows.map(({ surface, approver_id, verdicts }) => ({
      surface,
      approver_id,
      count: verdicts.length,
    }));
    expect(counted.toSorted((a, b) => a.count - b.count)).toEqual([
      { surface: 'cli', approver_id: approver, count: 1 },
      { surface: 'cli', approver_id: approver, count: 2 },
    ]);
  });

  it('refuses the token of somebody else with 3', async () => {
    const personId = await fixture.addPerson();
    await addCase(fixture, { personId });
    const { approvalId } = await addApproval(fixture, { personId, approverIds: [await fixture.addPerson()] });
    await addProfile('operator', ['operate', 'decide']);
    const ran = await usher(['approve', approvalId, '--profile', 'operator']);
    expect(ran).toMatchObject({ exitCode: 3, error: expect.stringContaining('approvers') });
  });
});

describe('policy and evidence', () => {
  it('checks a policy folder without a server, with file and line of what is wrong', async () => {
    expect(await usher(['policy', 'check', 'sandbox/policies'])).toMatchObject({ exitCode: 0 });
    const folder = mkdtempSync(join(tmpdir(), 'usher-policy-'));
    writeFileSync(join(folder, 'broken.yaml'), 'systems:\n  - id: Not A Slug\n');
    const ran = await usher(['policy', 'check', folder]);
    rmSync(folder, { recursive: true });
    expect(ran).toMatchObject({ exitCode: 1, error: '' });
    expect(ran.out).toContain('broken.yaml:2:');
  });

  it('verifies by the server and here, and answers 1 when a record was edited', async () => {
    const personId = await fixture.addPerson();
    const record = { kind: 'caseOpened' as const, personId, caseId: null, body: { reason: 'x' }, values: null };
    await fixture.db
      .transaction()
      .execute((tx) => appendEvidence(tx, fixture.deps.vault, [{ ...record, operationKey: randomUUID() }], startedAt));
    await fixture.deps.checkpointer.checkpoint();
    const here = ['audit', 'verify', '--database-url', fixture.database.ownerUrl, '--keys-dir', fixture.keysDir];
    expect(await usher(['audit', 'verify'])).toMatchObject({ exitCode: 0, out: expect.stringContaining('Sound') });
    expect(await usher(here)).toMatchObject({ exitCode: 0, out: expect.stringContaining('Sound') });
    const other = await createHttpFixture();
    await other.db
      .transaction()
      .execute((tx) => appendEvidence(tx, other.deps.vault, [{ ...record, operationKey: 'one' }], startedAt));
    await other.deps.checkpointer.checkpoint();
    const { openDb } = await import('../../src/store/db.ts');
    const owner = openDb(other.database.ownerUrl, 1);
    await owner
      .updateTable('evidence')
      .set({ body: JSON.stringify({ reason: 'y' }) })
      .execute();
    await owner.destroy();
    const ran = await usher([
      'audit',
      'verify',
      '--database-url',
      other.database.ownerUrl,
      '--keys-dir',
      other.keysDir,
    ]);
    await other.close();
    expect(ran).toMatchObject({ exitCode: 1, out: expect.stringContaining('NOT SOUND') });
  });

  it('verifies an exported file by the keys of the installation, and finds an edit', async () => {
    const personId = await fixture.addPerson();
    const caseId = await addCase(fixture, { personId });
    const record = { operationKey: 'export', kind: 'caseOpened' as const, personId, caseId, body: {}, values: null };
    await fixture.db.transaction().execute((tx) => appendEvidence(tx, fixture.deps.vault, [record], startedAt));
    const made = await fixture.deps.checkpointer.checkpoint();
    if (made.outcome === 'refused' || made.checkpoint === null) throw new Error('no checkpoint');
    const { checkpoint } = made;
    const exported = await exportCase({ ...fixture.deps, caseId, checkpoint, histories: {}, now: startedAt });
    if (exported.outcome !== 'exported') throw new Error(exported.outcome);
    const file = join(dataDir, 'case.json');
    writeFileSync(file, JSON.stringify(exported.bundle));
    const env = { USHER_KEYS_DIR: fixture.keysDir };
    const sound = await usher(['audit', 'replay', file], env);
    expect(sound).toMatchObject({ exitCode: 0, out: expect.stringContaining('keys of this installation') });
    writeFileSync(file, readFileSync(file, 'utf8').replace('caseOpened', 'caseClosed'));
    const edited = await usher(['audit', 'replay', file, '--json'], env);
    expect(edited.exitCode).toBe(1);
    expect(JSON.parse(edited.out)).toMatchObject({ verification: { isSound: false } });
    writeFileSync(file, 'no json');
    expect(await usher(['audit', 'replay', file], env)).toMatchObject({ exitCode: 2 });
  });

  it('refuses to export without histories, and says that it is not the auditor who can help', async () => {
    const personId = await fixture.addPerson();
    const caseId = await addCase(fixture, { personId });
    const ran = await usher(['audit', 'export', caseId, '-o', join(dataDir, 'never.json')]);
    expect(ran).toMatchObject({ exitCode: 6, error: expect.stringContaining('Temporal') });
    expect(() => statSync(join(dataDir, 'never.json'))).toThrow();
  });

  it('declares a restored database only where there is a gap', async () => {
    const args = ['audit', 'restored', '--reason', 'restored the backup of Monday'];
    const where = ['--database-url', fixture.database.serverUrl, '--keys-dir', fixture.keysDir];
    expect(await usher([...args, ...where])).toMatchObject({ exitCode: 0, out: expect.stringContaining('no gap') });
  });

  it('releases everybody who is held with --all', async () => {
    expect(await usher(['hold', 'release', '--all', '--reason', 'the wave is right'])).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('Nothing is held'),
    });
    const personId = await fixture.addPerson();
    await addCase(fixture, { personId, kind: 'leaver', state: 'held', isEffective: false });
    await addCutoff(fixture, { personId, state: 'held', effectiveAt: startedAt });
    const list = await usher(['hold', 'list', '--json']);
    expect(JSON.parse(list.out)).toMatchObject({ holds: [{ personId }] });
  });
});
