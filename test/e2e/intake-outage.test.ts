/** When people cannot be read: nothing is lost, somebody is told once, and everything goes on when the reading succeeds. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { runCli } from '../../src/cli/program.ts';
import { pollChanges } from '../../src/use-cases/poll-changes.ts';
import { caseState, hire, untilCase } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
const MINUTE_MS = 60_000;
let deliveries = 0;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [{ file: 'rules.yaml', find: 'maxPerHour: 10', replace: 'maxPerHour: 1' }],
  });
});
afterAll(async () => {
  await world.close();
});

async function deliver(employeeId: string): Promise<void> {
  deliveries += 1;
  const body = JSON.stringify({ type: 'employee.updated', deliveries, data: { companyId: '1', employeeId } });
  const timestamp = String(Math.floor(world.clock.now().getTime() / 1000));
  const webhookKey = world.secrets['bamboohr']?.['webhookKey'] ?? '';
  const signature = createHmac('sha256', webhookKey).update(body).update(timestamp).digest('hex');
  const headers = { 'x-bamboohr-timestamp': timestamp, 'x-bamboohr-signature': signature };
  const answer = await fetch(`${world.url}/webhooks/bamboohr`, { method: 'POST', body, headers });
  expect(answer.status).toBe(202);
}

const incidentsOf = (kind: 'systemDown' | 'itemFailed' | 'personGone') =>
  world.ownerDb
    .selectFrom('incident')
    .selectAll()
    .where('system_id', '=', 'bamboohr')
    .where('kind', '=', kind)
    .orderBy('opened_at')
    .execute();

async function untilIncident(kind: Parameters<typeof incidentsOf>[0], state: 'open' | 'closed'): Promise<void> {
  await eventually(async () => (await incidentsOf(kind)).at(-1)?.state === state, `an incident ${kind} is ${state}`);
}

const eventsOf = (employeeId: string) =>
  world.ownerDb.selectFrom('ledger').selectAll().where('source_key', '=', employeeId).orderBy('received_at').execute();

/** One more attempt failed since now, under the clock of now. */
async function untilTriedAgain(employeeId: string): Promise<void> {
  const before = (await eventsOf(employeeId)).at(-1)?.attempts ?? 0;
  await eventually(async () => ((await eventsOf(employeeId)).at(-1)?.attempts ?? 0) > before, 'one more attempt');
}

const watermark = async () =>
  (
    await world.ownerDb
      .selectFrom('watermark')
      .select('value')
      .where('source', '=', 'bamboohr')
      .executeTakeFirstOrThrow()
  ).value;

describe('an HR system that is down', () => {
  test('opens one incident for everything after the time of an outage, loses nothing, and the incident closes itself', async () => {
    const { bamboohr } = world.company;
    const before = await watermark();
    bamboohr.faults.setDown('503');
    const engineer = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin' };
    const first = bamboohr.hr.hire({ firstName: 'Mid', lastName: 'Outage', supervisorEId: '103', ...engineer });
    bamboohr.hr.setFields('117', { jobTitle: 'Staff Software Engineer' });
    await pollChanges(world.serverDeps);
    await untilTriedAgain(first.id);
    expect(await watermark()).toBe(before);
    expect(await incidentsOf('systemDown')).toEqual([]);

    world.clock.advance(16 * MINUTE_MS);
    await untilTriedAgain(first.id);
    await untilTriedAgain('117');
    await pollChanges(world.serverDeps);
    await untilIncident('systemDown', 'open');
    const [incident] = await incidentsOf('systemDown');
    const items = await world.ownerDb
      .selectFrom('incident_item')
      .select('item_key')
      .where('incident_id', '=', incident?.incident_id ?? '')
      .execute();
    const waiting = [...(await eventsOf(first.id)), ...(await eventsOf('117'))].filter(
      ({ state }) => state === 'received',
    );
    expect(items.map((item) => item.item_key)).toEqual(expect.arrayContaining(['poll', waiting[0]?.event_id]));
    const tickets = () =>
      world.company.servicenow
        .incidents()
        .filter(({ fields }) => fields['correlation_id'] === incident?.incident_id)
        .map(({ fields }) => fields['active']);
    await eventually(() => tickets().join() === 'true', 'it has a ticket');

    bamboohr.faults.setDown(null);
    const personId = await world.personId(first.id);
    await untilCase(world, personId, 1, 'done', 60_000);
    expect(holdingAt(world, 'okta', [personId]).canLogIn).toBe(true);
    await eventually(
      async () => (await eventsOf('117')).every(({ state }) => state === 'derived'),
      'the other change counts, too',
    );
    await pollChanges(world.serverDeps);
    await untilIncident('systemDown', 'closed');
    await eventually(() => tickets().join() === 'false', 'its ticket is closed');
    expect(await incidentsOf('systemDown')).toHaveLength(1);
    expect(await incidentsOf('itemFailed')).toEqual([]);
    const kinds = await world.ownerDb
      .selectFrom('evidence')
      .select('kind')
      .where('operation_key', '=', incident?.incident_id ?? '')
      .orderBy('seq')
      .execute();
    expect(kinds.map(({ kind }) => kind)).toEqual(['incidentOpened', 'incidentClosed']);
  }, 90_000);
});

describe('a record that cannot be read', () => {
  test('keeps nobody else waiting, becomes one incident, and counts once it can be read', async () => {
    const { bamboohr } = world.company;
    const fault = bamboohr.faults.add({ kind: 'status', status: 400, path: '/employees/119', times: null });
    const { personId } = await hire(world, { firstName: 'Behind', lastName: 'Broken' });
    const stuckId = await world.personId('119');
    bamboohr.hr.setFields('119', { jobTitle: 'Unreadable Title' });
    await untilTriedAgain('119');
    await untilCase(world, personId, 1, 'done');
    expect(await incidentsOf('itemFailed')).toEqual([]);

    world.clock.advance(16 * MINUTE_MS);
    await untilIncident('itemFailed', 'open');
    const token = await world.tokenOf(await world.personId('102'), ['operate']);
    const { json } = await world.api('/api/v1/incidents?state=open', { token });
    expect(json).toMatchObject({ incidents: [{ systemId: 'bamboohr', kind: 'itemFailed', state: 'open' }] });
    bamboohr.faults.remove(fault);
    await untilIncident('itemFailed', 'closed');
    const person = await world.api(`/api/v1/persons/${stuckId}`, { token });
    expect(person.json).toMatchObject({ facts: { title: 'Unreadable Title' } });
    expect(await incidentsOf('itemFailed')).toHaveLength(1);
  });
});

describe('a person who is not found', () => {
  test('by several events is one incident and nobody’s departure, and it closes when they are found again', async () => {
    const { bamboohr } = world.company;
    const personId = await world.personId('128');
    const before = holdingAt(world, 'okta', ['128']);
    const fault = bamboohr.faults.add({ kind: 'status', status: 404, path: '/employees/128', times: null });
    for (const ordinal of [1, 2]) {
      await deliver('128');
      await eventually(
        async () => (await eventsOf('128')).filter(({ state }) => state === 'gone').length === ordinal,
        'read and not found',
      );
    }
    expect(await incidentsOf('personGone')).toMatchObject([{ state: 'open' }]);
    expect(await caseState(world, personId, 2)).toBeNull();
    expect(await world.ownerDb.selectFrom('cutoff').select('n').where('person_id', '=', personId).execute()).toEqual(
      [],
    );
    expect(holdingAt(world, 'okta', ['128'])).toEqual(before);

    bamboohr.faults.remove(fault);
    await deliver('128');
    await untilIncident('personGone', 'closed');
    expect(holdingAt(world, 'okta', ['128'])).toEqual(before);
  });
});

describe('a held departure', () => {
  test('stays held while the HR system cannot be read, and goes on by the command of the mail', async () => {
    const { bamboohr } = world.company;
    for (const key of ['114', '115']) {
      bamboohr.hr.terminate(key);
      await eventually(async () => await caseState(world, await world.personId(key), 2), `${key} has a case`);
    }
    const cutoffs = () => world.ownerDb.selectFrom('cutoff').select(['person_id', 'state']).execute();
    await eventually(async () => (await cutoffs()).some(({ state }) => state === 'held'), 'one is held');
    const held = (await cutoffs()).find(({ state }) => state === 'held')?.person_id ?? '';
    const isCutOff = () => ['114', '115'].filter((key) => !holdingAt(world, 'okta', [key]).canLogIn).length === 2;
    const mail = await world.company.mailbox.waitFor(({ text }) => text.includes(held), 15_000);
    const command = /npx usher (hold release \S+) --reason/.exec(mail.text)?.[1]?.split(' ') ?? [];
    expect(command).toEqual(['hold', 'release', held]);

    bamboohr.faults.setDown('503');
    expect(await usher(...command, '--reason', 'looked at it')).toMatchObject({
      exitCode: 1,
      out: expect.stringContaining('stays held'),
    });
    expect((await cutoffs()).find(({ person_id }) => person_id === held)?.state).toBe('held');
    expect(isCutOff()).toBe(false);

    bamboohr.faults.setDown(null);
    expect(await usher(...command, '--reason', 'looked at it')).toEqual({
      exitCode: 0,
      out: expect.stringContaining('Released: 1'),
    });
    await eventually(isCutOff, 'both are cut off');
  });

  async function usher(...args: string[]): Promise<{ exitCode: number; out: string }> {
    let out = '';
    const token = await world.tokenOf(await world.personId('110'), ['security', 'operate']);
    const exitCode = await runCli(args, {
      env: { USHER_TOKEN: token, USHER_SERVER_URL: world.url },
      writeOut: (text) => void (out += text),
      writeError: (text) => void (out += text),
    });
    return { exitCode, out };
  }
});
