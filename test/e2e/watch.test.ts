/** Open cases whose workflow is gone are found, told, and resumed; floods of signals neither fill a history nor stop a decision. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { watchCases } from '../../src/delivery/watch-cases.ts';
import { SIGNALS_RECORDED_MAX } from '../../src/workflows/signal-budget.ts';
import {
  alertsOf,
  dateInDays,
  decideByApi,
  hire,
  openApproval,
  openApprovals,
  signalLikeTemporalUi,
  untilCase,
  untilSweepIsSet,
} from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let operator: string;

beforeAll(async () => {
  world = await createWorld();
  operator = await world.tokenOf(await world.personId('103'), ['operate']);
});
afterAll(async () => {
  await world.close();
});

const juggler = { jobTitle: 'Chief Juggler' };

function openIncident() {
  return world.ownerDb
    .selectFrom('incident')
    .selectAll()
    .where('kind', '=', 'caseLost')
    .where('state', '=', 'open')
    .executeTakeFirst();
}

/** The lane does the same every half minute. */
async function untilLost(workflowId: string): Promise<void> {
  world.clock.advance(10_000);
  await eventually(async () => {
    await watchCases(world.workerDeps);
    const rows = await world.ownerDb
      .selectFrom('incident_item')
      .select('item_key')
      .where('item_key', '=', workflowId)
      .where('detached_at', 'is', null)
      .execute();
    return rows.length === 1;
  }, `${workflowId} is found lost`);
}

const resume = (caseId: string) =>
  world.api(`/api/v1/cases/${caseId}/resume`, { method: 'POST', token: operator, body: {} });

async function eventCount(workflowId: string): Promise<number> {
  return (await world.client.workflow.getHandle(workflowId).describe()).historyLength;
}

describe('the watch', () => {
  test('a terminated case becomes one incident and one alert, and is resumed with a new approval', async () => {
    const { personId } = await hire(world, { firstName: 'Tina', lastName: 'Ende', ...juggler });
    const caseId = `case_${personId}_1`;
    const before = await openApproval(world, personId, 1);
    expect((await resume(caseId)).status).toBe(409);
    await world.client.workflow.getHandle(caseId).terminate('by a stranger');
    await untilLost(caseId);
    await watchCases(world.workerDeps);
    expect((await alertsOf(world, 'caseLost')).filter(({ text }) => text.includes(caseId))).toHaveLength(1);
    const incident = await eventually(openIncident, 'the incident is open');
    await eventually(
      async () =>
        (await world.ownerDb
          .selectFrom('incident')
          .select('ticket_number')
          .where('incident_id', '=', incident.incident_id)
          .where('ticket_number', 'is not', null)
          .executeTakeFirst()) !== undefined,
      'it has a ticket',
    );
    expect((await resume(caseId)).status).toBe(202);
    expect((await resume(caseId)).status).toBe(202);
    const after = await openApproval(world, personId, 1, before.approvalId);
    expect(after.approvalId).not.toBe(before.approvalId);
    await eventually(async () => !(await openIncident()), 'the incident is closed');
    await decideByApi(world, after, () => 'deny');
    await untilCase(world, personId, 1, 'done');
    const kinds = await world.ownerDb
      .selectFrom('evidence')
      .select('kind')
      .where('case_id', '=', caseId)
      .where('kind', 'in', ['caseLost', 'caseResumed'])
      .execute();
    expect(kinds.map(({ kind }) => kind)).toContain('caseLost');
    expect(kinds.map(({ kind }) => kind)).toContain('caseResumed');
  });

  test('a case that waits for its day and is missing from Temporal is found and resumed', async () => {
    const { personId } = await hire(world, { firstName: 'Mila', lastName: 'Fort', startsInDays: 40 });
    const caseId = `case_${personId}_1`;
    const handle = world.client.workflow.getHandle(caseId);
    await eventually(() => handle.describe(), 'the case runs');
    const { runId } = await handle.describe();
    await world.client.workflowService.deleteWorkflowExecution({
      namespace: world.client.options.namespace,
      workflowExecution: { workflowId: caseId, runId },
    });
    await eventually(
      () =>
        handle.describe().then(
          () => false,
          () => true,
        ),
      'Temporal forgot it',
    );
    await untilLost(caseId);
    expect((await resume(caseId)).status).toBe(202);
    await eventually(async () => (await handle.describe()).status.name === 'RUNNING', 'it runs again');
    await eventually(async () => !(await openIncident()), 'the incident is closed');
  });

  test('a leaver that was terminated between two sweeps is resumed and looks again, with ids that were not used', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Leo', lastName: 'Los' });
    await untilCase(world, personId, 1, 'done');
    world.company.bamboohr.hr.terminate(employee.id);
    const caseId = `case_${personId}_2`;
    await untilSweepIsSet(world, caseId, 1);
    await world.client.workflow.getHandle(caseId).terminate('by a stranger');
    await untilLost(caseId);
    // Something grew back while nobody looked.
    const user = Object.values(world.company.okta.state.users).find(
      (one) => one.profile['employeeNumber'] === personId,
    );
    const group = Object.values(world.company.okta.state.groups)[0];
    group?.memberIds.push(user?.id ?? '');
    expect((await resume(caseId)).status).toBe(202);
    await eventually(() => !group?.memberIds.includes(user?.id ?? ''), 'what grew back is gone', 60_000);
    await untilSweepIsSet(world, caseId, 1);
    const ks = await world.ownerDb
      .selectFrom('operation')
      .select('k')
      .where('person_id', '=', personId)
      .where('n', '=', 2)
      .execute();
    expect(Math.max(...ks.map(({ k }) => k))).toBeGreaterThan(50);
    await eventually(async () => !(await openIncident()), 'the incident is closed');
  });

  test('what goes on is left alone', async () => {
    world.clock.advance(60_000);
    await watchCases(world.workerDeps);
    expect(await openIncident()).toBeUndefined();
  });
});

async function flood(workflowId: string, signal: string, count: number, payload: unknown): Promise<void> {
  for (let sent = 0; sent < count; sent += 50)
    await Promise.all(Array.from({ length: 50 }, () => signalLikeTemporalUi(world, workflowId, payload, signal)));
}

describe('a flood of signals', () => {
  test('is not recorded without end, is told once, and the decision still counts', async () => {
    const { personId } = await hire(world, { firstName: 'Flora', lastName: 'Flut', ...juggler });
    const approval = await openApproval(world, personId, 1);
    await flood(approval.approvalId, 'decide', 2_000, { junk: 'x'.repeat(200) });
    await eventually(
      async () => (await alertsOf(world, 'signalFlood')).some(({ text }) => text.includes(approval.approvalId)),
      'security hears of it',
      90_000,
    );
    const claims = async (): Promise<number> => {
      const history = await world.client.workflow.getHandle(approval.approvalId).fetchHistory();
      return (history.events ?? []).filter(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'recordDecision',
      ).length;
    };
    await eventually(async () => (await claims()) === SIGNALS_RECORDED_MAX, 'the claims are worked off', 120_000);
    expect(await eventCount(approval.approvalId)).toBeLessThan(20_000);
    await decideByApi(world, approval, () => 'deny');
    await untilCase(world, personId, 1, 'done');
    expect(await claims()).toBe(SIGNALS_RECORDED_MAX);
    expect(
      (await alertsOf(world, 'signalFlood')).filter(({ text }) => text.includes(approval.approvalId)),
    ).toHaveLength(1);
  }, 240_000);

  test('of news plans a waiting case once a minute and not once a signal', async () => {
    const { personId } = await hire(world, { firstName: 'Nora', lastName: 'Neu', startsInDays: 50 });
    const caseId = `case_${personId}_1`;
    const planned = async (): Promise<number> => {
      const history = await world.client.workflow.getHandle(caseId).fetchHistory();
      return (history.events ?? []).filter(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'planCase',
      ).length;
    };
    await eventually(async () => (await planned()) > 0, 'the case waits');
    await flood(caseId, 'tell', 300, { kind: 'nonsense' });
    await eventually(
      async () => (await alertsOf(world, 'signalFlood')).some(({ text }) => text.includes(`${caseId} `)),
      'security hears of it',
      90_000,
    );
    const before = await planned();
    await flood(caseId, 'tell', 300, { kind: 'factsChanged' });
    expect(await planned()).toBeLessThanOrEqual(before + 2);
    expect(await openApprovals(world, personId)).toEqual([]);
    expect(dateInDays(world, 50) > dateInDays(world, 0)).toBe(true);
  }, 180_000);
});
