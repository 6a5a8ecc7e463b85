/** People for whom HR has no address: policy makes one, the identity provider says whether it is free, and HR gets it back. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openDb } from '../../src/store/db.ts';
import { untilCase } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const job = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin', supervisorEId: '103' };

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      {
        file: 'systems.yaml',
        find: '    isIdentityProvider: true\n',
        replace: '    isIdentityProvider: true\n    emailPattern: "{given}.{family}@juniperlane.example"\n',
      },
      {
        file: 'systems.yaml',
        find: '    displayName: BambooHR\n',
        replace: '    displayName: BambooHR\n    writeBack: [workEmail]\n',
      },
    ],
  });
});
afterAll(async () => {
  await world.close();
});

async function hire(firstName: string, lastName: string): Promise<{ personId: string; key: string }> {
  const { id } = world.company.bamboohr.hr.hire({ firstName, lastName, ...job, workEmail: null });
  return { personId: await world.personId(id), key: id };
}

const workEmailOf = (key: string): string | null => world.company.bamboohr.hr.get(key).workEmail;

const oktaLogin = (personId: string): unknown =>
  Object.values(world.company.okta.state.users).find(({ profile }) => profile['employeeNumber'] === personId)?.profile
    .login;

const wikiLogin = (personId: string): unknown =>
  Object.values(world.company.wiki.state.users).find(({ attributes }) => attributes['externalId'] === personId)
    ?.userName;

const writes = (): number =>
  world.company.bamboohr.calls.filter(({ method, path }) => method === 'POST' && /\/employees\/\d+$/.test(path)).length;

const rowOf = (key: string) =>
  world.ownerDb.selectFrom('work_email').selectAll().where('source_key', '=', key).executeTakeFirst();

describe('a joiner without an address', () => {
  let person: { personId: string; key: string };

  test('gets one by the pattern, at every system the same, and HR has it afterwards', async () => {
    person = await hire('Zoë', 'Müller-Łukasz');
    await untilCase(world, person.personId, 1, 'done');
    const address = 'zoe.muellerlukasz@juniperlane.example';
    expect([oktaLogin(person.personId), wikiLogin(person.personId)]).toEqual([address, address]);
    await eventually(() => workEmailOf(person.key) === address, 'HR has the address');
    await eventually(async () => (await rowOf(person.key))?.state === 'done', 'it was read back');
  });

  test('has evidence without the address, and a sealed row that the worker cannot read', async () => {
    const evidence = await world.ownerDb
      .selectFrom('evidence')
      .select(['kind', 'body'])
      .where('operation_key', '=', `case_${person.personId}_1/workEmail`)
      .orderBy('seq')
      .execute();
    expect(evidence.map(({ kind }) => kind)).toEqual(['intended', 'verified']);
    expect(JSON.stringify(evidence)).not.toContain('juniperlane.example');
    expect((await rowOf(person.key))?.address_sealed.toString('utf8')).not.toContain('juniperlane');
    const asWorker = openDb(world.database.workerUrl, 1);
    await expect(asWorker.selectFrom('work_email').selectAll().execute()).rejects.toThrow(/permission denied/);
    await asWorker.destroy();
  });

  test('causes no second write and no further case when the webhook brings our own change back', async () => {
    await eventually(async () => {
      const rows = await world.ownerDb
        .selectFrom('snapshot')
        .select('snapshot_id')
        .where('person_id', '=', person.personId)
        .execute();
      return rows.length >= 2;
    }, 'our own change came back');
    const before = writes();
    world.company.bamboohr.hr.setField(person.key, 'payRate', '1');
    await world.company.bamboohr.settled();
    await eventually(async () => {
      const open = await world.ownerDb.selectFrom('ledger').select('event_id').where('verdict', 'is', null).execute();
      return open.length === 0;
    }, 'everything is derived');
    const cases = await world.ownerDb
      .selectFrom('usher_case')
      .select('n')
      .where('person_id', '=', person.personId)
      .execute();
    expect(cases).toHaveLength(1);
    expect(writes()).toBe(before);
  });
});

describe('people of one name', () => {
  test('get different addresses, whoever had the first', async () => {
    const [first, second] = [await hire('Sam', 'Twin'), await hire('Sam', 'Twin')];
    for (const { personId } of [first, second]) await untilCase(world, personId, 1, 'done');
    expect([oktaLogin(first.personId), oktaLogin(second.personId)].toSorted()).toEqual([
      'sam.twin2@juniperlane.example',
      'sam.twin@juniperlane.example',
    ]);
    for (const { personId, key } of [first, second]) {
      await eventually(() => workEmailOf(key) === oktaLogin(personId), 'HR has the own address of each');
    }
  });
});

describe('HR that is away, or was faster', () => {
  test('gets the address when it is back', async () => {
    const person = await hire('Late', 'Answer');
    world.company.bamboohr.faults.add({ kind: 'status', status: 503, method: 'POST', path: '/employees/', times: 2 });
    await untilCase(world, person.personId, 1, 'done');
    await eventually(() => workEmailOf(person.key) === 'late.answer@juniperlane.example', 'HR has the address', 45_000);
    expect((await rowOf(person.key))?.attempts).toBeGreaterThan(0);
  });

  test('keeps the address that HR entered meanwhile', async () => {
    const person = await hire('Early', 'Entry');
    world.company.bamboohr.faults.add({ kind: 'status', status: 503, method: 'POST', path: '/employees/', times: 1 });
    await eventually(async () => ((await rowOf(person.key))?.attempts ?? 0) > 0, 'the first attempt failed');
    world.company.bamboohr.hr.setField(person.key, 'workEmail', 'by.hand@juniperlane.example');
    await eventually(async () => (await rowOf(person.key))?.state === 'done', 'it is settled');
    expect(await rowOf(person.key)).toMatchObject({ outcome: 'kept' });
    expect(workEmailOf(person.key)).toBe('by.hand@juniperlane.example');
  });
});

describe('a report that nothing stands behind', () => {
  test.each([
    ['another address', 'attacker@evil.example'],
    ['the address of somebody else', 'zoe.muellerlukasz@juniperlane.example'],
  ])('%s is not written to HR, and security hears of it', async (_what, workEmail) => {
    const { id } = world.company.bamboohr.hr.hire({
      firstName: 'Ready',
      lastName: 'Target',
      ...job,
      workEmail: null,
      hireDate: '2099-01-05',
    });
    const personId = await world.personId(id);
    await eventually(
      async () =>
        world.ownerDb.selectFrom('usher_case').select('n').where('person_id', '=', personId).executeTakeFirst(),
      'the case is open',
    );
    const report = { personId, caseN: 1, systemId: 'okta', workEmail, login: workEmail };
    expect(await world.workerDeps.server.reportWorkEmail(report)).toEqual({ outcome: 'notProposed' });
    expect(await rowOf(id)).toBeUndefined();
    const alert = await world.ownerDb
      .selectFrom('alert')
      .select('text')
      .where('alert_key', '=', `workEmail/case_${personId}_1`)
      .executeTakeFirst();
    expect(alert?.text).toContain('HR was not told');
    expect(alert?.text).not.toContain('@');
  });
});
