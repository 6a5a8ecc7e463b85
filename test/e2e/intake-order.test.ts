/** Events that come late, in the wrong order or again, and the cap for departures that were announced long before. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { caseState, untilCase, untilSweepWaits } from '../support/case-rows.ts';
import { dateInDays, hire } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const DAY_MS = 86_400_000;
let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      { file: 'rules.yaml', find: 'maxPerHour: 10, maxPerDay: 20', replace: 'maxPerHour: 2, maxPerDay: 20' },
    ],
  });
});
afterAll(async () => {
  await world.close();
});

/** What HR does here sends nothing: the test delivers by itself, when and in the order it wants. */
function silently(change: () => void): void {
  world.company.bamboohr.webhookBehaviour.isSuppressed = true;
  change();
  world.company.bamboohr.webhookBehaviour.isSuppressed = false;
}

/** Delivers an event that was signed so many seconds ago, and waits until it is derived. */
async function deliver(employeeId: string, { ageSeconds = 0, fields = ['status'] } = {}): Promise<string> {
  const timestamp = String(Math.floor(world.clock.now().getTime() / 1000) - ageSeconds);
  const body = JSON.stringify({
    type: 'employee.updated',
    timestamp: new Date(Number(timestamp) * 1000).toISOString(),
    data: { companyId: '1', employeeId, changedFields: fields },
  });
  const signature = createHmac('sha256', world.secrets['bamboohr']?.['webhookKey'] ?? '')
    .update(body)
    .update(timestamp)
    .digest('hex');
  const answer = await fetch(`${world.url}/webhooks/bamboohr`, {
    method: 'POST',
    body,
    headers: { 'x-bamboohr-timestamp': timestamp, 'x-bamboohr-signature': signature },
  });
  expect(answer.status).toBe(202);
  return eventually(async () => {
    const row = await world.ownerDb
      .selectFrom('ledger')
      .select(['state', 'verdict'])
      .where('source_key', '=', employeeId)
      .orderBy('received_at', 'desc')
      .orderBy('event_id', 'desc')
      .executeTakeFirst();
    return row?.state === 'derived' ? row.verdict : null;
  }, 'the event is derived');
}

async function titleOf(personId: string): Promise<unknown> {
  const token = await world.tokenOf(await world.personId('102'), ['operate']);
  const { json } = await world.api(`/api/v1/persons/${personId}`, { token });
  return (json as { facts: { title: unknown } }).facts.title;
}

const cutoffs = async () => world.ownerDb.selectFrom('cutoff').select(['person_id', 'n', 'state']).execute();

describe('events', () => {
  test('in the wrong order end with the newest facts', async () => {
    const personId = await world.personId('117');
    silently(() => world.company.bamboohr.hr.setFields('117', { jobTitle: 'First Title' }));
    silently(() => world.company.bamboohr.hr.setFields('117', { jobTitle: 'Second Title' }));
    await deliver('117', { fields: ['jobTitle'] });
    expect(await titleOf(personId)).toBe('Second Title');
    expect(await deliver('117', { ageSeconds: 200, fields: ['jobTitle'] })).toBe('unchanged');
    expect(await titleOf(personId)).toBe('Second Title');
    // One move, whatever the order in which it was told.
    await eventually(async () => (await caseState(world, personId, 2)) === 'done', 'the mover is done');
    expect(await caseState(world, personId, 3)).toBeNull();
  });

  test('about a departure that HR took back meanwhile cut nobody off', async () => {
    const personId = await world.personId('119');
    const before = holdingAt(world, 'okta', ['119']);
    silently(() => world.company.bamboohr.hr.terminate('119'));
    silently(() => world.company.bamboohr.hr.rescind('119'));
    expect(await deliver('119', { ageSeconds: 240 })).toBe('unchanged');
    expect((await cutoffs()).filter((row) => row.person_id === personId)).toEqual([]);
    expect(holdingAt(world, 'okta', ['119'])).toEqual(before);
  });

  test('of a departure, its taking back and the same departure again: the last one counts', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Twice', lastName: 'Gone' });
    await untilCase(world, personId, 1, 'done');
    const ways = [
      () => world.company.bamboohr.hr.terminate(employee.id),
      () => world.company.bamboohr.hr.rescind(employee.id),
      () => world.company.bamboohr.hr.terminate(employee.id),
    ];
    const verdicts: string[] = [];
    for (const way of ways) {
      silently(way);
      verdicts.push(await deliver(employee.id, { ageSeconds: ways.length - verdicts.length }));
    }
    expect(verdicts).toEqual(['openLeaver', expect.stringMatching(/^(openRestore|rescindLeaver)$/), 'openLeaver']);
    const last = Math.max(...(await cutoffs()).filter((row) => row.person_id === personId).map((row) => row.n));
    await untilSweepWaits(world, personId, last);
    for (const system of ['okta', 'crm', 'wiki', 'warehouse'] as const)
      expect(holdingAt(world, system, [employee.id, personId])).toMatchObject({
        canLogIn: false,
        groupIds: [],
        sessions: 0,
      });
  });
});

// Last: the clock moves on here.
describe('departures at a date', () => {
  test('announced, taken back and announced again for the same date: the second announcement counts', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Same', lastName: 'Date' });
    await untilCase(world, personId, 1, 'done');
    const date = dateInDays(world, 3);
    const verdicts: string[] = [];
    for (const way of [
      () => world.company.bamboohr.hr.terminate(employee.id, { date }),
      () => world.company.bamboohr.hr.rescind(employee.id),
      () => world.company.bamboohr.hr.terminate(employee.id, { date }),
    ]) {
      silently(way);
      verdicts.push(await deliver(employee.id, { ageSeconds: 10 - verdicts.length }));
    }
    expect(verdicts).toEqual(['openLeaver', 'rescindLeaver', 'openLeaver']);
    const mine = async () => (await cutoffs()).filter((row) => row.person_id === personId);
    const [taken, counting] = (await mine()).toSorted((a, b) => a.n - b.n);
    expect([taken?.state, counting?.state]).toEqual(['rescinded', 'scheduled']);
    await untilCase(world, personId, taken?.n ?? 0, 'cancelled');
    expect(holdingAt(world, 'okta', [personId])).toMatchObject({ canLogIn: true });

    world.clock.advance(5 * DAY_MS);
    await untilSweepWaits(world, personId, counting?.n ?? 0);
    for (const system of ['okta', 'crm', 'wiki', 'warehouse'] as const)
      expect(holdingAt(world, system, [personId])).toMatchObject({ canLogIn: false, groupIds: [], sessions: 0 });
    expect((await mine()).find((row) => row.n === taken?.n)?.state).toBe('rescinded');
  });

  test('count against the cap when they start, and each day with holds is told to security once', async () => {
    // What left before must not count here.
    world.clock.advance(2 * DAY_MS);
    const future = ['114', '115', '116', '118'];
    const date = new Date(world.clock.now().getTime() + 5 * DAY_MS).toISOString().slice(0, 10);
    const ids = await Promise.all(future.map((key) => world.personId(key)));
    const mine = async () => (await cutoffs()).filter((row) => ids.includes(row.person_id)).map((row) => row.state);
    for (const key of future) world.company.bamboohr.hr.terminate(key, { date });
    await eventually(async () => (await mine()).length === 4, 'all four are announced');
    // An announcement takes no place: two who leave today are both cut off.
    for (const key of ['120', '122']) {
      world.company.bamboohr.hr.terminate(key);
      await eventually(() => !holdingAt(world, 'okta', [key]).canLogIn, `${key} is cut off`);
    }
    expect(await mine()).toEqual(['scheduled', 'scheduled', 'scheduled', 'scheduled']);
    expect(holdMails()).toHaveLength(0);

    world.clock.advance(7 * DAY_MS);
    await eventually(async () => (await mine()).every((state) => state !== 'scheduled'), 'all are decided about');
    expect((await mine()).toSorted()).toEqual(['held', 'held', 'started', 'started']);
    await eventually(() => holdMails().length === 1, 'security is told');
    await tellsWhoAndWhy(ids);

    world.company.bamboohr.hr.terminate('121');
    const third = await world.personId('121');
    await eventually(async () => (await caseState(world, third, 2)) === 'held', 'another one is held');
    const alerts = await world.ownerDb
      .selectFrom('alert')
      .select('mailed_at')
      .where('kind', '=', 'leaversHeld')
      .execute();
    expect(alerts).toHaveLength(1);
    expect(holdMails()).toHaveLength(1);
    expect(holdingAt(world, 'okta', ['121'])).toMatchObject({ canLogIn: true });

    world.clock.advance(DAY_MS);
    for (const key of ['124', '126', '127']) world.company.bamboohr.hr.terminate(key);
    await eventually(() => holdMails().length === 2, 'the next day has its own mail');
  });

  const holdMails = () =>
    world.company.mailbox.messages().filter(({ subject }) => (subject ?? '').includes('holds leavers'));

  /** The mail names everybody who is held with the fields that made it so, and nobody else. */
  async function tellsWhoAndWhy(ids: string[]): Promise<void> {
    const [mail] = holdMails();
    const security = ['110', '111', '112'].map((key) => world.company.bamboohr.hr.get(key).workEmail);
    expect(security).toEqual(expect.arrayContaining(mail?.to ?? []));
    for (const row of (await cutoffs()).filter(({ person_id }) => ids.includes(person_id))) {
      const isTold = mail?.text.includes(`npx usher hold release ${row.person_id} --reason`) ?? false;
      expect({ ...row, isTold }).toEqual({ ...row, isTold: row.state === 'held' });
    }
    expect(mail?.text).toMatch(/status is "no longer employed"|last day \d{4}-\d\d-\d\d/);
    const heldKeys = await world.ownerDb
      .selectFrom('identity_link')
      .select('source_key')
      .where(
        'person_id',
        'in',
        (await cutoffs()).filter(({ state }) => state === 'held').map((row) => row.person_id),
      )
      .execute();
    for (const { source_key } of heldKeys)
      expect(mail?.text).toContain(world.company.bamboohr.hr.get(source_key).lastName);
  }
});
