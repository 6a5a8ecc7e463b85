/** `usher why` and `usher why-not`: recomputed with the facts, the policy and the decisions of the day, with file and line. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../../src/auth/scopes.ts';
import { activatePolicy } from '../../src/use-cases/activate-policy.ts';
import { decideByApi, hire, openApproval, untilCase } from '../support/case-driver.ts';
import { editPolicy } from '../support/policy-folder.ts';
import { runUsher } from '../support/usher-cli.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const dayMs = 86_400_000;
let world: World;
let token: string;
beforeAll(async () => {
  world = await createWorld();
  token = await world.tokenOf(await world.personId('109'), ['operate']);
});
afterAll(() => world.close());

interface Explained {
  isJustified: boolean;
  at: string;
  policyHash: string;
  reasons: Told[];
  obstacles: Told[];
}
interface Told {
  kind: string;
  text: string;
  place: { file: string; line: number } | null;
  profileId?: string;
  failed?: { clause: string; conditions: { attribute: string; actual: string | null; expected: string }[] }[];
}

async function ask(args: string[], exitCode: number, as = token): Promise<Explained> {
  const ran = await runUsher([...args, '--json'], { url: world.url, token: as });
  expect({ exitCode: ran.exitCode, error: ran.error }).toEqual({ exitCode, error: '' });
  return JSON.parse(ran.out) as Explained;
}

const lineAt = ({ place }: { place: Told['place'] }): string =>
  readFileSync(join(world.serverDeps.policyDir, place?.file ?? ''), 'utf8').split('\n')[(place?.line ?? 0) - 1] ?? '';

describe('why and why not', () => {
  it('a rule: names the profile, and the line of its filter; a profile that fails: the clause, the value, what was expected', async () => {
    const { personId } = await hire(world, { firstName: 'Mia', lastName: 'Novak' });
    await untilCase(world, personId, 1, 'done');
    const why = await ask(['why', personId, 'okta/engineering'], 0);
    expect(why).toMatchObject({ isJustified: true, reasons: [{ kind: 'rule', profileId: 'engineer' }] });
    expect(why.reasons[0]?.place?.file).toBe('profiles.yaml');
    expect(lineAt(why.reasons[0]!)).toContain('when:');
    const text = await runUsher(['why', personId, 'okta/engineering'], { url: world.url, token });
    expect(text.out).toMatch(/profile engineer matches and grants it \[profiles\.yaml:\d+\]/);

    const not = await ask(['why-not', personId, 'okta/deploy-production'], 0);
    expect(not.obstacles.map(({ kind }) => kind)).toEqual(['filter', 'nobodyAsked']);
    expect(not.obstacles[0]).toMatchObject({
      profileId: 'site-reliability',
      failed: [
        {
          clause: 'title sw "Site Reliability"',
          conditions: [
            { attribute: 'title', actual: 'Software Engineer', expected: 'a text that begins with "Site Reliability"' },
          ],
        },
      ],
    });
    // The negative question is answered for what is justified, too, and ends with 1.
    expect(await ask(['why-not', personId, 'okta/engineering'], 1)).toMatchObject({ isJustified: true });
    expect(await ask(['why', personId, 'okta/deploy-production'], 1)).toMatchObject({ isJustified: false });
  });

  it('a question: who has to agree, then who denied', async () => {
    const { personId } = await hire(world, {
      firstName: 'Tom',
      lastName: 'Berg',
      jobTitle: 'Account Executive',
      department: 'Sales',
      supervisorEId: '105',
    });
    const approval = await openApproval(world, personId, 1);
    const waiting = await ask(['why-not', personId, 'crm/sales'], 0);
    expect(waiting.obstacles.map(({ kind }) => kind)).toEqual(['needsPeople', 'waiting']);
    expect(waiting.obstacles[1]?.text).toContain('silence is a denial');
    await decideByApi(world, approval, () => 'deny');
    await untilCase(world, personId, 1, 'done');
    const denied = await ask(['why-not', personId, 'crm/sales'], 0);
    expect(denied.obstacles.map(({ kind }) => kind)).toEqual(['needsPeople', 'denied']);
    expect(denied.obstacles[1]?.text).toMatch(/^denied by \w+ \w+ at /);
    expect(lineAt(denied.obstacles[1]!)).toContain('crm/sales');
  });

  it('a decision: who approved; the day before it nothing was known, and days to come are refused', async () => {
    const { personId } = await hire(world, {
      firstName: 'Ana',
      lastName: 'Lopez',
      jobTitle: 'Account Executive',
      department: 'Sales',
      supervisorEId: '105',
    });
    await decideByApi(world, await openApproval(world, personId, 1));
    await untilCase(world, personId, 1, 'done');
    const why = await ask(['why', personId, 'crm/sales'], 0);
    expect(why.reasons).toMatchObject([{ kind: 'decision', text: expect.stringContaining('approved by') }]);
    const yesterday = new Date(world.clock.now().getTime() - 2 * dayMs).toISOString().slice(0, 10);
    const unknown = await runUsher(['why', personId, 'crm/sales', '--as-of', yesterday], { url: world.url, token });
    expect(unknown).toMatchObject({ exitCode: 4, error: expect.stringContaining('no facts') });
    const tomorrow = new Date(world.clock.now().getTime() + 3 * dayMs).toISOString().slice(0, 10);
    for (const [day, message] of [
      [tomorrow, 'not in the future'],
      ['31.01.2026', 'expected a date'],
    ] as const) {
      const ran = await runUsher(['why', personId, 'crm/sales', '--as-of', day], { url: world.url, token });
      expect(ran).toMatchObject({ exitCode: 2, error: expect.stringContaining(message) });
    }
    const noSuch = await runUsher(['why', personId, 'crm/nothing'], { url: world.url, token });
    expect(noSuch).toMatchObject({ exitCode: 4, error: expect.stringContaining('no such entitlement') });
  });

  it('an earlier day: answers with the facts and the policy of that day', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Ole', lastName: 'Dahl' });
    await untilCase(world, personId, 1, 'done');
    const then = world.clock.now().toISOString();
    const before = await ask(['why', personId, 'okta/vpn'], 0);
    editPolicy(world.serverDeps.policyDir, {
      file: 'profiles.yaml',
      find: 'profiles:\n',
      replace: 'profiles:\n# one line more\n',
    });
    editPolicy(world.serverDeps.policyDir, { file: 'profiles.yaml', find: '      - okta/vpn\n', replace: '' });
    const { policyHash } = await activatePolicy(world.serverDeps, { by: await world.personId('109') });
    const now = await ask(['why-not', personId, 'okta/vpn'], 0);
    expect(now).toMatchObject({ isJustified: false, policyHash });
    const asOf = await ask(['why', personId, 'okta/vpn', '--as-of', then], 0);
    expect(asOf).toMatchObject({ isJustified: true, policyHash: before.policyHash, at: then });
    // The line is that of the files of then, although a line was put before it since.
    expect(asOf.reasons[0]?.place).toEqual(before.reasons[0]?.place);

    const beforeMove = world.clock.now().toISOString();
    world.company.bamboohr.hr.setFields(employee.id, { department: 'Finance', jobTitle: 'Financial Analyst' });
    await eventually(async () => {
      const explained = await runUsher(['why', personId, 'okta/engineering'], { url: world.url, token });
      return explained.exitCode === 1;
    }, 'the new department is known');
    expect(await ask(['why', personId, 'okta/engineering', '--as-of', beforeMove], 0)).toMatchObject({
      reasons: [{ profileId: 'engineer' }],
    });
  });

  it('a person asks about themselves and nobody else', async () => {
    const { personId } = await hire(world, { firstName: 'Ivy', lastName: 'Stone' });
    await untilCase(world, personId, 1, 'done');
    const scopes: Scope[] = ['read:own-cases'];
    const own = await world.tokenOf(personId, scopes);
    expect(await ask(['why', personId, 'wiki/editor'], 0, own)).toMatchObject({ isJustified: true });
    const other = await world.tokenOf(await world.personId('104'), scopes);
    expect(await runUsher(['why', personId, 'wiki/editor'], { url: world.url, token: other })).toMatchObject({
      exitCode: 4,
    });
  });

  it('a departure ends everything, and the day before it still says why', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Kim', lastName: 'Chen' });
    await untilCase(world, personId, 1, 'done');
    const then = world.clock.now().toISOString();
    world.company.bamboohr.hr.terminate(employee.id);
    await untilCase(world, personId, 2, 'waiting');
    const not = await ask(['why-not', personId, 'wiki/editor'], 0);
    expect(not.obstacles[0]).toMatchObject({ kind: 'outside', text: expect.stringContaining('left') });
    expect(await ask(['why', personId, 'wiki/editor', '--as-of', then], 0)).toMatchObject({ isJustified: true });
  });
});
