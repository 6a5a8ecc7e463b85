/** A cancelled case closes only after the write that was on its way has ended: nothing of it lands later. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { caseState } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

test('a cancelled case waits for its write', async () => {
  world.company.wiki.faults.add({ kind: 'slow', delayMs: 1_500, method: 'POST', path: '/Users', times: 1 });
  const employee = world.company.bamboohr.hr.hire({
    firstName: 'Slow',
    lastName: 'Write',
    jobTitle: 'Software Engineer',
    department: 'Engineering',
    location: 'Berlin',
    supervisorEId: '103',
  });
  const personId = await world.personId(employee.id);
  // The account is there and its answer is held back: the write is on its way.
  await eventually(() => holdingAt(world, 'wiki', [personId]).accountIds.length === 1, 'the write has begun');
  const handle = world.client.workflow.getHandle(`case_${personId}_1`);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  const rows = await world.ownerDb
    .selectFrom('operation')
    .select('state')
    .where('person_id', '=', personId)
    .where('system_id', '=', 'wiki')
    .execute();
  expect(rows.length).toBeGreaterThan(0);
  // An activity that was abandoned would have left its items as intended when the case closed.
  expect(rows.map((row) => row.state)).not.toContain('intended');
  expect(await caseState(world, personId, 1)).toBe('cancelled');
});
