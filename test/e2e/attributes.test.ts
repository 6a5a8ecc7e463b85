/** Attributes of people who stay reach the systems that policy gave to Usher for them, and nothing else does. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { itemDigest } from '../../src/domain/item-digest.ts';
import { updateDefinitionHash } from '../../src/domain/update-definition.ts';
import type { Item } from '../../src/schemas/item.ts';
import type { OwnedAttribute } from '../../src/schemas/owned-attribute.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { sha256Hex } from '../../src/store/sha256.ts';
import { hire, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { wholeState } from '../support/company-view.ts';
import { openMover, snapshotIds } from '../support/mover-case.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

let world: World;
/** The store, with what the worker's role may do and nothing more. */
let asWorker: Db;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      {
        file: 'systems.yaml',
        find: '    isIdentityProvider: true\n',
        replace:
          '    isIdentityProvider: true\n    attributes: [displayName, givenName, familyName, title, department, manager]\n',
      },
      {
        file: 'systems.yaml',
        find: '    displayName: Wiki\n',
        replace: '    displayName: Wiki\n    attributes: [title, department, manager]\n',
      },
    ],
  });
  asWorker = openDb(world.database.workerUrl, 2);
});
afterAll(async () => {
  await asWorker.destroy();
  await world.close();
});

interface Joined {
  personId: string;
  employeeId: string;
}

async function joined(lastName: string): Promise<Joined> {
  const { personId, employee } = await hire(world, { firstName: 'Mo', lastName });
  await untilCase(world, personId, 1, 'done');
  return { personId, employeeId: employee.id };
}

function oktaProfile(personId: string): Record<string, unknown> {
  const user = Object.values(world.company.okta.state.users).find(
    ({ profile }) => profile['employeeNumber'] === personId,
  );
  return user?.profile ?? {};
}

function wikiUser(personId: string) {
  const users = Object.values(world.company.wiki.state.users);
  return users.find(({ attributes }) => attributes['externalId'] === personId);
}

const oktaIdOf = (key: string): string =>
  Object.values(world.company.okta.state.users).find(({ profile }) => profile['employeeNumber'] === key)?.id ?? '';

async function move(person: Joined, fields: Parameters<World['company']['bamboohr']['hr']['setFields']>[1]) {
  const newest = async (): Promise<number> => {
    const row = await world.ownerDb
      .selectFrom('usher_case')
      .select('n')
      .where('person_id', '=', person.personId)
      .orderBy('n', 'desc')
      .executeTakeFirstOrThrow();
    return row.n;
  };
  const before = await newest();
  world.company.bamboohr.hr.setFields(person.employeeId, fields);
  return eventually(async () => ((await newest()) > before ? newest() : null), 'the mover is open');
}

async function itemsOf(personId: string, n: number): Promise<Item[]> {
  const rows = await world.ownerDb
    .selectFrom('proposal')
    .select('items')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .execute();
  return rows.flatMap((row) => row.items as unknown as Item[]);
}

const alertKeys = async (): Promise<string[]> =>
  (await world.ownerDb.selectFrom('alert').select('alert_key').execute()).map((row) => row.alert_key);

describe('a person who is promoted, marries and gets another manager', () => {
  let person: Joined;
  let n = 0;

  test('is called so at the systems that policy names, and nowhere else', async () => {
    person = await joined('Mover');
    const crmBefore = JSON.stringify(world.company.crm.state);
    const login = oktaProfile(person.personId)['login'];
    n = await move(person, {
      jobTitle: 'Senior Software Engineer',
      lastName: "O'Mover-Ångström",
      supervisorEId: '104',
      workEmail: 'another.address@juniperlane.example',
    });
    await untilCase(world, person.personId, n, 'done');
    expect(oktaProfile(person.personId)).toMatchObject({
      title: 'Senior Software Engineer',
      lastName: "O'Mover-Ångström",
      displayName: "Mo O'Mover-Ångström",
      department: 'Engineering',
      managerId: oktaIdOf('104'),
      // Not among the attributes that policy gave to Usher.
      login,
      email: login,
    });
    expect(oktaIdOf('104')).not.toBe('');
    expect(wikiUser(person.personId)?.attributes).toMatchObject({
      title: 'Senior Software Engineer',
      [enterprise]: { department: 'Engineering' },
    });
    // The name was not given to Usher at the wiki.
    expect(wikiUser(person.personId)?.attributes['name']).toMatchObject({ familyName: 'Mover' });
    expect(JSON.stringify(world.company.crm.state)).toBe(crmBefore);
  });

  test('leaves items, histories and evidence that name the attributes and no value', async () => {
    const items = await itemsOf(person.personId, n);
    expect(items.map(({ action, description }) => [action, description])).toEqual([
      ['update', 'displayName, familyName, manager, title at Okta'],
      ['update', expect.stringContaining('title at Wiki')],
    ]);
    const evidence = await world.ownerDb
      .selectFrom('evidence')
      .select(['kind', 'body'])
      .where('case_id', '=', `case_${person.personId}_${n}`)
      .execute();
    expect(evidence.filter(({ kind }) => kind === 'verified')).toHaveLength(2);
    expect(JSON.stringify([items, evidence])).not.toMatch(/Senior|Ångström|another\.address/);
  });

  test('changes nothing when it is planned again: no difference, no item', async () => {
    const before = wholeState(world);
    const again = await openMover(world, person.personId);
    await untilCase(world, person.personId, again, 'done');
    expect(await itemsOf(person.personId, again)).toEqual([]);
    expect(wholeState(world)).toBe(before);
  });
});

describe('systems that are down, lie or refuse', () => {
  test('a change is planned without a look, and arrives when the system is back', async () => {
    const person = await joined('Outage');
    world.company.wiki.faults.setDown('503');
    const n = await move(person, { jobTitle: 'Staff Software Engineer' });
    await eventually(() => oktaProfile(person.personId)['title'] === 'Staff Software Engineer', 'Okta goes on');
    expect(wikiUser(person.personId)?.attributes['title']).toBe('Software Engineer');
    world.company.wiki.faults.setDown(null);
    await untilCase(world, person.personId, n, 'done', 60_000);
    expect(wikiUser(person.personId)?.attributes['title']).toBe('Staff Software Engineer');
  });

  test('a success without effect is contradicted by the read, written again and then true', async () => {
    const person = await joined('Lied');
    world.company.okta.faults.add({ kind: 'lie', method: 'POST', path: '^/api/v1/users/[^/]+$' });
    const n = await move(person, { jobTitle: 'Principal Software Engineer' });
    await untilCase(world, person.personId, n, 'done');
    expect(oktaProfile(person.personId)['title']).toBe('Principal Software Engineer');
    const operations = await world.ownerDb
      .selectFrom('operation')
      .select(['round', 'state'])
      .where('person_id', '=', person.personId)
      .where('n', '=', n)
      .where('system_id', '=', 'okta')
      .orderBy('round')
      .execute();
    expect(operations).toEqual([
      { round: 1, state: 'contradicted' },
      { round: 2, state: 'verified' },
    ]);
  });
});

describe('the issuer', () => {
  let person: Joined;
  let n = 0;

  /** An item whose digest fits its content, as anybody can compute it, in a proposal that the worker's role may write. */
  async function forge(
    about: Joined,
    caseN: number,
    { attributes, snapshotId, ...changes }: Partial<Item> & { attributes: OwnedAttribute[]; snapshotId: string },
  ): Promise<string> {
    const { spell_n } = await world.ownerDb
      .selectFrom('usher_case')
      .select('spell_n')
      .where('person_id', '=', about.personId)
      .where('n', '=', caseN)
      .executeTakeFirstOrThrow();
    const systemId = changes.systemId ?? 'okta';
    const item = {
      action: 'update' as const,
      systemId,
      accountId: oktaIdOf(about.personId),
      entitlementId: null,
      vendorEntitlementId: null,
      profileId: null,
      definitionHash: updateDefinitionHash({ systemId, attributes, snapshotId }, sha256Hex),
      conflicts: [],
      privileged: false,
      dataClass: 'none' as const,
      description: 'forged',
      risk: 0,
      confidence: 1,
      reasons: [],
      route: { kind: 'policy' as const },
      expiresAt: null,
      ...changes,
    };
    const terms = { ...item, personId: about.personId, spellN: spell_n, expiresAfterSeconds: null, requiredRoles: [] };
    const digest = itemDigest(terms, sha256Hex);
    const version = await world.serverDeps.policies.active();
    await asWorker
      .insertInto('proposal')
      .values({
        proposal_id: randomUUID(),
        person_id: about.personId,
        n: caseN,
        spell_n,
        snapshot_id: snapshotId,
        policy_hash: version?.policyHash ?? '',
        planned_at: world.clock.now(),
        input_hash: '0'.repeat(64),
        items: JSON.stringify([{ ...item, itemDigest: digest }]),
      })
      .execute();
    return digest;
  }

  async function ask(about: Joined, caseN: number, digest: string): Promise<string> {
    const request = { personId: about.personId, caseN, k: 9, itemDigests: [digest] };
    const [result] = await world.workerDeps.server.issue(request);
    return result?.outcome === 'refused' ? result.reason : (result?.outcome ?? 'nothing');
  }

  test('permits what policy gave to Usher, by the latest facts and in an open case, and nothing older', async () => {
    person = await joined('Asked');
    // The case stays open: the wiki does not answer.
    world.company.wiki.faults.setDown('503');
    n = await move(person, { jobTitle: 'Lead Software Engineer' });
    await eventually(() => oktaProfile(person.personId)['title'] === 'Lead Software Engineer', 'Okta goes on');
    const [latest = '', older = ''] = await snapshotIds(world, person.personId);
    expect(await ask(person, n, await forge(person, n, { attributes: ['title'], snapshotId: latest }))).toBe(
      'authorised',
    );
    const alerts = await alertKeys();
    expect(await ask(person, n, await forge(person, n, { attributes: ['title'], snapshotId: older }))).toBe(
      'superseded',
    );
    expect(await alertKeys()).toEqual(alerts);
  });

  test.each<[string, Partial<Item> & { attributes: OwnedAttribute[] }, string]>([
    ['an attribute that policy did not give to Usher', { attributes: ['login'] }, 'notPlanned'],
    ['an attribute beside one of ours', { attributes: ['email', 'title'] }, 'notPlanned'],
    ['a system where Usher owns nothing', { attributes: ['title'], systemId: 'crm' }, 'notPlanned'],
    ['no account', { attributes: ['title'], accountId: null }, 'unknownItem'],
    ['an entitlement beside it', { attributes: ['title'], vendorEntitlementId: '00gadmins' }, 'unknownItem'],
  ])('refuses %s, and security hears of it', async (_what, changes, reason) => {
    const [snapshotId = ''] = await snapshotIds(world, person.personId);
    const before = wholeState(world);
    await asOwnerForgetAlerts();
    const digest = await forge(person, n, { ...changes, snapshotId });
    expect(await ask(person, n, digest)).toBe(reason);
    expect(await alertKeys()).toEqual([`unfounded/case_${person.personId}_${n}/9`]);
    expect(wholeState(world)).toBe(before);
  });

  test('refuses facts of somebody else', async () => {
    const [snapshotId = ''] = await snapshotIds(world, await world.personId('103'));
    expect(await ask(person, n, await forge(person, n, { attributes: ['title'], snapshotId }))).toBe('notPlanned');
  });

  test('refuses in a closed case and in the case of a leaver', async () => {
    const [snapshotId = ''] = await snapshotIds(world, person.personId);
    expect(await ask(person, 1, await forge(person, 1, { attributes: ['title'], snapshotId }))).toBe('closedCase');
    world.company.wiki.faults.setDown(null);
    await untilCase(world, person.personId, n, 'done', 60_000);
    world.company.bamboohr.hr.terminate(person.employeeId);
    await untilSweepWaits(world, person.personId, n + 1);
    const [last = ''] = await snapshotIds(world, person.personId);
    const digest = await forge(person, n + 1, { attributes: ['title'], snapshotId: last });
    expect(await ask(person, n + 1, digest)).toBe('notPlanned');
  });

  test("a permitted item that names another person's account is stopped by the writer", async () => {
    const honest = await joined('Honest');
    const victim = await joined('Victim');
    world.company.wiki.faults.setDown('503');
    const caseN = await move(honest, { jobTitle: 'Chief Software Engineer' });
    await eventually(() => oktaProfile(honest.personId)['title'] === 'Chief Software Engineer', 'Okta goes on');
    const [snapshotId = ''] = await snapshotIds(world, honest.personId);
    const before = JSON.stringify(oktaProfile(victim.personId));
    const accountId = oktaIdOf(victim.personId);
    const itemDigest = await forge(honest, caseN, { attributes: ['department', 'title'], snapshotId, accountId });
    const result = await world.client.workflow.execute('provisioning', {
      workflowId: `provisioning_${honest.personId}_${caseN}_7`,
      taskQueue: 'usher-cases',
      args: [
        {
          personId: honest.personId,
          n: caseN,
          k: 7,
          items: [{ itemDigest, systemId: 'okta', action: 'update', isFirst: false }],
        },
      ],
    });
    expect(result).toMatchObject({ outcomes: [{ outcome: 'failed' }] });
    expect(JSON.stringify(oktaProfile(victim.personId))).toBe(before);
    world.company.wiki.faults.setDown(null);
    await untilCase(world, honest.personId, caseN, 'done', 60_000);
  });

  async function asOwnerForgetAlerts(): Promise<void> {
    await world.ownerDb.deleteFrom('alert').execute();
  }
});
