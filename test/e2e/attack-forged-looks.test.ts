/** Answers of `findAccounts` given in the worker's place: a leaver whose systems nobody looked at does not end as done. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { completeByHand } from '../support/temporal-writer.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [{ file: 'rules.yaml', find: 'sweepsAfter: [15m, 24h]', replace: 'sweepsAfter: [2s]' }],
  });
});
afterAll(() => world.close());

test('a leaver for whom somebody claimed at every look that a system holds nothing ends as failed, with one alert', async () => {
  const key = '118';
  const personId = await world.personId(key);
  const workflowId = `case_${personId}_2`;
  expect(holdingAt(world, 'okta', [key]).groupIds.length).toBeGreaterThan(0);
  const nothing = { kind: 'found', account: null };
  world.company.warehouse.faults.setDown('503');
  world.company.bamboohr.hr.terminate(key);
  for (const look of ['first', 'sweep']) {
    await completeByHand(world, { workflowId, type: 'findAccounts', afterFailures: 1, result: nothing });
    if (look === 'first') await untilCase(world, personId, 2, 'waiting');
  }
  await untilCase(world, personId, 2, 'failed');
  world.company.warehouse.faults.setDown(null);
  const alerts = await world.ownerDb
    .selectFrom('alert')
    .select(['kind', 'text'])
    .where('person_id', '=', personId)
    .execute();
  expect(alerts).toEqual([{ kind: 'unprovenClaim', text: expect.stringContaining('warehouse') }]);
  // What was really looked at was really taken away.
  expect(holdingAt(world, 'okta', [key])).toMatchObject({ groupIds: [], canLogIn: false });
});
