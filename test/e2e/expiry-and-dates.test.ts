/** Access that ends by itself, and first days that move or never come. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { caseState, untilCase, untilSweepWaits } from '../support/case-driver.ts';
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
      {
        file: 'entitlements.yaml',
        find: "    description: 'Source code, build system and test environments'",
        replace: "    expiresAfter: 30d\n    description: 'Source code, build system and test environments'",
      },
      {
        file: 'entitlements.yaml',
        find: "    description: 'Write in the company wiki'",
        replace: "    expiresAfter: 2s\n    description: 'Write in the company wiki'",
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
const alertsAbout = (personId: string) =>
  world.ownerDb.selectFrom('alert').select('alert_key').where('person_id', '=', personId).execute();
async function endOf(personId: string, entitlementId: string): Promise<Date | null> {
  const row = await world.ownerDb
    .selectFrom('person_grant')
    .select('expires_at')
    .where('person_id', '=', personId)
    .where('entitlement_id', '=', entitlementId)
    .executeTakeFirstOrThrow();
  return row.expires_at;
}
/** The rights at Okta that last 30 days here. */
const timeBound = ['00gvpn00000000000000', '00gengineering000000'];

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
  // Before the others, while the workflows' clock and everybody else's still agree.
  test('that is over does not come back with a departure that was a mistake, and nobody takes it for an attack', async () => {
    const employee = world.company.bamboohr.hr.hire({ firstName: 'Once', lastName: 'Only', ...engineer });
    const personId = await world.personId(employee.id);
    const wiki = (): string[] => holdingAt(world, 'wiki', [personId]).groupIds;
    await untilCase(world, personId, 1, 'done');
    await eventually(() => !wiki().includes('wiki-editor'), 'the right to write ends');
    const vpnEndsAt = await endOf(personId, 'okta/vpn');
    expect(vpnEndsAt).not.toBeNull();
    world.company.bamboohr.hr.terminate(employee.id);
    await untilSweepWaits(world, personId, 2);
    expect(wiki()).toEqual([]);
    world.company.bamboohr.hr.rescind(employee.id);
    await untilCase(world, personId, 3, 'done');
    expect(wiki()).toEqual(['wiki-reader']);
    expect(await endOf(personId, 'okta/vpn')).toEqual(vpnEndsAt);
    expect(holdingAt(world, 'okta', [personId])).toMatchObject({ canLogIn: true });
    expect(await alertsAbout(personId)).toEqual([]);
  });

  test('ends by itself, is verified, and does not begin anew', async () => {
    const employee = world.company.bamboohr.hr.hire({ firstName: 'Thirty', lastName: 'Days', ...engineer });
    const personId = await world.personId(employee.id);
    await untilCase(world, personId, 1, 'done');
    const before = holdingAt(world, 'okta', [personId]).groupIds;
    expect(before).toEqual(expect.arrayContaining(timeBound));
    world.clock.advance(29 * DAY_MS);
    expect(holdingAt(world, 'okta', [personId]).groupIds).toEqual(before);
    world.clock.advance(2 * DAY_MS);
    await eventually(async () => {
      const rows = await world.ownerDb
        .selectFrom('person_grant')
        .select(['state', 'revoked_at'])
        .where('person_id', '=', personId)
        .where('vendor_entitlement_id', 'in', timeBound)
        .execute();
      return rows.length === 2 && rows.every((row) => row.state === 'revoked' && row.revoked_at !== null);
    }, 'both are verified as revoked, although they end at the same moment');
    expect(holdingAt(world, 'okta', [personId])).toMatchObject({
      canLogIn: true,
      groupIds: before.filter((id) => !timeBound.includes(id)),
    });
    expect(await alertsAbout(personId)).toEqual([]);
  });
});
