/** What happens between a plan and its question: the server is away, or the facts move on. The case survives both. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { ServerRefusal, ServerUnavailable } from '../../src/authorisation/server-client.ts';
import { decideByApi, hire, openApproval, untilCase } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let asked: World['workerDeps']['server']['openApproval'];

beforeAll(async () => {
  world = await createWorld();
  asked = world.workerDeps.server.openApproval;
});
afterEach(() => {
  world.workerDeps.server.openApproval = asked;
});
afterAll(async () => {
  await world.close();
});

const seller = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };
const engineer = { jobTitle: 'Software Engineer', department: 'Engineering', supervisorEId: '103' };

test('a question that is withdrawn before the server could open it ends, and the case goes on', async () => {
  let attempts = 0;
  world.workerDeps.server.openApproval = () => {
    attempts += 1;
    return Promise.reject(new ServerUnavailable('the server did not answer'));
  };
  const { personId, employee } = await hire(world, { firstName: 'Never', lastName: 'Asked', ...seller });
  await eventually(() => attempts > 0, 'the worker tried to ask');
  world.company.bamboohr.hr.setFields(employee.id, engineer);
  await untilCase(world, personId, 1, 'done', 60_000);
  expect(await world.ownerDb.selectFrom('approval').selectAll().where('person_id', '=', personId).execute()).toEqual(
    [],
  );
}, 90_000);

test('a question that the server finds out of date is asked again on a new plan', async () => {
  let refusals = 0;
  world.workerDeps.server.openApproval = (request) => {
    if (refusals > 0) return asked(request);
    refusals += 1;
    return Promise.reject(new ServerRefusal('stale', 'the server refused (409)'));
  };
  const { personId } = await hire(world, { firstName: 'Asked', lastName: 'Again', ...seller });
  const approval = await openApproval(world, personId, 1);
  expect(refusals).toBe(1);
  await decideByApi(world, approval);
  await untilCase(world, personId, 1, 'done', 60_000);
}, 90_000);
