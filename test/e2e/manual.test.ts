/** A system without an interface: a joiner and a leaver whose changes people carry out, and the owner of the system confirms. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createServicenowTasksSandbox, type ServicenowTasksSandbox } from '../../sandbox/servicenow-tasks.ts';
import { caseState, hire, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let desk: ServicenowTasksSandbox;
const auth = { username: 'usher', password: 'ledger-password-of-the-test' };
/** Owns the ledger. */
const OWNER = '126';
const system = `
  - id: ledger
    connector: manual
    displayName: General ledger
    owner: bamboohr/${OWNER}
    authenticates: true
    config:
      url: \${secret:ledger.url}
      username: \${secret:ledger.username}
      password: \${secret:ledger.password}
      recheckSeconds: 1
      entitlements: [{ id: reader, displayName: Read the ledger }]
`;
const entitlement = `
  - id: ledger/reader
    system: ledger
    vendorId: reader
    owner: bamboohr/${OWNER}
    riskPoints: 1
    dataClass: none
    description: 'Read the ledger'
`;
const profile = `
  - id: ledger-keeper
    description: 'Keeps the ledger'
    when: title eq "Ledger Keeper"
    grants: [okta/employees, ledger/reader]
`;

beforeAll(async () => {
  world = await createWorld({
    isWorkerLess: true,
    policyEdits: [
      { file: 'systems.yaml', find: /$/, replace: system },
      { file: 'entitlements.yaml', find: /$/, replace: entitlement },
      { file: 'profiles.yaml', find: /$/, replace: profile },
      { file: 'rules.yaml', find: 'sweepsAfter: [15m, 24h]', replace: 'sweepsAfter: [1s]' },
      {
        file: 'rules.yaml',
        find: 'outage: { incidentAfter: 15m }',
        replace: 'outage: { incidentAfter: 1s }\n  byHand: { incidentAfter: 3d, cutOffIncidentAfter: 4h }',
      },
    ],
  });
  desk = createServicenowTasksSandbox({ ...auth, now: world.clock.now });
  const { url } = await desk.listen(0);
  world.secrets['ledger'] = { url, ...auth };
  world.workerDeps.ownerLookMs = 300;
  await world.startWorker();
});
afterAll(async () => {
  await world.close();
  await desk.close();
});

const openTask = (text: string) =>
  eventually(
    () => desk.tasks().find((task) => task['active'] === 'true' && task['short_description']?.includes(text)),
    `a task "${text}" is open`,
  );

async function show(caseId: string): Promise<string> {
  const { json } = await world.api(`/api/v1/cases/${caseId}`, { token: await world.tokenOf(null, ['operate']) });
  return (json as { next: string }).next;
}

async function answer(number: string, by: string, word: string): Promise<{ status: number; json: unknown }> {
  const token = await world.tokenOf(by, ['decide']);
  return world.api(`/api/v1/tasks/${number}/answer`, { method: 'POST', token, body: { word } });
}

async function untilAsked(number: string): Promise<void> {
  await eventually(
    async () => (await waits()).some((row) => row.ticket_number === number && row.state === 'claimed'),
    `the owner is asked about ${number}`,
  );
}

const waits = () => world.ownerDb.selectFrom('outside_wait').selectAll().execute();
const incidents = () => world.ownerDb.selectFrom('incident').select(['kind', 'state']).execute();
const kindsAtLedger = async (personId: string) => {
  const rows = await world.ownerDb
    .selectFrom('evidence')
    .select(['kind', 'body'])
    .where('person_id', '=', personId)
    .orderBy('seq')
    .execute();
  return rows.filter(({ body }) => body['systemId'] === 'ledger').map(({ kind, body }) => ({ kind, body }));
};

test('a joiner waits for the person and for the owner, and a leaver is cut off elsewhere at once', async () => {
  const ownerId = await world.personId(OWNER);
  const { personId, employee } = await hire(world, {
    firstName: 'Led',
    lastName: 'Ger',
    jobTitle: 'Ledger Keeper',
    department: 'Finance',
  });

  // The account comes first, then the right; each by one task.
  const account = (await openTask('account for Led Ger'))['number'] ?? '';
  await eventually(() => holdingAt(world, 'okta', [personId]).canLogIn, 'Okta goes on');
  const caseId = `case_${personId}_1`;
  await eventually(
    async () => /Waiting for a person outside: ledger, grant reader, since .*, ticket SCTASK/.test(await show(caseId)),
    'the case says whom it waits for',
  );
  expect(await show(caseId)).toContain(account);
  desk.setState(account, '3');
  const grant = (await openTask('give "Read the ledger" to Led Ger'))['number'] ?? '';
  expect((await answer(grant, ownerId, 'confirmed')).status).toBe(409);
  desk.setState(grant, '3');
  await untilAsked(grant);

  // Nobody but the owner says it, and the owner is told by mail.
  const stranger = await world.personId('114');
  expect((await answer(grant, stranger, 'confirmed')).status).toBe(403);
  await eventually(
    () => world.company.mailbox.messages().find(({ text }) => text.includes(`usher confirm ${grant}`)),
    'the owner has a mail',
  );
  expect(await caseState(world, personId, 1)).not.toBe('done');

  // The owner says no: it is asked for once more, and then confirmed.
  expect(await answer(grant, ownerId, 'denied')).toMatchObject({ status: 201, json: { answered: 1 } });
  const second = (await openTask('give "Read the ledger" to Led Ger'))['number'] ?? '';
  expect(second).not.toBe(grant);
  desk.setState(second, '3');
  await untilAsked(second);
  expect((await answer(second, ownerId, 'confirmed')).status).toBe(201);
  await untilCase(world, personId, 1, 'done');
  const evidence = await kindsAtLedger(personId);
  expect(evidence.map(({ kind }) => kind)).not.toContain('verified');
  expect(evidence.at(-1)).toMatchObject({ kind: 'confirmed', body: { confirmedBy: ownerId } });
  expect(evidence.filter(({ kind }) => kind === 'denied').length).toBeGreaterThan(0);
  expect(desk.tasks()).toHaveLength(3);
  // Waiting for people was no outage.
  expect(await incidents()).toEqual([]);

  world.company.bamboohr.hr.terminate(employee.id);
  const cut = await openTask('URGENT: disable the login of Led Ger');
  expect(cut['urgency']).toBe('1');
  await untilSweepWaits(world, personId, 2);
  expect(holdingAt(world, 'okta', [personId])).toMatchObject({ canLogIn: false, groupIds: [] });
  expect(await show(`case_${personId}_2`)).toContain(`Waiting for a person outside: ledger, disable login`);
  expect(await incidents()).toEqual([]);

  // Past policy's deadline there is one incident, and it closes when the work is done.
  world.clock.advance(4 * 3_600_000);
  await eventually(
    async () => (await incidents()).some(({ kind, state }) => kind === 'taskOverdue' && state === 'open'),
    'the overdue task is an incident',
  );
  const cutNumber = cut['number'] ?? '';
  desk.setState(cutNumber, '3');
  await untilAsked(cutNumber);
  expect((await answer(cutNumber, ownerId, 'confirmed')).status).toBe(201);
  const take = (await openTask('take "Read the ledger" from Led Ger'))['number'] ?? '';
  desk.setState(take, '3');
  await untilAsked(take);
  expect((await answer(take, ownerId, 'confirmed')).status).toBe(201);
  await eventually(async () => {
    const rows = await world.ownerDb
      .selectFrom('person_grant')
      .select('state')
      .where('person_id', '=', personId)
      .where('system_id', '=', 'ledger')
      .execute();
    return rows.length === 1 && rows[0]?.state === 'revoked';
  }, 'the right is recorded as taken');
  await eventually(async () => (await incidents()).every(({ state }) => state === 'closed'), 'the incident closes');
  const taken = await kindsAtLedger(personId);
  expect(taken.map(({ kind }) => kind)).not.toContain('verified');
  const confirmed = taken.filter(({ kind, body }) => kind === 'confirmed' && body['confirmedBy'] === ownerId);
  // The removal of the case finds the login disabled, and confirmed, by the cut-off.
  expect([...new Set(confirmed.map(({ body }) => body['action']))]).toEqual(['grant', 'disable', 'revoke']);
  expect((await waits()).filter(({ state }) => state === 'open' || state === 'claimed')).toEqual([]);
  // The sweep was long over: the case ends with the work by hand, after one more look.
  await untilCase(world, personId, 2, 'done');
}, 180_000);
