/** What the old role gave stays for the hand-over that policy sets, and goes when the manager of before ends it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decideByApi, hire, openApproval, untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { fastForward, setSkipping } from '../support/time-skip.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const finance = { jobTitle: 'Financial Analyst', department: 'Finance', supervisorEId: '107' };

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      { file: 'rules.yaml', find: '  leavers: {', replace: '  movers: { handOver: 3d }\n  leavers: {' },
      {
        file: 'rules.yaml',
        find: 'routing:',
        replace: [
          'separationOfDuties:',
          '  - id: build-and-pay',
          '    description: Whoever changes the handbook of engineering reads no postings',
          '    between: [[wiki/editor], [warehouse/finance]]',
          '    compensatingControl: The controller reads the journal of the wiki each month',
          '    exceptionLasts: 30d',
          '',
          'routing:',
        ].join('\n'),
      },
    ],
  });
});
afterAll(() => world.close());

const groupsAt = (system: 'okta' | 'wiki' | 'warehouse', personId: string): string[] =>
  holdingAt(world, system, [personId]).groupIds;

async function engineer(lastName: string): Promise<{ personId: string; key: string }> {
  const { personId, employee } = await hire(world, { firstName: 'Hanna', lastName });
  await untilCase(world, personId, 1, 'done');
  return { personId, key: employee.id };
}

/** When the hand-over ends, once the case waits for it. */
const untilHandingOver = async (personId: string): Promise<Date> =>
  eventually(async () => {
    const row = await world.ownerDb
      .selectFrom('usher_case')
      .select(['handover_until', 'due_at'])
      .where('case_id', '=', `case_${personId}_2`)
      .executeTakeFirst();
    return row?.due_at?.getTime() === row?.handover_until?.getTime() ? row?.due_at : null;
  }, 'the case waits for the end of the hand-over');

const end = async (personId: string, by: string, scopes: Parameters<World['tokenOf']>[1] = ['decide']) =>
  world.api(`/api/v1/cases/case_${personId}_2/hand-over/end`, {
    method: 'POST',
    token: await world.tokenOf(by, scopes),
    body: {},
  });

test('old access stays, what must not be held beside it waits, and both change hands when the old manager ends it', async () => {
  const { personId, key } = await engineer('Over');
  const before = groupsAt('wiki', personId);
  world.company.bamboohr.hr.setFields(key, finance);
  await untilHandingOver(personId);
  expect(groupsAt('wiki', personId)).toEqual(before);
  // The analyst's postings wait for the editor's right to go: nobody is asked about them yet.
  const asked = await world.ownerDb.selectFrom('approval').select('items').where('person_id', '=', personId).execute();
  expect(asked).toEqual([]);
  const [oldManager, newManager] = [await world.personId('103'), await world.personId('107')];
  expect((await end(personId, newManager)).status).toBe(403);
  expect((await end(personId, personId)).status).toBe(403);
  expect((await end(personId, oldManager)).status).toBe(202);
  await eventually(() => groupsAt('okta', personId).length === 1, 'the old access is gone');
  const approval = await openApproval(world, personId, 2);
  expect(approval.items).toMatchObject([{ entitlementId: 'warehouse/finance', conflicts: [] }]);
  await decideByApi(world, approval);
  await untilCase(world, personId, 2, 'done');
  expect(groupsAt('warehouse', personId)).toHaveLength(2);
  expect((await end(personId, oldManager)).status).toBe(409);
});

test('it ends by itself when its time is over, and not before', async () => {
  const { personId, key } = await engineer('Time');
  const caseId = `case_${personId}_2`;
  world.company.bamboohr.hr.setFields(key, finance);
  const until = await untilHandingOver(personId);
  const waitMs = until.getTime() - world.clock.now().getTime();
  expect(waitMs / DAY_MS).toBeGreaterThan(2.9);
  expect(waitMs / DAY_MS).toBeLessThanOrEqual(3);
  const before = groupsAt('wiki', personId);
  world.clock.advance(waitMs - HOUR_MS);
  await fastForward(world.client, caseId, (waitMs - HOUR_MS) / DAY_MS);
  expect(groupsAt('wiki', personId)).toEqual(before);
  world.clock.advance(HOUR_MS + MINUTE_MS);
  await setSkipping(world.client, caseId, true);
  await eventually(() => groupsAt('okta', personId).length === 1, 'the old access is gone');
});
