/** `usher policy diff` and `usher policy simulate` against a real server: right about today's people, and nothing is written. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { hire, untilCase } from '../support/case-driver.ts';
import { copyPolicies } from '../support/policy-folder.ts';
import { runUsher, type Ran } from '../support/usher-cli.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let token: string;
let dir: string;
let engineerId: string;
beforeAll(async () => {
  world = await createWorld();
  token = await world.tokenOf(await world.personId('109'), ['operate']);
  dir = mkdtempSync(join(tmpdir(), 'usher-trial-'));
  engineerId = (await hire(world, { firstName: 'Lea', lastName: 'Roth' })).personId;
  await untilCase(world, engineerId, 1, 'done');
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await world.close();
});

const usher = (...args: string[]): Promise<Ran> => runUsher(args, { url: world.url, token });

async function json<T>(...args: string[]): Promise<T> {
  const ran = await usher(...args, '--json');
  expect({ exitCode: ran.exitCode, error: ran.error }).toEqual({ exitCode: 0, error: '' });
  return JSON.parse(ran.out) as T;
}

interface Diff {
  peopleCount: number;
  changedPeopleCount: number;
  counts: Record<string, number>;
  changes: { kind: string; personId: string; entitlementId: string; before: Right; after: Right; isHeld: boolean }[];
}
type Right = { state: string; roles: string[] } | null;

/** Row counts of everything that a plan could touch. */
async function rowCounts(): Promise<Record<string, string>> {
  const tables = [
    'proposal',
    'evidence',
    'usher_case',
    'approval',
    'delivery',
    'policy_version',
    'policy_source',
    'story',
  ];
  const counts = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await sql<{ count: string }>`select count(*)::text as count from ${sql.table(table)}`.execute(
        world.ownerDb,
      );
      return [table, rows[0]?.count ?? ''] as const;
    }),
  );
  return Object.fromEntries(counts);
}

describe('policy diff', () => {
  it('says who gains, who loses and whose route changes, held or not, and writes nothing', async () => {
    const before = await rowCounts();
    const folder = copyPolicies([
      {
        file: 'profiles.yaml',
        find: '      - okta/vpn\n      - okta/engineering\n',
        replace: '      - okta/engineering\n      - warehouse/reports\n',
      },
      {
        file: 'entitlements.yaml',
        find: 'vendorId: wiki-editor\n    owner: bamboohr/113\n    riskPoints: 1',
        replace: 'vendorId: wiki-editor\n    owner: bamboohr/113\n    riskPoints: 5',
      },
    ]);
    const diff = await json<Diff>('policy', 'diff', 'active', folder);
    const hers = diff.changes.filter(({ personId }) => personId === engineerId);
    expect(hers).toMatchObject([
      { kind: 'loses', entitlementId: 'okta/vpn', before: { state: 'justified' }, after: null, isHeld: true },
      { kind: 'gains', entitlementId: 'warehouse/reports', before: null, after: { state: 'justified' }, isHeld: false },
      {
        kind: 'routeChanges',
        entitlementId: 'wiki/editor',
        before: { state: 'justified', roles: [] },
        after: { state: 'asked', roles: ['manager'] },
      },
    ]);
    // Nobody but engineers and those who write in the wiki is touched.
    expect(diff.peopleCount).toBeGreaterThan(20);
    expect(diff.changedPeopleCount).toBeLessThan(diff.peopleCount);
    expect(diff.counts['loses']).toBe(diff.counts['gains']);
    const back = await json<Diff>('policy', 'diff', folder, 'active');
    expect(back.counts).toMatchObject({ gains: diff.counts['loses'], loses: diff.counts['gains'] });
    expect((await usher('policy', 'diff', 'active', folder)).out).toContain('asks manager');
    rmSync(folder, { recursive: true });
    expect(await rowCounts()).toEqual(before);
  });

  it('is empty between equal policies, refuses what it does not know, and names findings of a folder', async () => {
    const folder = copyPolicies();
    const same = await json<Diff>('policy', 'diff', 'active', folder);
    expect(same).toMatchObject({ changedPeopleCount: 0, changes: [] });
    writeFileSync(join(folder, 'more.yaml'), 'profiles:\n  - id: Not A Slug\n');
    expect(await usher('policy', 'diff', 'active', folder)).toMatchObject({
      exitCode: 1,
      error: expect.stringMatching(/more\.yaml:\d+:\d+/),
    });
    rmSync(folder, { recursive: true });
    expect(await usher('policy', 'diff', 'active', 'a'.repeat(64))).toMatchObject({ exitCode: 4 });
    expect(await usher('policy', 'diff', 'active', 'nonsense')).toMatchObject({ exitCode: 2 });
  });
});

describe('policy simulate', () => {
  interface Plan {
    profiles: string[];
    items: {
      action: string;
      entitlementId: string | null;
      deciders: { role: string; approvers: string[] }[];
      isHeld: boolean;
      risk: number;
    }[];
  }

  async function simulate(text: string): Promise<Plan> {
    const file = join(dir, 'event.yaml');
    writeFileSync(file, text);
    return json<Plan>('policy', 'simulate', file);
  }

  it('an invented joiner: items, risk and who decides, by name', async () => {
    const before = await rowCounts();
    const plan = await simulate(
      'event: joiner\nfacts: { department: Engineering, title: Site Reliability Engineer, managerKey: "103" }\nat: 2030-01-07\n',
    );
    expect(plan.profiles).toEqual(['site-reliability']);
    const deploy = plan.items.find(({ entitlementId }) => entitlementId === 'okta/deploy-production');
    expect(deploy).toMatchObject({ risk: 9, deciders: [{ role: 'security' }, { role: 'owner' }] });
    expect(deploy?.deciders.flatMap(({ approvers }) => approvers).every((name) => /^\w+ \w+/.test(name))).toBe(true);
    expect(plan.items.filter(({ deciders }) => deciders.length === 0).length).toBeGreaterThan(3);
    expect(await rowCounts()).toEqual(before);
  });

  it('a mover: what stays, what comes, and what nothing justifies any more', async () => {
    const plan = await simulate(
      JSON.stringify({
        event: 'mover',
        person: engineerId,
        facts: { department: 'Finance', title: 'Financial Analyst' },
      }),
    );
    const of = (action: string): (string | null)[] =>
      plan.items.filter((item) => item.action === action).map(({ entitlementId }) => entitlementId);
    expect(of('grant')).toEqual(['okta/employees', 'warehouse/finance', 'warehouse/reports', 'wiki/reader']);
    expect(of('revoke').toSorted()).toEqual(['okta/engineering', 'okta/vpn', 'wiki/editor']);
    expect(plan.items.find(({ entitlementId }) => entitlementId === 'wiki/reader')?.isHeld).toBe(true);
  });

  it('a leaver: every account and every right; faults of the file name the field', async () => {
    const plan = await simulate(`event: leaver\nperson: ${engineerId}\n`);
    expect(plan.items.filter(({ action }) => action === 'disable').length).toBeGreaterThanOrEqual(2);
    expect(plan.items.filter(({ action }) => action === 'revoke').length).toBeGreaterThanOrEqual(5);
    const file = join(dir, 'wrong.yaml');
    for (const [text, exitCode, message] of [
      ['event: promotion\n', 2, 'event.event'],
      ['event: mover\nperson: Ada\nfacts: {}\n', 2, 'event.person'],
      ['event: joiner\nfacts: { salary: "1" }\n', 2, 'event.facts.salary'],
      ['event: leaver\nperson: bamboohr/999999\n', 4, 'no facts'],
      ['event: [', 2, 'neither YAML nor JSON'],
    ] as const) {
      writeFileSync(file, text);
      expect(await usher('policy', 'simulate', file)).toMatchObject({
        exitCode,
        error: expect.stringContaining(message),
      });
    }
  });
});
