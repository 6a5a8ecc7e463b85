/** Access that ends by itself, and first days that move or never come. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { caseState, untilCase } from '../support/case-rows.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
const DAY_MS = 86_400_000;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      {
        file: 'entitlements.yaml',
        find: "    description: 'Connect to the office network from elsewhere'",
        replace: "    expiresAfter: 30d\n    description: 'Connect to the office network from elsewhere'",
      },
    ],
  });
});
afterAll(async () => {
  await world.close();
});

const engineer = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin', supervisorEId: '103' };
const isoDate = (days: number): string =>
  new Date(world.clock.now().getTime() + days * DAY_MS).toISOString().slice(0, 10);
const vpn = '00gvpn00000000000000';

describe('a first day', () => {
  test('that moves to today reaches the case that waits for it', async () => {
    const employee = world.company.bamboohr.hr.hire({
      firstName: 'Moved',
      lastName: 'Date',
      ...engineer,
      hireDate: isoDate(20),
    });
    const personId = await world.personId(employee.id);
    await eventually(
      async () => (await world.client.workflow.getHandle(`case_${personId}_1`).describe()).status.name === 'RUNNING',
      'it waits',
    );
    expect(holdingAt(world, 'okta', [personId]).accountIds).toEqual([]);
    world.company.bamboohr.hr.setFields(employee.id, { hireDate: isoDate(-1) });
    await untilCase(world, personId, 1, 'done');
    expect(await caseState(world, personId, 2)).toBeNull();
  });

  test('that never comes gives nothing', async () => {
    const employee = world.company.bamboohr.hr.hire({
      firstName: 'No',
      lastName: 'Show',
      ...engineer,
      hireDate: isoDate(20),
    });
    const personId = await world.personId(employee.id);
    await eventually(async () => (await caseState(world, personId, 1)) === 'waiting', 'it waits');
    world.company.bamboohr.hr.rescind(employee.id);
    await untilCase(world, personId, 1, 'cancelled');
    expect(holdingAt(world, 'okta', [personId]).accountIds).toEqual([]);
  });
});

describe('time-bound access', () => {
  test('ends by itself, is verified, and does not begin anew', async () => {
    const employee = world.company.bamboohr.hr.hire({ firstName: 'Thirty', lastName: 'Days', ...engineer });
    const personId = await world.personId(employee.id);
    await untilCase(world, personId, 1, 'done');
    const before = holdingAt(world, 'okta', [personId]).groupIds;
    expect(before).toContain(vpn);
    world.clock.advance(29 * DAY_MS);
    expect(holdingAt(world, 'okta', [personId]).groupIds).toEqual(before);
    world.clock.advance(2 * DAY_MS);
    await eventually(() => !holdingAt(world, 'okta', [personId]).groupIds.includes(vpn), 'the VPN ends');
    const grant = await eventually(async () => {
      const row = await world.ownerDb
        .selectFrom('person_grant')
        .selectAll()
        .where('person_id', '=', personId)
        .where('entitlement_id', '=', 'okta/vpn')
        .executeTakeFirst();
      return row?.state === 'revoked' ? row : null;
    }, 'it is verified as revoked');
    expect(grant.revoked_at).not.toBeNull();
    expect(holdingAt(world, 'okta', [personId])).toMatchObject({
      canLogIn: true,
      groupIds: before.filter((id) => id !== vpn),
    });
    expect(
      await world.ownerDb.selectFrom('alert').select('alert_key').where('person_id', '=', personId).execute(),
    ).toEqual([]);
  });
});
