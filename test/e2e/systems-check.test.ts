/** `systems check` over twenty systems: side by side, one that hangs holds up no other, and each has its line and its reason. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runUsher } from '../support/usher-cli.ts';
import { createWorld, type World } from '../support/world.ts';

const MANY = 18;
const ids = Array.from({ length: MANY }, (_, n) => `many-${String(n).padStart(2, '0')}`);

let world: World;
let token = '';

beforeAll(async () => {
  const entry = (id: string): string =>
    [
      `  - id: ${id}`,
      '    connector: scim',
      `    displayName: System ${id}`,
      '    owner: bamboohr/109',
      '    mode: observe',
      `    config: { url: '\${secret:${id}.url}', token: '\${secret:${id}.token}' }`,
    ].join('\n');
  world = await createWorld({
    policyEdits: [{ file: 'systems.yaml', find: 'systems:\n', replace: `systems:\n${ids.map(entry).join('\n')}\n` }],
  });
  const crm = world.secrets['crm'] ?? {};
  for (const id of ids) world.secrets[id] = { ...crm };
  // One refuses our token, one is not there, of one the secret is missing, and one never answers.
  world.secrets['many-03'] = { ...crm, token: 'wrong' };
  world.secrets['many-05'] = { ...crm, url: 'http://127.0.0.1:9/scim/v2' };
  delete world.secrets['many-07'];
  world.secrets['many-11'] = { ...world.secrets['wiki'] };
  world.company.wiki.faults.add({ kind: 'timeout', times: null });
  token = await world.tokenOf(await world.personId('109'), ['operate']);
});
afterAll(() => world.close());

const check = async (...args: string[]) => {
  const startedMs = performance.now();
  const ran = await runUsher(['systems', 'check', ...args], { url: world.url, token });
  return { ...ran, tookMs: performance.now() - startedMs };
};

describe('usher systems check', () => {
  test('asks all of them side by side, tells one line each, and ends with 1', async () => {
    const { exitCode, out, error, tookMs } = await check('--json');
    const { isHealthy, systems } = JSON.parse(out) as {
      isHealthy: boolean;
      systems: { systemId: string; isHealthy: boolean; findings: { text: string }[] }[];
    };
    expect([exitCode, isHealthy, error]).toEqual([1, false, '']);
    expect(systems.length).toBeGreaterThanOrEqual(20);
    const failing = new Map(systems.filter((each) => !each.isHealthy).map((each) => [each.systemId, each.findings]));
    expect([...failing.keys()].toSorted()).toEqual(['many-03', 'many-05', 'many-07', 'many-11', 'wiki']);
    const reason = (id: string): string => failing.get(id)?.[0]?.text ?? '';
    expect(reason('many-03')).toMatch(/^auth/);
    expect(reason('many-05')).toMatch(/^transient: connection refused/);
    expect(reason('many-07')).toContain('no value for secret many-07.url');
    expect(reason('many-11')).toContain('time-out');
    expect(out).not.toContain('wrong"');
    // One after the other the two that hang alone would take more than this, with all others behind them.
    expect(tookMs).toBeLessThan(20_000);
  }, 60_000);

  test('has a display of its own on standard error, and a table with every system', async () => {
    const { out, error } = await check();
    for (const id of ids) {
      expect(error.split('\n').filter((line) => line.startsWith(`${id}: `))).toHaveLength(2);
      expect(out.split('\n').filter((line) => line.includes(` ${id} `))).toHaveLength(1);
    }
    expect(error).toMatch(/many-00: ok/);
    expect(error).toMatch(/many-03: fails/);
    expect(out).toMatch(/\d+ systems, 5 failing\./);
  }, 60_000);

  test('gives up on one system after its time and says so', async () => {
    const { exitCode, out, tookMs } = await check('many-11', '--timeout', '1', '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ systems: [{ hasAnswered: false, isHealthy: false }] });
    expect(tookMs).toBeLessThan(4_000);
    expect((await check('--timeout', '0')).exitCode).toBe(2);
  });

  test('a healthy system ends with 0; an unknown one with 4; no server with 6', async () => {
    expect((await check('many-00')).exitCode).toBe(0);
    expect((await check('nosuch')).exitCode).toBe(4);
    const gone = await runUsher(['systems', 'check', 'crm'], { url: 'http://127.0.0.1:9', token });
    expect(gone.exitCode).toBe(6);
  });
});
