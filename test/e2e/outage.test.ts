/** Systems that are down, that lie, that lose answers: only their own items wait, and nothing is done twice. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { caseState, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [{ file: 'rules.yaml', find: 'incidentAfter: 15m', replace: 'incidentAfter: 5s' }],
  });
});
afterAll(async () => {
  await world.close();
});

const engineer = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin', supervisorEId: '103' };

async function hire(firstName: string): Promise<string> {
  return world.personId(world.company.bamboohr.hr.hire({ firstName, lastName: 'Outage', ...engineer }).id);
}

async function incidents(kind: string, systemId: string) {
  return world.ownerDb
    .selectFrom('incident')
    .selectAll()
    .where('kind', '=', kind as 'systemDown')
    .where('system_id', '=', systemId)
    .orderBy('opened_at')
    .execute();
}

const wikiOf = (personId: string): string[] => holdingAt(world, 'wiki', [personId]).groupIds;

describe('a system that is down', () => {
  test('delays only its own items, has one incident for all cases, and completes by itself when it is back', async () => {
    world.company.wiki.faults.setDown('503');
    const people = [await hire('First'), await hire('Second')];
    for (const personId of people) {
      await eventually(() => holdingAt(world, 'okta', [personId]).groupIds.length === 3, 'Okta goes on');
      expect(wikiOf(personId)).toEqual([]);
    }
    const [incident] = await eventually(async () => {
      const rows = await incidents('systemDown', 'wiki');
      return rows.length > 0 ? rows : null;
    }, 'one incident opens');
    await eventually(async () => (await incidents('systemDown', 'wiki'))[0]?.ticket_id, 'it has a ticket');
    const attached = await eventually(async () => {
      const rows = await world.ownerDb
        .selectFrom('incident_item')
        .selectAll()
        .where('incident_id', '=', incident?.incident_id ?? '')
        .execute();
      return new Set(rows.map((row) => row.person_id)).size === 2 ? rows : null;
    }, 'items of both cases are attached');
    expect(attached.every((row) => row.detached_at === null)).toBe(true);
    const tickets = world.company.servicenow.incidents();
    expect(tickets.filter((ticket) => ticket.fields['correlation_id'] === incident?.incident_id)).toHaveLength(1);

    world.company.wiki.faults.setDown(null);
    for (const personId of people) await untilCase(world, personId, 1, 'done', 60_000);
    for (const personId of people) expect(wikiOf(personId)).toEqual(['wiki-editor', 'wiki-reader']);
    const all = await incidents('systemDown', 'wiki');
    expect(all).toHaveLength(1);
    expect(all[0]?.state).toBe('closed');
    await eventually(
      () => world.company.servicenow.incidents().every((ticket) => ticket.fields['active'] === 'false'),
      'the ticket closes itself',
    );
  }, 120_000);

  test('does not hold back the cut-off elsewhere, and is cut off itself when it is back', async () => {
    const personId = await world.personId('120');
    world.company.okta.faults.setDown('503');
    world.company.bamboohr.hr.terminate('120');
    await eventually(() => !holdingAt(world, 'crm', ['120']).canLogIn, 'the CRM login is cut off at once');
    expect(holdingAt(world, 'okta', ['120']).canLogIn).toBe(true);
    world.company.okta.faults.setDown(null);
    await eventually(() => !holdingAt(world, 'okta', ['120']).canLogIn, 'Okta follows', 40_000);
    await untilSweepWaits(world, personId, 2, 60_000);
    expect(holdingAt(world, 'okta', ['120'])).toMatchObject({ groupIds: [], canLogIn: false, sessions: 0 });
  }, 120_000);

  test('ships with an incident after 15 minutes', () => {
    const shipped = readFileSync(join(import.meta.dirname, '..', '..', 'sandbox', 'policies', 'rules.yaml'), 'utf8');
    expect(shipped).toContain('incidentAfter: 15m');
  });
});

describe('a system that lies', () => {
  test('once: the read finds it, one more try, no incident', async () => {
    world.company.wiki.faults.add({ kind: 'lie', method: 'PATCH', path: '/Groups/', times: 1 });
    const personId = await hire('Once');
    await untilCase(world, personId, 1, 'done', 45_000);
    expect(wikiOf(personId)).toEqual(['wiki-editor', 'wiki-reader']);
    expect(await incidents('itemFailed', 'wiki')).toEqual([]);
    const rounds = await world.ownerDb
      .selectFrom('operation')
      .select(['round', 'state'])
      .where('person_id', '=', personId)
      .where('system_id', '=', 'wiki')
      .execute();
    expect(rounds.filter((row) => row.state === 'contradicted')).toHaveLength(1);
    expect(rounds.filter((row) => row.round === 2 && row.state === 'verified')).toHaveLength(1);
  });

  test('always: one incident with a ticket, nothing reported as verified; asked again when it stopped, it heals and closes', async () => {
    const lie = world.company.wiki.faults.add({ kind: 'lie', method: 'PATCH', path: '/Groups/', times: null });
    const personId = await hire('Always');
    const [incident] = await eventually(async () => {
      const rows = await incidents('itemFailed', 'wiki');
      return rows.length > 0 && rows[0]?.ticket_id ? rows : null;
    }, 'one incident opens');
    expect(await caseState(world, personId, 1)).not.toBe('done');
    const held = await world.ownerDb
      .selectFrom('person_grant')
      .select('system_id')
      .where('person_id', '=', personId)
      .execute();
    expect(held.map((row) => row.system_id)).not.toContain('wiki');
    const writes = world.company.wiki.calls.filter((call) => call.method === 'PATCH' && call.path.includes('/Groups/'));
    world.company.wiki.faults.remove(lie);
    const token = await world.tokenOf(await world.personId('102'), ['operate']);
    const retried = await world.api(`/api/v1/cases/case_${personId}_1/retry`, {
      method: 'POST',
      token,
      body: { systemId: 'wiki' },
    });
    expect(retried.status).toBe(202);
    await untilCase(world, personId, 1, 'done', 45_000);
    expect(wikiOf(personId)).toEqual(['wiki-editor', 'wiki-reader']);
    expect(await incidents('itemFailed', 'wiki')).toMatchObject([
      { incident_id: incident?.incident_id, state: 'closed' },
    ]);
    expect(writes.length).toBeGreaterThan(0);
  }, 90_000);
});

describe('a lost answer', () => {
  test('to the creation of an account makes no second account', async () => {
    world.company.wiki.faults.add({ kind: 'lostResponse', method: 'POST', path: '/Users', times: 1 });
    const personId = await hire('Lost');
    await untilCase(world, personId, 1, 'done', 45_000);
    expect(holdingAt(world, 'wiki', [personId]).accountIds).toHaveLength(1);
  });
});

describe('throttling', () => {
  test('waits as long as the vendor says and uses up no retry', async () => {
    world.company.wiki.faults.add({ kind: 'throttle', retryAfterSeconds: 1, times: 3 });
    const personId = await hire('Slow');
    await untilCase(world, personId, 1, 'done', 45_000);
    const rounds = await world.ownerDb
      .selectFrom('operation')
      .select('round')
      .where('person_id', '=', personId)
      .execute();
    expect(rounds.every((row) => row.round === 1)).toBe(true);
  });
});

describe('an account that is there already', () => {
  test('with the same login and another key is never adopted: a person has to look', async () => {
    const model = Object.values(world.company.okta.state.users)[0];
    if (!model) throw new Error('the company has users');
    const profile = {
      ...model.profile,
      login: 'twin.outage@juniperlane.example',
      email: 'twin.outage@juniperlane.example',
      employeeNumber: '999',
    };
    world.company.okta.state.users['00utwin00000000000'] = { ...model, id: '00utwin00000000000', profile };
    const personId = await hire('Twin');
    await eventually(async () => (await incidents('itemFailed', 'okta')).length === 1, 'an incident opens');
    expect(holdingAt(world, 'okta', [personId]).accountIds).toEqual([]);
    expect(world.company.okta.state.users['00utwin00000000000']?.profile).toEqual(profile);
  });
});
