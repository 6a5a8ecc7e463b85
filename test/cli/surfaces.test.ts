/** What a person meets in the terminal: completion in a real shell, the live table and progress in a real terminal, the doctor. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from '../../src/auth/scopes.ts';
import { diagnoseRuntime } from '../../src/cli/doctor-local.ts';
import { runCli } from '../../src/cli/program.ts';
import { tableOf } from '../../src/cli/watch-cases.ts';
import { createHttpFixture, type HttpFixture } from '../http/http-fixture.ts';
import { addApproval, addCase } from '../http/rows.ts';
import { hasPty, runInPty } from '../support/pty.ts';

let fixture: HttpFixture;
let dir: string;
let ruth: string;
let caseId: string;
let approvalId: string;
const cli = resolve('src/cli.ts');

beforeAll(async () => {
  fixture = await createHttpFixture();
  // Programs of the test run by the machine's clock, and tokens that have run out say nothing.
  fixture.setNow(new Date());
  dir = mkdtempSync(join(tmpdir(), 'usher-surfaces-'));
  mkdirSync(join(dir, 'profiles'), { mode: 0o700 });
  mkdirSync(join(dir, 'keys'), { mode: 0o700 });
  await addProfile('admin', ['operate', 'security', 'audit', 'decide', 'read:own-cases']);
  await addProfile('anna-okafor', ['read:own-cases']);
  ruth = await fixture.addPerson({ displayName: 'Ruth Osei' });
  caseId = await addCase(fixture, { personId: ruth });
  ({ approvalId } = await addApproval(fixture, { personId: ruth, approverIds: [await fixture.addPerson()] }));
  await addCase(fixture, { personId: await fixture.addPerson({ displayName: 'Rudolf Berg' }), state: 'done' });
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin', 'usher'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
  chmodSync(join(dir, 'bin', 'usher'), 0o755);
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await fixture.close();
});

async function addProfile(name: string, scopes: Scope[]): Promise<void> {
  const { token } = await fixture.tokenWith(scopes);
  writeFileSync(join(dir, 'profiles', `${name}.json`), JSON.stringify({ url: fixture.url, token }));
}

const environment = (): Record<string, string> => ({
  PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`,
  HOME: dir,
  USHER_DATA_DIR: dir,
});

async function usher(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ exitCode: number; out: string; error: string }> {
  let [out, error] = ['', ''];
  const exitCode = await runCli(args, {
    env: { USHER_DATA_DIR: dir, ...env },
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

const complete = async (...words: string[]): Promise<string[]> =>
  (await usher(['__complete', '--', ...words])).out.split('\n').filter(Boolean);

describe('completion', () => {
  it.each([
    [['ca'], ['cases', 'case']],
    [
      ['audit', ''],
      ['verify', 'export', 'archive', 'replay', 'recompute', 'sample', 'restored'],
    ],
    [['cases', '--st'], ['--state']],
    [['cases', '--state', 'aw'], ['awaitingApproval']],
    [
      ['cases', '--profile', ''],
      ['admin', 'anna-okafor'],
    ],
    [
      ['person', 'erase', 'x', '--reason', ''],
      ['requested', 'retentionEnded', 'ordered'],
    ],
    [['completion', 'z'], ['zsh']],
    [['nonsense', ''], []],
    [['audit', 'replay', ''], []],
    [['__com'], []],
  ])('after %j come %j', async (words, expected) => {
    expect((await complete(...words)).map((line) => line.split('\t')[0]).toSorted()).toEqual(expected.toSorted());
  });

  it('knows cases, approvals, systems and people, and finds people by a name', async () => {
    expect(await complete('case', 'show', `case_${ruth.slice(0, 30)}`)).toContain(
      `${caseId}\tRuth Osei joiner awaitingApproval`,
    );
    expect(await complete('approve', '')).toEqual([`${approvalId}\tRuth Osei`]);
    expect((await complete('retry', caseId, '')).map((line) => line.split('\t')[0])).toContain('okta');
    expect(await complete('systems', 'check', 'wi')).toEqual([expect.stringMatching(/^wiki\t/)]);
    expect(await complete('inventory', 'wi')).toEqual([expect.stringMatching(/^wiki\t/)]);
    expect(await complete('systems', 'add', 'sci')).toEqual(['scim\tSCIM 2.0 application']);
    expect(await complete('person', 'show', 'rut')).toEqual([`${ruth}\tRuth Osei`]);
    expect(await complete('person', 'show', 'ose')).toEqual([`${ruth}\tRuth Osei`]);
    expect(await complete('hold', 'release', ruth, 'rut')).toEqual([]);
  });

  it('asks as whom the line names, and is silent where it may not see or nobody answers', async () => {
    expect(await complete('--profile', 'anna-okafor', 'systems', 'check', '')).toEqual([]);
    expect(await complete('--server', 'http://127.0.0.1:9', 'case', 'show', '')).toEqual([]);
    expect(await complete('--profile', 'nobody', 'case', 'show', '')).toEqual([]);
  });

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s that this shell reads', async (shell) => {
    const { exitCode, out } = await usher(['completion', shell]);
    expect(exitCode).toBe(0);
    if (spawnSync(shell, ['--version']).status !== 0) return;
    const file = join(dir, `completion.${shell}`);
    writeFileSync(file, out);
    expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('a shell that we do not know is refused with those that we do', async () => {
    expect(await usher(['completion', 'tcsh'])).toMatchObject({ exitCode: 2, error: expect.stringContaining('bash') });
  });

  const inBash = async (...words: string[]): Promise<string[]> => {
    const script = `source <(usher completion bash)
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _usher_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { env: environment() });
    return stdout.split('\n').filter((line) => line !== '');
  };

  it('works in bash', async () => {
    expect(await inBash('usher', 'pol')).toEqual(['policy']);
    expect(await inBash('usher', 'case', 'show', `case_${ruth}`)).toEqual([caseId]);
    expect(await inBash('usher', 'person', 'show', 'ruth')).toEqual([ruth]);
    // Of several, found by name, bash must not take the common beginning of their ids.
    expect(await inBash('usher', 'person', 'show', 'ru')).toEqual([
      expect.stringMatching(/ {2}(Ruth Osei|Rudolf Berg)$/),
      expect.stringMatching(/ {2}(Ruth Osei|Rudolf Berg)$/),
      ' ',
    ]);
  });

  (hasPty ? it : it.skip)('completes at the prompt of a real bash, by the tabulator', async () => {
    const steps = [
      { after: '$ ', send: 'source <(usher completion bash); PS1=rea"dy> "\n' },
      { after: 'ready> ', send: 'usher sys\tch\twi\t' },
      { after: 'systems check wiki ', send: '\u0015exit\n' },
    ];
    const run = await runInPty(['bash', '--norc', '-i'], { env: { ...environment(), PS1: '$ ' }, steps });
    expect(run.plain).toContain('usher systems check wiki');
    expect(run.exitCode).toBe(0);
  });
});

describe('cases --watch', () => {
  const row = (person: string, state: 'done' | 'waiting' | 'awaitingApproval', n: number) =>
    ({
      caseId: `case_${String(n).padStart(36, '0')}_1`,
      personId: 'p',
      person,
      n: 1,
      kind: 'joiner',
      state,
      isEffective: true,
      effectiveAt: '2026-03-02T08:00:00.000Z',
      openedAt: '2026-03-02T08:00:00.000Z',
      dueAt: null,
      closedAt: state === 'done' ? '2026-03-02T08:00:00.000Z' : null,
      route: null,
      policyHash: null,
    }) as const;
  const size = (rows: number, columns: number) => ({ rows: () => rows, columns: () => columns });

  it('fits the terminal, open cases first, and tells what does not fit', () => {
    const cases = [row('Done', 'done', 1), ...Array.from({ length: 20 }, (_, n) => row(`P${n}`, 'waiting', n + 2))];
    const lines = tableOf(cases, size(12, 60), 'foot').split('\n');
    expect(lines).toHaveLength(10);
    expect(lines.every((line) => line.length < 60)).toBe(true);
    expect(lines[1]).toMatch(/^P0 /);
    expect(lines.join('\n')).not.toContain('Done');
    expect(lines.at(-1)).toContain('21 cases, 20 open, 0 waiting for people, 14 not');
  });

  it('no name steers the terminal', () => {
    const text = tableOf([row('Eve\u001b[2J\n\u202Eevil', 'waiting', 1)], size(30, 120), '');
    expect(text).not.toMatch(/[\u001b\u202E]/);
    expect(text.split('\n')).toHaveLength(4);
  });

  (hasPty ? it : it.skip)('renews itself on a terminal, and q ends it', async () => {
    const personId = await fixture.addPerson({ displayName: 'Lena Live' });
    const steps = [{ after: 'Lena Live', send: 'q' }];
    const running = runInPty([join(dir, 'bin', 'usher'), 'cases', '--watch', '--every', '1'], {
      env: environment(),
      steps,
      rows: 20,
      columns: 100,
    });
    // She comes while the table is shown.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await addCase(fixture, { personId });
    const run = await running;
    expect(run.exitCode).toBe(0);
    expect(run.plain).toContain('Ruth Osei');
    expect(run.plain).toMatch(/\d+ cases?, \d+ open, \d+ waiting for people · as of \d\d:\d\d:\d\dZ · q ends this/);
    // The cursor is given back.
    expect(run.raw.lastIndexOf('\u001b[?25h')).toBeGreaterThan(run.raw.lastIndexOf('\u001b[?25l'));
  });

  it('prints lines where there is no terminal: each case once, and what changes', async () => {
    const child = spawn(join(dir, 'bin', 'usher'), ['cases', '--watch', '--every', '1'], { env: environment() });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const until = async (isThere: () => boolean): Promise<void> => {
      const endMs = Date.now() + 20_000;
      while (!isThere() && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await until(() => out.includes(caseId));
    await fixture.db.updateTable('usher_case').set({ state: 'provisioning' }).where('case_id', '=', caseId).execute();
    await until(() => out.includes('provisioning'));
    child.kill();
    const lines = out.split('\n').filter((line) => line.includes(caseId));
    expect(lines).toEqual([expect.stringContaining('awaitingApproval'), expect.stringContaining('provisioning')]);
    expect(out).not.toContain('\u001b');
  });

  it('refuses a pace that makes no sense, and a token that may not', async () => {
    expect(await usher(['cases', '--watch', '--every', '0'])).toMatchObject({ exitCode: 2 });
    expect(await usher(['cases', '--watch', '--state', 'lost'])).toMatchObject({ exitCode: 2 });
  });
});

describe('progress', () => {
  it('is plain lines on standard error without a terminal, and nothing with --json', async () => {
    const shown = await usher(['audit', 'verify']);
    expect(shown.error).toBe('evidence log: the server verifies it\n');
    const json = await usher(['audit', 'verify', '--json']);
    expect(json.error).toBe('');
    expect(JSON.parse(json.out)).toMatchObject({ isSound: true });
  });

  (hasPty ? it : it.skip)('renews itself on a terminal and leaves the answer alone', async () => {
    const run = await runInPty([join(dir, 'bin', 'usher'), 'audit', 'verify'], { env: environment() });
    expect(run.raw).toContain('evidence log: the server verifies it');
    expect(run.raw).toContain('\u001b[');
    expect(run.exitCode).toBe(0);
    expect(run.plain.trimEnd().split('\n').slice(-2)[0]).toMatch(/^Sound: \d+ records\.$/);
  });
});

describe('doctor', () => {
  interface Report {
    isWell: boolean;
    findings: { area: string; level: string; text: string; fix: string | null }[];
  }
  const report = async (env: NodeJS.ProcessEnv = {}): Promise<Report & { exitCode: number }> => {
    const { exitCode, out } = await usher(['doctor', '--json'], env);
    return { exitCode, ...(JSON.parse(out) as Report) };
  };
  const inArea = ({ findings }: Report, area: string) => findings.filter((finding) => finding.area === area);

  it('names what is down and what mends it, and the rest is looked at all the same', async () => {
    const found = await report();
    expect(found.exitCode).toBe(1);
    expect(inArea(found, 'database').map(({ level }) => level)).toEqual(['ok', 'ok']);
    expect(inArea(found, 'temporal')).toEqual([
      expect.objectContaining({ level: 'error', fix: expect.stringContaining('USHER_TEMPORAL_ADDRESS') }),
    ]);
    expect(inArea(found, 'policy').map(({ level }) => level)).toEqual(['ok']);
    expect(found.findings.filter(({ level, fix }) => level !== 'ok' && fix === null)).toEqual([]);
  });

  it('works when everything is down', async () => {
    writeFileSync(join(dir, 'ports.json'), JSON.stringify({ http: 9, postgres: 9, temporal: 9 }));
    const down = await usher(['doctor', '--server', 'http://127.0.0.1:9']);
    expect(down.exitCode).toBe(1);
    expect(down.out).toContain('No answer from http://127.0.0.1:9.');
    expect(down.out).toContain('PostgreSQL does not listen on 127.0.0.1:9.');
    expect(down.out).toContain('Temporal does not listen on 127.0.0.1:9.');
    expect(down.out).toMatch(/fix: npm start/);
    expect(down.out).toMatch(/3 to mend\.\n$/);
    rmSync(join(dir, 'ports.json'));
    const empty = await usher(['doctor'], { USHER_DATA_DIR: join(dir, 'nowhere') });
    expect(empty).toMatchObject({ exitCode: 1, out: expect.stringContaining('There is no data folder') });
    expect(empty.out).not.toMatch(/\n\s+at /);
  });

  it('sees keys that others can read', async () => {
    chmodSync(join(dir, 'keys'), 0o755);
    const found = await report();
    expect(inArea(found, 'folder')).toEqual([
      { area: 'folder', level: 'error', text: expect.stringContaining('/keys'), fix: `chmod 700 ${join(dir, 'keys')}` },
    ]);
    chmodSync(join(dir, 'keys'), 0o700);
    expect(inArea(await report(), 'folder').map(({ level }) => level)).toEqual(['ok']);
  });

  it('sees what waits in the store', async () => {
    const now = fixture.deps.now();
    const before = new Date(now.getTime() - 300_000);
    await fixture.db
      .insertInto('outgoing_mail')
      .values({
        mail_id: '01a20d1b-3a01-7f02-b72e-921e5e7e930a',
        kind: 'approvalOpened',
        recipient: ruth,
        approval_id: approvalId,
        alert_key: null,
        created_at: before,
        due_at: before,
        attempts: 3,
        failing_since: before,
        last_error: 'ECONNECTION',
      })
      .execute();
    const found = await report();
    expect(inArea(found, 'mail')).toEqual([
      expect.objectContaining({ level: 'warning', text: expect.stringMatching(/ECONNECTION.*1 mail waits/) }),
    ]);
    expect(JSON.stringify(found)).not.toContain('Ruth');
  });

  it('says what the token may not ask', async () => {
    const { exitCode, out } = await usher(['doctor', '--profile', 'anna-okafor']);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: expect.stringContaining('did not say how it is') });
  });

  it('an old Node is named', () => {
    expect(diagnoseRuntime('20.19.0')).toMatchObject({ level: 'error', text: 'Node 20.19.0 is too old.' });
    expect(diagnoseRuntime('24.0.0').level).toBe('ok');
  });
});
