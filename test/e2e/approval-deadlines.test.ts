/** The times of an approval as shipped: reminder, two levels of escalation, the clock that a question stops, and its bound. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decide, untilCase } from '../support/case-rows.ts';
import { hire, openApproval, type OpenApproval } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { fastForward, setSkipping } from '../support/time-skip.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

async function ahead(workflowId: string, ms: number): Promise<void> {
  world.clock.advance(ms);
  await fastForward(world.client, workflowId, ms / dayMs);
}

let hires = 0;

async function anApproval(): Promise<{ personId: string; approval: OpenApproval }> {
  hires += 1;
  const { personId } = await hire(world, {
    firstName: 'Dead',
    lastName: `Line ${hires}`,
    jobTitle: 'Account Executive',
    department: 'Sales',
    supervisorEId: '105',
    startsInDays: -90,
  });
  const approval = await openApproval(world, personId, 1);
  await eventually(() => subjects(approval).length === 1, 'the approver has the mail');
  return { personId, approval };
}

function subjects({ approvalId }: OpenApproval, key?: string): string[] {
  const address = key === undefined ? undefined : (world.company.bamboohr.hr.get(key).workEmail ?? '');
  return world.company.mailbox
    .messages(address)
    .filter((mail) => mail.text.includes(approvalId))
    .map((mail) => mail.subject.split(':')[0] ?? '');
}

async function post(key: string, path: string, body: unknown): Promise<{ status: number; json: unknown }> {
  const token = await world.tokenOf(await world.personId(key), ['decide', 'read:own-cases']);
  return world.api(path, { method: 'POST', token, body });
}

async function stateOf({ approvalId }: OpenApproval): Promise<string | undefined> {
  const row = await world.ownerDb
    .selectFrom('approval')
    .select('state')
    .where('approval_id', '=', approvalId)
    .executeTakeFirst();
  return row?.state;
}

interface Detail {
  canAct: { who: { name: string }; what: string }[];
  comingUp: { at: string; text: string }[];
}

async function detailOf(personId: string): Promise<Detail> {
  const token = await world.tokenOf(await world.personId('109'), ['operate']);
  return (await world.api(`/api/v1/cases/case_${personId}_1`, { token })).json as Detail;
}

/** Days from now, rounded. */
const daysUntil = (at: string): number => Math.round((Date.parse(at) - world.clock.now().getTime()) / dayMs);

describe('an approval that nobody decides', () => {
  test('goes up the manager line as the deadline nears; the case says so before; the next level decides', async () => {
    const { personId, approval } = await anApproval();
    const before = await detailOf(personId);
    expect(before.comingUp.map(({ at, text }) => [daysUntil(at), text])).toEqual([
      [3, 'whoever has not decided is reminded'],
      [7, 'Amara Okafor is asked as well'],
      [11, 'the level above is asked as well'],
      [14, 'silence becomes a denial'],
    ]);
    const chief = await world.personId('101');
    expect((await decide(world, approval.approvalId, chief, () => 'approve')).status).toBe(403);
    await ahead(approval.approvalId, 7 * dayMs + hourMs);
    await eventually(() => subjects(approval, '101').length === 1, 'the manager of the manager is asked');
    expect(subjects(approval, '101')).toHaveLength(1);
    const during = await detailOf(personId);
    expect(during.canAct.map(({ who, what }) => `${who.name}: ${what}`).toSorted()).toEqual([
      'Amara Okafor: decide 1 item in the place of Grace Mbeki',
      'Grace Mbeki: decide 1 item',
    ]);
    expect(during.comingUp[0]?.text).toBe('Henrik Lindqvist is asked as well');
    await ahead(approval.approvalId, 4 * dayMs);
    await eventually(() => subjects(approval, '102').length === 1, 'the fallback owner is asked');
    expect((await decide(world, approval.approvalId, chief, () => 'approve')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).toContain('crm-sales');
  });

  test('is not escalated before its time, whoever asks for it', async () => {
    const { approval } = await anApproval();
    const token = await world.tokenOf(null, ['internal']);
    const body = { approvalId: approval.approvalId, level: 1 };
    const answer = await world.api('/internal/approvals/escalate', { method: 'POST', token, body });
    expect(answer).toEqual({ status: 200, json: { told: 0 } });
    const mandates = await world.ownerDb
      .selectFrom('approval_mandate')
      .select('mandate_id')
      .where('approval_id', '=', approval.approvalId)
      .execute();
    expect(mandates).toEqual([]);
  });
});

describe('a question', () => {
  test('stops the clock until the answer, and then everything comes later by that time', async () => {
    const { personId, approval } = await anApproval();
    const { approvalId } = approval;
    await ahead(approvalId, dayMs);
    const path = `/api/v1/approvals/${approvalId}/questions`;
    const asked = await post('105', path, { text: 'Which customers?', of: 'bamboohr/122' });
    expect(asked.status).toBe(201);
    const { questionId } = asked.json as { questionId: string };
    await eventually(() => world.company.mailbox.messages().some((mail) => mail.text.includes(questionId)), 'the mail');
    await untilLog(approvalId, 'loadApproval', 1);
    await ahead(approvalId, 5 * dayMs);
    expect(subjects(approval)).toEqual(['Access for Dead Line 3']);
    expect((await post('124', `/api/v1/questions/${questionId}/answer`, { text: 'x' })).status).toBe(404);
    expect((await post('122', `/api/v1/questions/${questionId}/answer`, { text: 'The north' })).status).toBe(201);
    await eventually(() => subjects(approval).includes('Reminder'), 'the asker has the answer with a new link');
    await untilLog(approvalId, 'loadApproval', 2);
    expect((await detailOf(personId)).comingUp.map(({ at }) => daysUntil(at))).toEqual([2, 6, 10, 13]);
    await ahead(approvalId, dayMs);
    expect(subjects(approval)).not.toContain('Reminder');
    await ahead(approvalId, dayMs + hourMs);
    await eventually(() => subjects(approval).includes('Reminder'), 'the reminder');
    // The eighteenth day from the opening, of which the clock stood for five.
    await ahead(approvalId, 10 * dayMs);
    expect(await stateOf(approval)).toBe('open');
    world.clock.advance(2 * dayMs);
    await setSkipping(world.client, approvalId, true);
    await eventually(async () => (await stateOf(approval)) === 'expired', 'the approval expired');
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'crm', [personId]).groupIds).not.toContain('crm-sales');
  });

  test('that nobody answers stops it for seven days and no longer', async () => {
    const { personId, approval } = await anApproval();
    const { approvalId } = approval;
    const path = `/api/v1/approvals/${approvalId}/questions`;
    expect((await post('105', path, { text: 'Why?' })).status).toBe(201);
    await untilLog(approvalId, 'loadApproval', 1);
    await ahead(approvalId, 9 * dayMs);
    expect(subjects(approval)).not.toContain('Reminder');
    await ahead(approvalId, dayMs + hourMs);
    await eventually(() => subjects(approval).includes('Reminder'), 'the reminder');
    expect((await post('105', path, { text: 'Why, still?' })).status).toBe(201);
    world.clock.advance(11 * dayMs);
    await setSkipping(world.client, approvalId, true);
    await eventually(async () => (await stateOf(approval)) === 'expired', 'a second question stops nothing any more');
    await untilCase(world, personId, 1, 'done');
  });

  test('is refused from a stranger, to oneself and without a text; deciding does not need its answer', async () => {
    const { personId, approval } = await anApproval();
    const path = `/api/v1/approvals/${approval.approvalId}/questions`;
    expect((await post('124', path, { text: 'Why?' })).json).toMatchObject({ code: 'notApprover' });
    expect((await post('105', path, { text: '  ' })).json).toMatchObject({ code: 'invalidInput', field: 'text' });
    expect((await post('105', path, { text: 'Why?', of: 'bamboohr/105' })).json).toMatchObject({ field: 'of' });
    expect((await post('105', path, { text: 'Why?' })).status).toBe(201);
    const manager = await world.personId('105');
    expect((await decide(world, approval.approvalId, manager, () => 'approve')).status).toBe(201);
    await untilCase(world, personId, 1, 'done');
    const states = await world.ownerDb
      .selectFrom('approval_question')
      .select('state')
      .where('approval_id', '=', approval.approvalId)
      .execute();
    expect(states).toEqual([{ state: 'withdrawn' }]);
  });
});

async function untilLog(workflowId: string, activity: string, times: number): Promise<void> {
  await eventually(async () => {
    const { events } = await world.client.workflow.getHandle(workflowId).fetchHistory();
    const scheduled = (events ?? []).filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
    );
    const done = new Set(
      (events ?? []).map((event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId)),
    );
    return scheduled.filter((event) => done.has(String(event.eventId))).length >= times;
  }, `${activity} ran ${times} times`);
}
