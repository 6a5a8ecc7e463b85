/** What grows back after a leaver, what was under way when they left, and the person who is hired again. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ConnectorDefinition, TargetConnector } from '../../src/connectors/kit/contract.ts';
import { connectorById } from '../../src/connectors/registry.ts';
import {
  caseState,
  decide,
  hire,
  type HireInput,
  openApprovals,
  untilCase,
  untilSweepIsSet,
  untilSweepWaits,
} from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { fastForward } from '../support/time-skip.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const systems = ['okta', 'crm', 'wiki', 'warehouse'] as const;
const manager = '105';

let world: World;
/** Set: Okta made or found the account, and the answer does not arrive before this settles. */
let stall: Promise<void> | null = null;

beforeAll(async () => {
  world = await createWorld({ definitionById: stalling });
});
afterAll(async () => {
  await world.close();
});

/** The production connectors; only Okta's answer to `ensureAccount` may be held back. */
function stalling(id: string): ConnectorDefinition | null {
  const definition = connectorById(id);
  if (definition === null || id !== 'okta') return definition;
  return {
    ...definition,
    create(runtime) {
      const connector = definition.create(runtime) as TargetConnector;
      return {
        ...connector,
        async ensureAccount(...args) {
          const answer = await connector.ensureAccount(...args);
          await stall;
          return answer;
        },
      };
    },
  };
}

const salesPerson = (lastName: string): HireInput => ({
  firstName: 'Sam',
  lastName,
  jobTitle: 'Account Executive',
  department: 'Sales',
  supervisorEId: manager,
  startsInDays: -90,
});

const oktaUser = (personId: string) =>
  Object.values(world.company.okta.state.users).find((user) => user.profile['employeeNumber'] === personId);

const crmUser = (personId: string) =>
  Object.values(world.company.crm.state.users).find((user) => user.attributes['externalId'] === personId);

async function untilNothingIsLeft(personId: string, n: number): Promise<void> {
  await untilSweepWaits(world, personId, n);
  expectNothingLeft(personId);
}

function expectNothingLeft(personId: string): void {
  for (const system of systems) {
    const { groupIds, canLogIn, sessions } = holdingAt(world, system, [personId]);
    expect({ system, groupIds, canLogIn, sessions }).toEqual({ system, groupIds: [], canLogIn: false, sessions: 0 });
  }
}

async function approve(personId: string): Promise<string> {
  const [approval] = await eventually(async () => {
    const rows = await openApprovals(world, personId);
    return rows.length > 0 ? rows : null;
  }, 'an approval waits');
  await decide(world, approval?.approval_id ?? '', await world.personId(manager), () => 'approve');
  return approval?.approval_id ?? '';
}

describe('a write that was under way when the person left', () => {
  test('and is answered late goes no further: no group is added, one alert, and the cut-off did not wait for it', async () => {
    let release = (): void => undefined;
    stall = new Promise((resolve) => (release = resolve));
    const { personId, employee } = await hire(world, { firstName: 'Stalled', lastName: 'Write' });
    // Made and activated: before that it could not log in, and would look as if it were cut off already.
    await eventually(() => holdingAt(world, 'okta', [personId]).canLogIn, 'the account is made, its answer held back');
    world.company.bamboohr.hr.terminate(employee.id);
    await eventually(() => !holdingAt(world, 'okta', [personId]).canLogIn, 'the login is cut off all the same');
    stall = null;
    release();
    await untilNothingIsLeft(personId, 2);
    expect(await caseState(world, personId, 1)).toBe('cancelled');
    const added = world.company.okta.calls.filter(
      ({ method, path }) =>
        method === 'PUT' && path.includes('/groups/') && path.includes(oktaUser(personId)?.id ?? ''),
    );
    expect(added).toEqual([]);
    const alerts = await world.ownerDb.selectFrom('alert').select('kind').where('person_id', '=', personId).execute();
    expect(alerts).toEqual([{ kind: 'stoppedWrite' }]);
    const written = await world.ownerDb
      .selectFrom('operation')
      .select('state')
      .where('person_id', '=', personId)
      .where('n', '=', 1)
      .execute();
    expect(new Set(written.map(({ state }) => state))).toEqual(new Set(['superseded']));
  });
});

describe('somebody who left', () => {
  let personId = '';
  let employeeId = '';
  let firstApproval = '';

  test('loses the sessions that they had open, at every system that they logged in to', async () => {
    const hired = await hire(world, salesPerson('Return'));
    personId = hired.personId;
    employeeId = hired.employee.id;
    firstApproval = await approve(personId);
    await untilCase(world, personId, 1, 'done');
    world.company.okta.createSession(oktaUser(personId)?.id ?? '');
    world.company.okta.createSession(oktaUser(personId)?.id ?? '', 'oauth');
    world.company.crm.createSession(crmUser(personId)?.id ?? '');
    expect(holdingAt(world, 'okta', [personId]).sessions).toBe(2);
    expect(holdingAt(world, 'crm', [personId]).sessions).toBe(1);
    world.company.bamboohr.hr.terminate(employeeId);
    await untilNothingIsLeft(personId, 2);
  });

  test('and whose logins somebody enabled again by hand is cut off again by the sweep after 15 minutes', async () => {
    const caseId = `case_${personId}_2`;
    await untilSweepIsSet(world, caseId, 1);
    world.company.okta.forceStatus(oktaUser(personId)?.id ?? '', 'ACTIVE');
    world.company.okta.createSession(oktaUser(personId)?.id ?? '');
    const crm = crmUser(personId);
    if (crm) crm.active = true;
    for (const system of ['okta', 'crm'] as const) expect(holdingAt(world, system, [personId]).canLogIn).toBe(true);
    world.clock.advance(16 * MINUTE_MS);
    await fastForward(world.client, caseId, (16 * MINUTE_MS) / DAY_MS);
    await untilSweepIsSet(world, caseId, 2);
    expectNothingLeft(personId);
  });

  test('and is hired again keeps the account, and is decided about anew: the old decisions do not count', async () => {
    const first = new Date(world.clock.now().getTime() + 2 * DAY_MS).toISOString().slice(0, 10);
    world.company.bamboohr.hr.setFields(employeeId, { hireDate: first });
    world.company.bamboohr.hr.rescind(employeeId, 'termination');
    const dueMs = await eventually(async () => {
      const row = await world.ownerDb
        .selectFrom('usher_case')
        .select(['due_at', 'state'])
        .where('case_id', '=', `case_${personId}_3`)
        .executeTakeFirst();
      return row?.state === 'waiting' ? row.due_at?.getTime() : null;
    }, 'the new case waits for the first day');
    expectNothingLeft(personId);
    // The workflow began on the real day; only as far as its own timer, so that nothing skips the time to decide.
    world.clock.advance(dueMs - world.clock.now().getTime() + MINUTE_MS);
    await fastForward(world.client, `case_${personId}_3`, (dueMs - Date.now() + SECOND_MS) / DAY_MS);
    await eventually(() => holdingAt(world, 'crm', [personId]).groupIds.length > 0, 'what policy allows is back');
    const [again] = await eventually(async () => {
      const rows = await openApprovals(world, personId);
      return rows.length > 0 ? rows : null;
    }, 'the manager is asked again');
    expect(again?.approval_id).not.toBe(firstApproval);
    expect(holdingAt(world, 'crm', [personId])).toMatchObject({ groupIds: ['crm-reader'], canLogIn: true });
    await approve(personId);
    await untilCase(world, personId, 3, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toEqual(['crm-reader', 'crm-sales']);
    for (const system of ['okta', 'crm'] as const) {
      expect(holdingAt(world, system, [personId]).accountIds).toHaveLength(1);
    }
  });
});
