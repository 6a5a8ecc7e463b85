/** Leavers: cut off at once from every status, stripped and verified, in the present, in the future, and taken back. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { OktaStatus } from '../../sandbox/okta-state.ts';
import { caseState, decide, openApprovals, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
const everyone = ['okta', 'crm', 'wiki', 'warehouse'] as const;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      { file: 'rules.yaml', find: 'maxPerHour: 10, maxPerDay: 20', replace: 'maxPerHour: 500, maxPerDay: 500' },
    ],
  });
});
afterAll(async () => {
  await world.close();
});

const DAY_MS = 86_400_000;
const isoDate = (offsetDays: number): string =>
  new Date(world.clock.now().getTime() + offsetDays * DAY_MS).toISOString().slice(0, 10);

async function untilStripped(personId: string, keys: string[], n: number): Promise<void> {
  await untilSweepWaits(world, personId, n);
  for (const system of everyone) {
    const holding = holdingAt(world, system, keys);
    expect({ system, ...holding, accountIds: [] }).toEqual({
      system,
      accountIds: [],
      groupIds: [],
      canLogIn: false,
      sessions: 0,
    });
  }
}

/** Every payload of a history, as somebody reads it who holds the codec's key. */
async function openedPayloads(workflowId: string): Promise<string[]> {
  const history = await world.client.workflow.getHandle(workflowId).fetchHistory();
  const payloads: Payload[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
    if ('data' in value && 'metadata' in value) payloads.push(value as Payload);
    else for (const part of Object.values(value)) collect(part);
  };
  collect(history.events);
  const opened = await world.serverDeps.openPayloads(payloads);
  return opened.map(({ data }) => Buffer.from(data ?? []).toString('utf8'));
}

describe('a leaver of today', () => {
  // Eight people of the company, each in another status at Okta.
  const statuses = OktaStatus.options;
  const keys = ['114', '115', '116', '117', '118', '119', '120', '122'];
  test.each(statuses.map((status, index) => [status, keys[index] ?? ''] as const))(
    'cannot log in after having been %s',
    async (status, key) => {
      const personId = await world.personId(key);
      const user = Object.values(world.company.okta.state.users).find(
        (candidate) => candidate.profile['employeeNumber'] === key,
      );
      world.company.okta.forceStatus(user?.id ?? '', status);
      world.company.bamboohr.hr.terminate(key);
      await untilStripped(personId, [key, personId], 2);
    },
  );

  test('loses what nobody knows of, too: a hand-made membership outside the catalogue', async () => {
    const key = '125';
    const personId = await world.personId(key);
    const user = Object.values(world.company.okta.state.users).find(
      (candidate) => candidate.profile['employeeNumber'] === key,
    );
    world.company.okta.state.groups['00ghandmade000000000'] = {
      id: '00ghandmade000000000',
      type: 'OKTA_GROUP',
      name: 'Handmade',
      description: '',
      created: '2025-01-01T00:00:00.000Z',
      memberIds: [user?.id ?? ''],
    };
    world.company.bamboohr.hr.terminate(key);
    await untilStripped(personId, [key, personId], 2);
  });

  test('has the joiner that still waits for approval cancelled first, and nothing of it lands later', async () => {
    const employee = world.company.bamboohr.hr.hire({
      firstName: 'Short',
      lastName: 'Stay',
      jobTitle: 'Account Executive',
      department: 'Sales',
      location: 'London',
      supervisorEId: '105',
      hireDate: isoDate(-2),
    });
    const personId = await world.personId(employee.id);
    await eventually(async () => (await openApprovals(world, personId)).length > 0, 'an approval waits');
    world.company.bamboohr.hr.terminate(employee.id);
    await untilStripped(personId, [personId, employee.id], 2);
    expect(await caseState(world, personId, 1)).toBe('cancelled');
    expect(await openApprovals(world, personId)).toEqual([]);
  });
});

describe('a departure that was a mistake', () => {
  test('is undone with the decisions that were made before, without asking anybody again', async () => {
    const employee = world.company.bamboohr.hr.hire({
      firstName: 'Back',
      lastName: 'Again',
      jobTitle: 'Account Executive',
      department: 'Sales',
      location: 'London',
      supervisorEId: '105',
      hireDate: isoDate(-2),
    });
    const personId = await world.personId(employee.id);
    const [approval] = await eventually(async () => {
      const rows = await openApprovals(world, personId);
      return rows.length > 0 ? rows : null;
    }, 'an approval waits');
    await decide(world, approval?.approval_id ?? '', await world.personId('105'), () => 'approve');
    await untilCase(world, personId, 1, 'done');
    const held = holdingAt(world, 'crm', [personId]).groupIds;
    expect(held).toContain('crm-sales');
    world.company.bamboohr.hr.terminate(employee.id);
    await untilStripped(personId, [personId], 2);
    world.company.bamboohr.hr.rescind(employee.id);
    await untilCase(world, personId, 3, 'done', 45_000);
    expect(holdingAt(world, 'crm', [personId])).toMatchObject({ groupIds: held, canLogIn: true });
    const approvals = await world.ownerDb
      .selectFrom('approval')
      .select('approval_id')
      .where('person_id', '=', personId)
      .execute();
    expect(approvals).toHaveLength(1);
  });
});

// Last: the clock of everything but the workflows moves on here.
describe('a departure at a date', () => {
  test('shows nothing in Temporal before it takes effect, and takes effect when the moment comes', async () => {
    const key = '129';
    const personId = await world.personId(key);
    world.company.bamboohr.hr.terminate(key, { date: isoDate(20) });
    await untilCase(world, personId, 2, 'waiting');
    const caseId = `case_${personId}_2`;
    const description = await eventually(() => world.client.workflow.getHandle(caseId).describe(), 'the case runs');
    const names = description.typedSearchAttributes.getAll().map(({ key: { name } }) => name);
    expect(names.toSorted()).toEqual(
      ['BuildIds', 'UsherCaseId', 'UsherPersonId', 'UsherState'].filter((name) => names.includes(name)),
    );
    expect(names).not.toContain('UsherKind');
    expect(names).not.toContain('UsherDueAt');
    const clear = await eventually(async () => {
      const payloads = await openedPayloads(caseId);
      return payloads.includes('{"phase":"wait","until":null}') ? payloads : null;
    }, 'the case has planned and waits');
    const history = await world.client.workflow.getHandle(caseId).fetchHistory();
    const raw = JSON.stringify(history);
    expect(raw).not.toMatch(/leaver|departure|"leave"/i);
    // Nor what the codec covers: inputs, results and summaries, opened with the key.
    expect(clear).toContain(`{"personId":"${personId}","n":2}`);
    expect(clear.join()).not.toMatch(/leav|depart|cut-?off/i);
    expect(clear.join()).not.toContain(isoDate(20));
    expect(history.events?.some((event) => event.timerStartedEventAttributes)).toBe(false);
    const operator = await world.tokenOf(await world.personId('102'), ['operate']);
    expect(JSON.stringify((await world.api('/api/v1/cases', { token: operator })).json)).not.toContain(caseId);
    const security = await world.tokenOf(await world.personId('110'), ['security']);
    expect(JSON.stringify((await world.api('/api/v1/cases', { token: security })).json)).toContain(caseId);
    expect(holdingAt(world, 'okta', [key]).canLogIn).toBe(true);

    world.clock.advance(22 * DAY_MS);
    await untilStripped(personId, [key, personId], 2);
  });

  test('that is taken back before its date changes nothing; announced again with the same date it counts', async () => {
    const key = '127';
    const personId = await world.personId(key);
    const before = holdingAt(world, 'okta', [key]).groupIds;
    const date = isoDate(10);
    world.company.bamboohr.hr.terminate(key, { date });
    await untilCase(world, personId, 2, 'waiting');
    world.company.bamboohr.hr.rescind(key);
    await untilCase(world, personId, 2, 'cancelled');
    world.company.bamboohr.hr.terminate(key, { date });
    await eventually(
      async () => (await caseState(world, personId, 4)) === 'waiting',
      'the second announcement has a case of its own',
    );
    expect(holdingAt(world, 'okta', [key]).groupIds).toEqual(before);
    world.clock.advance(12 * DAY_MS);
    await untilStripped(personId, [key, personId], 4);
  });
});
