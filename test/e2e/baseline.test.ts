/** Systems begin with what they hold: nobody who stays loses it until a person confirmed the difference. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hire, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt, wholeState } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';
import { openReviews } from '../../src/use-cases/open-reviews.ts';
import { justifiedNow, planAccess, readPersonContext } from '../../src/store/person-context.ts';

interface Diff {
  state: string;
  mode: string;
  isSwitched: boolean;
  diffHash: string;
  code?: string;
  people: {
    person: { personId: string };
    gains: { entitlementId: string; decidedBy: string[] }[];
    loses: { entitlementId: string | null; vendorEntitlementId: string }[];
  }[];
  orphans: { accountId: string; canLogIn: boolean; because: string }[];
}

const observedWarehouse = {
  file: 'systems.yaml',
  find: 'displayName: Wiki\n',
  replace: 'displayName: Wiki\n    mode: observe\n',
};

let world: World;
let token = '';

beforeAll(async () => {
  world = await createWorld({ policyEdits: [observedWarehouse] });
  token = await world.tokenOf(await world.personId('109'), ['operate']);
});
afterAll(async () => {
  await world.close();
});

async function post(
  path: string,
  body: object = {},
): Promise<{ status: number; json: Diff & Record<string, unknown> }> {
  return (await world.api(`/api/v1/systems/${path}`, { method: 'POST', token, body })) as never;
}

const foundRows = () =>
  world.ownerDb
    .selectFrom('person_grant')
    .selectAll()
    .where('system_id', '=', 'crm')
    .where('basis', '=', 'found')
    .orderBy('person_id')
    .execute();

/** Whether anything of the person on the CRM is justified as found. */
async function foundReasons(personId: string): Promise<number> {
  const context = await readPersonContext(world.serverDeps.db, world.serverDeps, personId);
  if (!context) throw new Error('no context');
  const at = world.clock.now().toISOString();
  const entries = justifiedNow(context, planAccess(context, at), at);
  return entries.filter(({ systemId, because }) => systemId === 'crm' && because.kind === 'found').length;
}

describe('a system that begins in baseline', () => {
  let holder = '';
  let confirmed: Diff['people'] = [];
  let handMade = { groupId: '', accountId: '' };

  test('is read whole, and what people hold is recorded as found; accounts of nobody are listed', async () => {
    const { users, groups } = world.company.crm.state;
    const model = Object.values(users)[0];
    if (!model) throw new Error('the CRM has users');
    users['crm-stranger'] = {
      ...model,
      id: 'crm-stranger',
      userName: 'stranger@elsewhere.example',
      active: true,
      attributes: {
        ...model.attributes,
        externalId: 'nobody-9',
      },
    };
    const before = wholeState(world);
    const { status, json } = await post('crm/baseline');
    expect({ status, state: json.state }).toEqual({ status: 200, state: 'recorded' });
    expect(json['accounts']).toBe(Object.keys(users).length);
    expect(json['unmatched']).toContainEqual({ accountId: 'crm-stranger', canLogIn: true, because: 'unknownKey' });
    const rows = await foundRows();
    const memberships = Object.values(groups).reduce((sum, { memberIds }) => sum + memberIds.length, 0);
    expect(rows).toHaveLength(memberships);
    expect(rows.length).toBeGreaterThan(0);
    holder = rows[0]?.person_id ?? '';
    expect(await foundReasons(holder)).toBeGreaterThan(0);
    expect(wholeState(world)).toBe(before);
    expect(await world.ownerDb.selectFrom('usher_case').select('case_id').execute()).toEqual([]);
  });

  test('recording it again changes nothing', async () => {
    const before = await foundRows();
    expect((await post('crm/baseline')).status).toBe(200);
    expect(await foundRows()).toEqual(before);
  });

  test('shows who would gain and lose, and switches with that hash only', async () => {
    const first = await post('crm/enforce');
    expect(first.json).toMatchObject({ state: 'diff', mode: 'baseline', isSwitched: false });
    expect(first.json.orphans.map(({ accountId }) => accountId)).toContain('crm-stranger');
    // Somebody gets a right by hand, past Usher: now one more person would lose something.
    const { users, groups } = world.company.crm.state;
    const group = Object.values(groups).find(({ memberIds }) => memberIds.length < Object.keys(users).length - 1);
    const outsider = Object.keys(users).find((id) => id !== 'crm-stranger' && group?.memberIds.includes(id) === false);
    if (!group || outsider === undefined) throw new Error('the CRM has a group that somebody is not in');
    group.memberIds.push(outsider);
    handMade = { groupId: group.id, accountId: outsider };
    const stale = await post('crm/enforce', { confirm: first.json.diffHash });
    expect({ status: stale.status, code: stale.json.code }).toEqual({ status: 409, code: 'stale' });
    expect(await foundReasons(holder)).toBeGreaterThan(0);
    const second = await post('crm/enforce');
    expect(second.json.diffHash).not.toBe(first.json.diffHash);
    const before = wholeState(world);
    const done = await post('crm/enforce', { confirm: second.json.diffHash });
    expect(done.json).toMatchObject({ mode: 'enforced', isSwitched: true });
    expect(wholeState(world)).toBe(before);
    expect(await foundReasons(holder)).toBe(0);
    confirmed = done.json.people;
  });

  test('gives a case to everybody who gains or loses, and to nobody else; what was given by hand goes', async () => {
    const touched = confirmed.filter(({ gains, loses }) => gains.length + loses.length > 0);
    const ids = touched.map(({ person }) => person.personId).toSorted();
    expect(ids.length).toBeGreaterThan(0);
    const cases = () =>
      world.ownerDb.selectFrom('usher_case').select(['person_id', 'n', 'kind', 'state']).orderBy('person_id').execute();
    await eventually(async () => (await cases()).length >= ids.length, 'the cases are open');
    expect((await cases()).map(({ person_id: id }) => id)).toEqual(ids);
    expect(new Set((await cases()).map(({ kind }) => kind))).toEqual(new Set(['mover']));
    const isMember = () =>
      world.company.crm.state.groups[handMade.groupId]?.memberIds.includes(handMade.accountId) === true;
    await eventually(() => !isMember(), 'the hand-made membership is gone', 60_000);
    // The switch again, and the job again, open nothing more.
    expect((await post('crm/enforce', { confirm: (await post('crm/enforce')).json.diffHash })).json.isSwitched).toBe(
      false,
    );
    expect(await openReviews(world.serverDeps)).toBe(0);
    expect((await cases()).map(({ person_id: id }) => id)).toEqual(ids);
  }, 120_000);

  test('cannot go back: what grew since would become justified', async () => {
    const { status, json } = await post('crm/baseline');
    expect({ status, code: json.code }).toEqual({ status: 409, code: 'conflict' });
  });

  test('a system that does not exist, or holds no accounts, is not found; a wrong body is named', async () => {
    expect((await post('nosuch/enforce')).status).toBe(404);
    expect((await post('bamboohr/baseline')).status).toBe(404);
    const wrong = await post('crm/enforce', { confirm: 'yes' });
    expect(wrong).toMatchObject({ status: 400, json: { field: 'confirm' } });
  });
});

describe('a system that policy only observes', () => {
  test('is left out of the plan of a joiner, who is done without it', async () => {
    const { personId, employee } = await hire(world, { firstName: 'Only', lastName: 'Watched' });
    await untilCase(world, personId, 1, 'done', 60_000);
    expect(holdingAt(world, 'wiki', [employee.id, personId]).accountIds).toEqual([]);
    expect(holdingAt(world, 'okta', [employee.id, personId]).canLogIn).toBe(true);
    const planned = await world.ownerDb
      .selectFrom('evidence')
      .select('body')
      .where('person_id', '=', personId)
      .where('kind', '=', 'planned')
      .executeTakeFirstOrThrow();
    expect(planned.body['leftOut']).toContainEqual(
      expect.objectContaining({ systemId: 'wiki', action: 'grant', because: 'observeOnly' }),
    );
  });

  test('keeps the account of a leaver, and the record says why; everything else goes', async () => {
    const key = Object.values(world.company.wiki.state.users).map(
      (user) => (user as unknown as { attributes: { externalId: string } }).attributes.externalId,
    )[0];
    if (key === undefined) throw new Error('somebody has a wiki account');
    const personId = await world.personId(key);
    const before = holdingAt(world, 'wiki', [key, personId]);
    world.company.bamboohr.hr.terminate(key);
    await untilSweepWaits(world, personId, 2, 60_000);
    const cases = await world.ownerDb.selectFrom('usher_case').selectAll().where('person_id', '=', personId).execute();
    expect(cases.map(({ kind }) => kind)).toEqual(['leaver']);
    expect(holdingAt(world, 'wiki', [key, personId])).toEqual(before);
    expect(holdingAt(world, 'okta', [key, personId]).canLogIn).toBe(false);
    const leftOut = await world.ownerDb
      .selectFrom('evidence')
      .select('body')
      .where('person_id', '=', personId)
      .where('kind', '=', 'planned')
      .execute();
    expect(JSON.stringify(leftOut.map(({ body }) => body))).toContain('"because":"observeOnly"');
  }, 120_000);

  test('cannot be enforced', async () => {
    expect(await post('wiki/enforce')).toMatchObject({ status: 409, json: { code: 'conflict' } });
  });
});
