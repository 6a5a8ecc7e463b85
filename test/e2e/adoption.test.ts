/** Accounts that were there before Usher: taken over by their immutable key, never by a name, and nothing of them is lost. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { caseState, hire, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const DAY_MS = 86_400_000;
const foundGroup = '00gsupportdesk000000';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

/** Somebody who starts later, so that their account can be there before their case looks for it. */
async function hireForLater(lastName: string): Promise<{ personId: string; key: string; start(): void }> {
  const { personId, employee } = await hire(world, { firstName: 'Early', lastName, startsInDays: 20 });
  await untilCase(world, personId, 1, 'waiting');
  const hireDate = new Date(world.clock.now().getTime() - DAY_MS).toISOString().slice(0, 10);
  return {
    personId,
    key: employee.id,
    start: () => void world.company.bamboohr.hr.setFields(employee.id, { hireDate }),
  };
}

/** Made by hand in the wiki, like the first account there, with that key. */
function wikiAccount(id: string, userName: string, externalId: string): void {
  const { users, groups } = world.company.wiki.state;
  const model = Object.values(users)[0];
  if (!model) throw new Error('the wiki has users');
  users[id] = { ...model, id, userName, active: true, attributes: { ...model.attributes, externalId } };
  groups['wiki-handbook']?.memberIds.push(id);
}

const grantsOf = (personId: string, systemId: string) =>
  world.ownerDb
    .selectFrom('person_grant')
    .select(['vendor_entitlement_id', 'basis', 'state'])
    .where('person_id', '=', personId)
    .where('system_id', '=', systemId)
    .orderBy('vendor_entitlement_id')
    .execute();

describe("an account that carries the HR system's key", () => {
  let personId = '';
  let key = '';

  test('is adopted: no second one is made, and what it held stays and is recorded as found', async () => {
    const early = await hireForLater('Adopted');
    ({ personId, key } = early);
    const { users, groups, searchIndex } = world.company.okta.state;
    const model = Object.values(users)[0];
    if (!model) throw new Error('Okta has users');
    const profile = { ...model.profile, login: 'adopted.before@juniperlane.example', employeeNumber: key };
    users['00uadopted000000000'] = { ...model, id: '00uadopted000000000', status: 'ACTIVE', profile };
    // It was there long before, so that the index knows it.
    searchIndex['00uadopted000000000'] = users['00uadopted000000000'];
    groups[foundGroup]?.memberIds.push('00uadopted000000000');
    wikiAccount('wiki-adopted', 'adopted.before@juniperlane.example', key);
    early.start();
    await untilCase(world, personId, 1, 'done');

    expect(holdingAt(world, 'okta', [key, personId])).toMatchObject({
      accountIds: ['00uadopted000000000'],
      canLogIn: true,
      groupIds: ['00gemployees00000000', '00gengineering000000', foundGroup, '00gvpn00000000000000'],
    });
    expect(holdingAt(world, 'wiki', [key, personId])).toMatchObject({
      accountIds: ['wiki-adopted'],
      groupIds: ['wiki-editor', 'wiki-handbook', 'wiki-reader'],
    });
    expect(await grantsOf(personId, 'okta')).toEqual([
      { vendor_entitlement_id: '00gemployees00000000', basis: 'policy', state: 'held' },
      { vendor_entitlement_id: '00gengineering000000', basis: 'policy', state: 'held' },
      { vendor_entitlement_id: foundGroup, basis: 'found', state: 'held' },
      { vendor_entitlement_id: '00gvpn00000000000000', basis: 'policy', state: 'held' },
    ]);
    const accounts = await world.ownerDb
      .selectFrom('account')
      .select(['system_id', 'origin'])
      .where('person_id', '=', personId)
      .orderBy('system_id')
      .execute();
    expect(accounts).toEqual([
      { system_id: 'okta', origin: 'adopted' },
      { system_id: 'wiki', origin: 'adopted' },
    ]);
  });

  test('loses what was found as well when the person leaves', async () => {
    world.company.bamboohr.hr.terminate(key);
    await untilSweepWaits(world, personId, 2);
    for (const system of ['okta', 'wiki'] as const) {
      expect(holdingAt(world, system, [key, personId])).toMatchObject({ groupIds: [], canLogIn: false });
    }
    const held = (await grantsOf(personId, 'okta')).filter(({ state }) => state === 'held');
    expect(held).toEqual([]);
  });
});

describe('an account with the same name and the key of somebody else', () => {
  test('is left as it is, at one system, and does not hold back the others: one incident', async () => {
    const early = await hireForLater('Namesake');
    const { workEmail } = world.company.bamboohr.hr.get(early.key);
    wikiAccount('wiki-namesake', workEmail ?? '', 'somebody-else');
    const before = JSON.stringify(world.company.wiki.state.users['wiki-namesake']);
    early.start();
    const incidents = await eventually(async () => {
      const rows = await world.ownerDb.selectFrom('incident').select(['system_id', 'kind', 'state']).execute();
      return rows.length > 0 ? rows : null;
    }, 'an incident opens');
    expect(incidents).toEqual([{ system_id: 'wiki', kind: 'itemFailed', state: 'open' }]);
    await eventually(() => holdingAt(world, 'okta', [early.personId]).groupIds.length === 3, 'Okta goes on');
    expect(JSON.stringify(world.company.wiki.state.users['wiki-namesake'])).toBe(before);
    expect(holdingAt(world, 'wiki', ['somebody-else']).groupIds).toEqual(['wiki-handbook']);
    expect(await grantsOf(early.personId, 'wiki')).toEqual([]);
    expect(await caseState(world, early.personId, 1)).not.toBe('done');
  });
});
