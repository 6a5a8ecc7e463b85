/**
 * The long waits as shipped: nothing in the policy is shortened. Time is skipped for one workflow at a time, and the clock
 * of server and worker goes ahead in step, because what may be written is decided on theirs.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  caseState,
  decideByApi,
  hire,
  type HireInput,
  openApproval,
  type OpenApproval,
  untilCase,
  untilSweepIsSet,
} from '../support/case-driver.ts';
import { fastForward, setSkipping, virtualClock } from '../support/time-skip.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

/** How far the clock of server and worker is ahead; a workflow that starts then starts on the real day. */
let clockAheadMs = 0;

function advanceClock(ms: number): void {
  world.clock.advance(ms);
  clockAheadMs += ms;
}

/** Takes one workflow and everybody's clock ahead, and waits until the workflow is there. */
async function ahead(workflowId: string, ms: number): Promise<void> {
  advanceClock(ms);
  await fastForward(world.client, workflowId, ms / dayMs);
}

/** Like `ahead`, for a step in which the workflow may end. */
async function aheadToTheEnd(workflowId: string, ms: number): Promise<void> {
  advanceClock(ms);
  await setSkipping(world.client, workflowId, true);
}

const oktaUser = (personId: string) =>
  Object.values(world.company.okta.state.users).find((user) => user.profile['employeeNumber'] === personId);

const oktaGroupsOf = (userId: string): string[] =>
  Object.values(world.company.okta.state.groups)
    .filter((group) => group.memberIds.includes(userId))
    .map((group) => group.id);

const salesPerson = (lastName: string): HireInput => ({
  firstName: 'Wanda',
  lastName,
  jobTitle: 'Account Executive',
  department: 'Sales',
  supervisorEId: '105',
  // Long employed by the day of the workflow, too.
  startsInDays: -90,
});

function mailsAbout(approvalId: string): { reminders: number; all: number } {
  const mails = world.company.mailbox.messages().filter((message) => message.text.includes(approvalId));
  return { all: mails.length, reminders: mails.filter((mail) => mail.subject.startsWith('Reminder:')).length };
}

async function approvalState(approvalId: string): Promise<string> {
  const row = await world.ownerDb
    .selectFrom('approval')
    .select('state')
    .where('approval_id', '=', approvalId)
    .executeTakeFirstOrThrow();
  return row.state;
}

async function crmGroupsOf(personId: string): Promise<string[]> {
  const rows = await world.ownerDb
    .selectFrom('person_grant')
    .select('entitlement_id')
    .where('person_id', '=', personId)
    .where('state', '=', 'held')
    .where('system_id', '=', 'crm')
    .execute();
  return rows.map((row) => row.entitlement_id ?? '').toSorted();
}

async function openApprovalFor(lastName: string): Promise<{ personId: string; approval: OpenApproval }> {
  const { personId } = await hire(world, salesPerson(lastName));
  const approval = await openApproval(world, personId, 1);
  await eventually(() => mailsAbout(approval.approvalId).all === 1, 'the approver has the mail');
  return { personId, approval };
}

describe('a leaver', () => {
  test('is swept after 15 minutes and after 24 hours: what somebody gave back by hand is taken away each time', async () => {
    const { personId, employee } = await hire(world, { firstName: 'Gone', lastName: 'Forever' });
    await untilCase(world, personId, 1, 'done');
    const userId = oktaUser(personId)?.id ?? '';
    world.company.bamboohr.hr.terminate(employee.id);
    const caseId = `case_${personId}_2`;
    await untilSweepIsSet(world, caseId, 1);
    expect(oktaGroupsOf(userId)).toEqual([]);

    giveBack(userId, '00gvpn00000000000000');
    await ahead(caseId, 14 * minuteMs);
    expect(oktaGroupsOf(userId)).toEqual(['00gvpn00000000000000']);
    await ahead(caseId, 2 * minuteMs);
    await untilSweepIsSet(world, caseId, 2);
    expect(oktaGroupsOf(userId)).toEqual([]);

    giveBack(userId, '00gengineering000000');
    await ahead(caseId, 23 * hourMs);
    expect(oktaGroupsOf(userId)).toEqual(['00gengineering000000']);
    await aheadToTheEnd(caseId, 2 * hourMs);
    await untilCase(world, personId, 2, 'done');
    expect(oktaGroupsOf(userId)).toEqual([]);
    expect(world.company.okta.canLogIn(userId)).toBe(false);
    const clock = await virtualClock(world.client, caseId);
    expect(clock?.now.getTime()).toBeGreaterThan(Date.now() + dayMs);
  });
});

describe('an approval', () => {
  test('is reminded of once, after three days, and silence is a denial after fourteen', async () => {
    const { personId, approval } = await openApprovalFor('Silence');
    const { approvalId } = approval;
    await ahead(approvalId, 3 * dayMs - hourMs);
    expect(mailsAbout(approvalId)).toEqual({ all: 1, reminders: 0 });
    await ahead(approvalId, 2 * hourMs);
    await eventually(() => mailsAbout(approvalId).reminders === 1, 'the reminder');
    await ahead(approvalId, 11 * dayMs - 2 * hourMs);
    expect(mailsAbout(approvalId).reminders).toBe(1);
    expect(await approvalState(approvalId)).toBe('open');
    await aheadToTheEnd(approvalId, 2 * hourMs);
    await eventually(async () => (await approvalState(approvalId)) === 'expired', 'the approval expired');
    await untilCase(world, personId, 1, 'done');
    expect(await crmGroupsOf(personId)).toEqual(['crm/reader']);
    await expect(decideByApi(world, approval)).rejects.toThrow(/refused: (409|410|403)/);
  });

  test('that is decided on the thirteenth day gives access', async () => {
    const { personId, approval } = await openApprovalFor('Late');
    await ahead(approval.approvalId, 13 * dayMs);
    await decideByApi(world, approval);
    await untilCase(world, personId, 1, 'done');
    expect(await crmGroupsOf(personId)).toEqual(['crm/reader', 'crm/sales']);
  });
});

describe('a joiner who starts in 21 days', () => {
  test('gets nothing before lead time, and everything at lead time before the first day in their zone', async () => {
    const { personId } = await hire(world, { firstName: 'Fern', lastName: 'Early', startsInDays: 21 });
    const caseId = `case_${personId}_1`;
    const dueAt = await eventually(async () => {
      const row = await world.ownerDb
        .selectFrom('usher_case')
        .select(['due_at', 'state'])
        .where('case_id', '=', caseId)
        .executeTakeFirst();
      return row?.state === 'waiting' ? row.due_at : null;
    }, 'the joiner waits');
    // Eight hours before midnight in Berlin.
    const berlin = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'short' });
    expect(berlin.format(dueAt)).toBe('16:00');
    const waitMs = dueAt.getTime() - world.clock.now().getTime();
    expect(waitMs).toBeGreaterThan(19 * dayMs);
    await fastForward(world.client, caseId, clockAheadMs / dayMs);

    await ahead(caseId, waitMs - hourMs);
    expect(await caseState(world, personId, 1)).toBe('waiting');
    expect(oktaUser(personId)).toBeUndefined();

    await aheadToTheEnd(caseId, hourMs + minuteMs);
    await untilCase(world, personId, 1, 'done');
    const user = oktaUser(personId);
    expect(world.company.okta.canLogIn(user?.id ?? '')).toBe(true);
    const planned = await world.ownerDb
      .selectFrom('proposal')
      .select('planned_at')
      .where('person_id', '=', personId)
      .executeTakeFirstOrThrow();
    expect(planned.planned_at.getTime()).toBeGreaterThanOrEqual(dueAt.getTime());
  });
});

function giveBack(userId: string, groupId: string): void {
  world.company.okta.state.groups[groupId]?.memberIds.push(userId);
}
