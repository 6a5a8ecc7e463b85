/**
 * A new system by `usher systems add`: from a file for scripts, and by questions in a real terminal. Credentials are tested by
 * reading, secrets go to the secrets file alone, and whatever fails leaves nothing behind.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { createScimSandbox, type ScimSandbox } from '../../sandbox/scim.ts';
import { configFormOf, fieldsIn } from '../../src/cli/config-form.ts';
import { askAgain, askConfig, problemsOf } from '../../src/cli/ask-config.ts';
import type { Prompts } from '../../src/cli/prompts.ts';
import { takeOutSecrets } from '../../src/cli/config-values.ts';
import { secretsFilesFor } from '../../src/cli/secrets-files.ts';
import { runCli } from '../../src/cli/program.ts';
import { allManifests, connectorById } from '../../src/connectors/registry.ts';
import type { ConnectorDefinition } from '../../src/connectors/kit/contract.ts';
import { writeSystem } from '../../src/policy/write-system.ts';
import { checkPolicy } from '../../src/policy/check.ts';
import { knownConnectors } from '../../src/policy/known-connector.ts';
import { hrisSystemIdsOf } from '../../scripts/stack/hris-systems.ts';
import { copyPolicies } from '../support/policy-folder.ts';
import { hasPty, runInPty } from '../support/pty.ts';

const token = 'a-very-secret-token';
let sandbox: ScimSandbox;
let url: string;
let dir: string;
let policyDir: string;

beforeAll(async () => {
  sandbox = createScimSandbox({ token });
  ({ url } = await sandbox.listen(0));
});
afterAll(() => sandbox.close());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'usher-add-'));
  mkdirSync(join(dir, 'secrets'), { mode: 0o700 });
  policyDir = copyPolicies();
  sandbox.faults.clear();
  sandbox.clearCalls();
});
afterEach(() => {
  for (const each of [dir, policyDir]) rmSync(each, { recursive: true, force: true });
});

async function usher(...args: string[]): Promise<{ exitCode: number; out: string; error: string }> {
  let [out, error] = ['', ''];
  const exitCode = await runCli(args, {
    env: { USHER_DATA_DIR: dir, USHER_POLICY_DIR: policyDir },
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

function answersFile(over: Record<string, unknown> = {}, config: Record<string, unknown> = {}): string {
  const file = join(dir, 'answers.json');
  const all = { id: 'desk', owner: 'bamboohr/109', ...over, config: { url, token, ...config } };
  writeFileSync(file, JSON.stringify(all), { mode: 0o600 });
  return file;
}

const own = (): string => join(dir, 'secrets', 'own.json');
const entry = (id = 'desk'): string => join(policyDir, `system-${id}.yaml`);
const nothingWritten = (): void => {
  expect(readdirSync(policyDir).filter((name) => name.includes('desk'))).toEqual([]);
  expect(readdirSync(join(dir, 'secrets'))).toEqual([]);
};
const policyFindings = async () => {
  const definitions = allManifests().flatMap(({ id }) => connectorById(id) ?? []);
  return (await checkPolicy(policyDir, knownConnectors(definitions))).findings;
};

describe('for scripts', () => {
  it('tests the credentials, writes an entry that the policy check accepts, and the secret where only its owner reads', async () => {
    const { exitCode, out } = await usher('systems', 'add', 'scim', '--answers', answersFile({ displayName: 'Desk' }));
    expect(exitCode).toBe(0);
    expect(out).toContain('usher policy check');
    expect(out).toContain('usher inventory desk');
    expect(new Set(sandbox.calls.map(({ method }) => method))).toEqual(new Set(['GET']));
    const text = readFileSync(entry(), 'utf8');
    expect(text).toContain('mode: observe');
    expect(text).toContain('${secret:desk.token}');
    expect(text + out).not.toContain(token);
    expect(JSON.parse(readFileSync(own(), 'utf8'))).toEqual({ desk: { token } });
    expect(statSync(own()).mode & 0o777).toBe(0o600);
    expect(await policyFindings()).toEqual([]);
    expect(readdirSync(policyDir).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('takes single fields by --set, tells all of it as JSON, and lets a worker that runs use the secret at once', async () => {
    const inUse = join(dir, 'secrets', 'worker.json');
    writeFileSync(inUse, JSON.stringify({ crm: { token: 'x' } }), { mode: 0o600 });
    const args = ['--set', 'quirks.pageMax=7', '--set', 'quirks.membershipRead=scan', '--enforce', '--json'];
    const { exitCode, out } = await usher('systems', 'add', 'scim', '--answers', answersFile(), ...args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ systemId: 'desk', check: { isHealthy: true }, policyFile: entry() });
    expect(readFileSync(entry(), 'utf8')).toMatch(/pageMax: 7\n/);
    expect(readFileSync(entry(), 'utf8')).not.toContain('observe');
    expect(JSON.parse(readFileSync(inUse, 'utf8'))).toEqual({ crm: { token: 'x' }, desk: { token } });
    expect(await policyFindings()).toEqual([]);
  });

  it('wrong credentials: says which scopes they need, and writes nothing', async () => {
    const { exitCode, error } = await usher(
      'systems',
      'add',
      'scim',
      '--answers',
      answersFile({}, { token: 'wrong-one' }),
    );
    expect(exitCode).toBe(1);
    expect(error).toContain('auth');
    for (const scope of connectorById('scim')?.manifest.scopes ?? []) expect(error).toContain(scope);
    expect(error).not.toContain('wrong-one');
    nothingWritten();
  });

  it('a system that is down: nothing is written, unless the check is left out', async () => {
    sandbox.faults.setDown('503');
    expect((await usher('systems', 'add', 'scim', '--answers', answersFile())).exitCode).toBe(1);
    nothingWritten();
    expect((await usher('systems', 'add', 'scim', '--answers', answersFile(), '--no-check')).exitCode).toBe(0);
    expect(existsSync(entry())).toBe(true);
    expect(sandbox.calls).toHaveLength(1);
  });

  it.each([
    [{ id: 'Not A Slug' }, {}, 'id: expected a lower-case slug'],
    [{ owner: undefined }, {}, 'owner is missing'],
    [{}, { url: 'ftp://secret-host' }, 'url: '],
    [{}, { url: undefined }, 'url: missing'],
    [{}, { nonsense: 1 }, 'nonsense'],
    [{ more: 1 }, {}, 'unknown key'],
  ])('answers that do not fit (%j, %j) are named, and nothing is written', async (over, config, expected) => {
    const { exitCode, error } = await usher('systems', 'add', 'scim', '--answers', answersFile(over, config));
    expect([exitCode, error]).toEqual([2, expect.stringContaining(expected)]);
    expect(error).not.toContain('secret-host');
    nothingWritten();
  });

  it('an entry that the policy check refuses is not written: an id that is there, an owner whom no HR system has', async () => {
    const taken = await usher('systems', 'add', 'scim', '--answers', answersFile({ id: 'crm' }));
    expect([taken.exitCode, taken.error]).toEqual([1, expect.stringContaining('crm stands in the policy already')]);
    const stranger = await usher('systems', 'add', 'scim', '--answers', answersFile({ owner: 'nosuch/1' }));
    expect([stranger.exitCode, stranger.error]).toEqual([1, expect.stringContaining('system-desk.yaml')]);
    nothingWritten();
  });

  it('a secret on the command line is refused', async () => {
    const { exitCode, error } = await usher('systems', 'add', 'scim', '--set', `token=${token}`);
    expect([exitCode, error]).toEqual([2, expect.stringContaining('process lists')]);
    expect(error).not.toContain(token);
  });

  it('without a connector the list is shown; nobody is asked where nobody sits', async () => {
    const { exitCode, error } = await usher('systems', 'add');
    expect([exitCode, error]).toEqual([2, expect.stringMatching(/^ {2}servicenow +ServiceNow$/m)]);
    expect(error).not.toContain('\uFFFD');
    expect((await usher('systems', 'add', 'nosuch')).error).toContain('no connector nosuch');
  });
});

describe('nothing half-applied', () => {
  const system = { id: 'desk', connector: 'scim', displayName: 'Desk', owner: 'bamboohr/109', config: { url: 'x' } };

  it('a secrets file that cannot be read keeps the policy as it is', () => {
    writeFileSync(own(), 'not json');
    const files = { policyDir, secretsFiles: [own()] };
    expect(() => writeSystem(system, { token }, files)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(existsSync(entry())).toBe(false);
    expect(readFileSync(own(), 'utf8')).toBe('not json');
  });

  it('the second of two secrets files fails: the first is as it was', () => {
    const before = JSON.stringify({ crm: { token: 'x' } });
    writeFileSync(own(), before);
    const broken = join(dir, 'secrets', 'worker.json');
    writeFileSync(broken, '[]');
    const files = { policyDir, secretsFiles: [own(), broken] };
    expect(() => writeSystem(system, { token }, files)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(JSON.parse(readFileSync(own(), 'utf8'))).toEqual(JSON.parse(before));
    expect(readdirSync(policyDir).filter((name) => name.includes('desk'))).toEqual([]);
  });

  it('an entry that is there already keeps everything as it is', () => {
    writeFileSync(entry(), 'systems: []\n');
    const files = { policyDir, secretsFiles: [own()] };
    expect(() => writeSystem(system, { token }, files)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(existsSync(own())).toBe(false);
    expect(readFileSync(entry(), 'utf8')).toBe('systems: []\n');
  });

  it('what a crash left beside the secrets file holds nobody up for long', () => {
    writeFileSync(`${own()}.new`, '{');
    writeSystem(system, { token }, { policyDir, secretsFiles: [own()] });
    expect(JSON.parse(readFileSync(own(), 'utf8'))).toEqual({ desk: { token } });
  });
});

describe('whose secrets they are', () => {
  it('those of an HR system go to the server, all others to the worker, also at the next start', async () => {
    for (const name of ['own.json', 'server.json', 'worker.json']) writeFileSync(join(dir, 'secrets', name), '{}');
    const env = { USHER_DATA_DIR: dir };
    const names = (files: string[]) => files.map((file) => file.slice(join(dir, 'secrets').length + 1));
    expect(names(secretsFilesFor('hris', undefined, env))).toEqual(['own.json', 'server.json']);
    expect(names(secretsFilesFor('target', undefined, env))).toEqual(['own.json', 'worker.json']);
    expect(secretsFilesFor('ticketing', '/etc/usher/worker.json', env)).toEqual(['/etc/usher/worker.json']);
    expect(() => secretsFilesFor('target', undefined, { USHER_DATA_DIR: join(dir, 'nowhere') })).toThrow(
      'no data folder',
    );
    const config = { url: 'https://x.example' };
    const hr = { id: 'people', connector: 'bamboohr', displayName: 'HR', owner: 'bamboohr/109', config };
    writeSystem(hr, {}, { policyDir, secretsFiles: [] });
    expect((await hrisSystemIdsOf(policyDir)).toSorted()).toEqual(['bamboohr', 'people']);
  });
});

describe('the questions of a connector', () => {
  const definitionOf = (configSchema: z.ZodType, secretFields: string[]): ConnectorDefinition =>
    ({ ...connectorById('scim'), configSchema, secretFields }) as ConnectorDefinition;

  it.each(allManifests().map(({ id }) => id))(
    '%s: every required field is a question, every secret is one that hides',
    (id) => {
      const definition = connectorById(id) as ConnectorDefinition;
      const fields = fieldsIn(configFormOf(definition));
      for (const field of definition.secretFields)
        expect(fields.filter(({ path }) => path[0] === field).every(({ isSecret }) => isSecret)).toBe(true);
      expect(fields.some(({ isRequired }) => isRequired)).toBe(true);
      expect(problemsOf(definition.configSchema, configFormOf(definition), {}).length).toBeGreaterThan(0);
    },
  );

  it('shapes that differ by one field ask for that field first, and then for what belongs to it', () => {
    const method = z.discriminatedUnion('method', [
      z.strictObject({ method: z.literal('token'), token: z.string().describe('from the admin page') }),
      z.strictObject({ method: z.literal('password'), user: z.string(), password: z.string() }),
    ]);
    const schema = z.strictObject({
      region: z.enum(['eu', 'us']).default('eu').describe('where it is hosted'),
      limit: z.number().nullable().default(null),
      names: z.array(z.string()).optional(),
      signIn: method,
    });
    const form = configFormOf(definitionOf(schema, ['signIn']));
    const told = fieldsIn(form).map(({ name, kind, isRequired, isSecret }) => [name, kind, isRequired, isSecret]);
    expect(told).toEqual([
      ['region', 'choice', false, false],
      ['limit', 'number', false, false],
      ['names', 'texts', false, false],
      ['signIn.method', 'choice', true, true],
      ['signIn.token', 'text', true, true],
      ['signIn.user', 'text', true, true],
      ['signIn.password', 'text', true, true],
    ]);
    expect(fieldsIn(form)[4]?.text).toBe('from the admin page');
    const config = { signIn: { method: 'token', token } };
    expect(problemsOf(schema, form, config)).toEqual([]);
    expect(takeOutSecrets('desk', config, ['signIn'])).toEqual({
      config: { signIn: { method: '${secret:desk.signIn-method}', token: '${secret:desk.signIn-token}' } },
      secrets: { 'signIn-method': 'token', 'signIn-token': token },
    });
  });
});

describe('questions to a person', () => {
  /** Answers in their order; what was said and asked is kept. */
  function scripted(answers: string[]): Prompts & { told: string[] } {
    const told: string[] = [];
    const next = (question: string): Promise<string> => {
      told.push(question);
      const answer = answers.shift();
      return answer === undefined ? Promise.reject(new Error(`nobody answers: ${question}`)) : Promise.resolve(answer);
    };
    return { told, say: (text) => void told.push(text), ask: next, askSecret: next, close: () => undefined };
  }

  it('one of several ways to log in that all are optional: the person says which one they take', async () => {
    const schema = z
      .strictObject({ url: z.string(), clientId: z.string().optional(), token: z.string().optional() })
      .refine(({ clientId, token: key }) => clientId !== undefined || key !== undefined, {
        path: ['clientId'],
        message: 'expected clientId, or token',
      });
    const definition = { ...connectorById('scim'), configSchema: schema, secretFields: ['token'] };
    const form = configFormOf(definition as ConnectorDefinition);
    const prompts = scripted(['https://x.example', '', 'token', token, '']);
    const asked = await askConfig(prompts, form, {});
    const problems = problemsOf(schema, form, asked);
    expect(problems.map(({ text }) => text)).toEqual(['clientId: expected clientId, or token']);
    const corrected = await askAgain(prompts, { form, problems }, asked);
    expect(corrected).toEqual({ url: 'https://x.example', token });
    expect(prompts.told.join('\n')).not.toContain(token);
  });

  it('a refused value is asked for again; a file answers for its content', async () => {
    const schema = z.strictObject({
      port: z.number().max(10).describe('of the service'),
      key: z.string().startsWith('---'),
    });
    const form = configFormOf({
      ...connectorById('scim'),
      configSchema: schema,
      secretFields: ['key'],
    } as ConnectorDefinition);
    const file = join(dir, 'key.pem');
    writeFileSync(file, '---\nkey\n');
    const prompts = scripted(['11', '@/no/such/file', `@${file}`, '9']);
    const asked = await askConfig(prompts, form, {});
    const problems = problemsOf(schema, form, asked);
    expect(await askAgain(prompts, { form, problems }, asked)).toEqual({ port: 9, key: '---\nkey' });
    expect(prompts.told).toContain('That file cannot be read.');
    expect(prompts.told).toContain('port: of the service');
  });
});

(hasPty ? describe : describe.skip)('in a terminal', () => {
  const cli = resolve('src/cli.ts');
  const env = (): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    USHER_DATA_DIR: dir,
    USHER_POLICY_DIR: policyDir,
  });
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', cli];

  it('asks one thing after the other, corrects what is wrong, and never shows the secret', async () => {
    const run = await runInPty([...node, 'systems', 'add'], {
      env: env(),
      steps: [
        { after: 'Which connector? ', send: 'scim\r' },
        { after: 'id (how the policy names it): ', send: 'desk\r' },
        { after: 'owner (who answers for it', send: 'nobody\r' },
        { after: 'expected <hris system>/<key>', send: 'bamboohr/109\r' },
        { after: 'cut off? (yes, no) ', send: 'yes\r' },
        { after: 'url: ', send: `${url}\r` },
        { after: 'set? (empty: none) ', send: 'token\r' },
        { after: 'token (not shown', send: 'wrong-token\r' },
        { after: 'set? (empty: none) ', send: 'quirks.pageMax\r' },
        { after: 'quirks.pageMax: ', send: 'many\r' },
        { after: 'Expected a number', send: '50\r' },
        { after: 'set? (empty: none) ', send: '\r' },
        { after: 'The credentials need', send: 'again\r' },
        { after: 'url: ', send: `${url}\r` },
        { after: 'set? (empty: none) ', send: 'token\r' },
        { after: 'token (not shown', send: `${token}\r` },
        { after: 'set? (empty: none) ', send: '\r' },
      ],
    });
    expect([run.exitCode, run.plain]).toEqual([0, expect.stringContaining('usher systems check desk')]);
    expect(run.raw).not.toContain(token);
    expect(run.raw).not.toContain('wrong-token');
    expect(readFileSync(entry(), 'utf8')).toContain('authenticates: true');
    expect(JSON.parse(readFileSync(own(), 'utf8'))).toEqual({ desk: { token } });
  }, 60_000);

  it('Ctrl-C in the middle leaves nothing behind', async () => {
    const run = await runInPty([...node, 'systems', 'add', 'scim'], {
      env: env(),
      steps: [
        { after: 'id (how', send: 'desk\r' },
        { after: 'owner (who', send: '\u0003' },
      ],
    });
    expect([run.exitCode, run.plain]).toEqual([2, expect.stringContaining('Nothing was written')]);
    nothingWritten();
  }, 60_000);
});
