/** One joiner in, one leaver out, through the door of the HR system and on every real part. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

async function verifiedItems(personId: string, n: number): Promise<number> {
  const row = await world.ownerDb
    .selectFrom('operation')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('state', '=', 'verified')
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function caseState(personId: string, n: number): Promise<string | null> {
  const row = await world.ownerDb
    .selectFrom('usher_case')
    .select('state')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirst();
  return row?.state ?? null;
}

function oktaUserOf(key: string) {
  return Object.values(world.company.okta.state.users).find((user) => user.profile['employeeNumber'] === key);
}

describe('a person who joins and leaves', () => {
  test('gets what policy approves, verified in the systems, and loses all of it at once when leaving', async () => {
    const employee = world.company.bamboohr.hr.hire({
      firstName: 'Lena',
      lastName: 'Fischer',
      jobTitle: 'Software Engineer',
      department: 'Engineering',
      location: 'Berlin',
      supervisorEId: '103',
    });
    const personId = await world.personId(employee.id);
    await eventually(async () => (await caseState(personId, 1)) === 'done', 'the joiner is done');
    expect(await verifiedItems(personId, 1)).toBeGreaterThanOrEqual(3);
    const user = oktaUserOf(personId);
    expect(user).toBeDefined();
    expect(world.company.okta.canLogIn(user?.id ?? '')).toBe(true);

    world.company.bamboohr.hr.terminate(employee.id);
    await eventually(() => !world.company.okta.canLogIn(user?.id ?? ''), 'the Okta login is cut off');
    // The row says `waiting` from the beginning: what is held tells when the removal is over.
    const holdsAny = world.ownerDb
      .selectFrom('person_grant')
      .select('entitlement_id')
      .where('person_id', '=', personId)
      .where('state', '=', 'held');
    await eventually(async () => (await holdsAny.execute()).length === 0, 'the removal is done');
    await eventually(async () => (await caseState(personId, 2)) === 'waiting', 'the sweep waits');
    const groups = Object.values(world.company.okta.state.groups).filter((group) =>
      group.memberIds.includes(user?.id ?? ''),
    );
    expect(groups.map((group) => group.name)).toEqual([]);
  });
});
