/** Leavers at a system that says yes and keeps everything: nobody is told that it is gone, and it ends when it really is. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { closeCase } from '../../src/activities/report.ts';
import { alertsOf, caseState, hire, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

const incidents = () => world.ownerDb.selectFrom('incident').selectAll().orderBy('opened_at').execute();
const wikiLies = (): number =>
  world.company.wiki.faults.add({ kind: 'lie', method: 'PATCH', path: '/Groups/', times: null });

async function latestWaitingLine(personId: string): Promise<Record<string, unknown>> {
  const row = await world.ownerDb
    .selectFrom('story')
    .select('data')
    .where('person_id', '=', personId)
    .where('kind', '=', 'caseWaiting')
    .orderBy('story_id', 'desc')
    .executeTakeFirstOrThrow();
  return row.data;
}

async function retry(caseId: string): Promise<void> {
  const token = await world.tokenOf(await world.personId('102'), ['operate']);
  const body = { systemId: 'wiki' };
  const { status } = await world.api(`/api/v1/cases/${caseId}/retry`, { method: 'POST', token, body });
  expect(status).toBe(202);
}

async function dueAt(personId: string, n: number): Promise<number> {
  const row = await world.ownerDb
    .selectFrom('usher_case')
    .select('due_at')
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .executeTakeFirstOrThrow();
  return row.due_at?.getTime() ?? 0;
}

describe('a removal that a system only pretends', () => {
  test('is one incident, is not said to be done, and heals by itself when it is tried again, without replacing the sweep', async () => {
    const { personId, employee } = await hire(world, { firstName: 'Kept', lastName: 'Groups' });
    await untilCase(world, personId, 1, 'done');
    const lie = wikiLies();
    world.company.bamboohr.hr.terminate(employee.id);
    await untilSweepWaits(world, personId, 2);
    expect(holdingAt(world, 'wiki', [personId])).toMatchObject({
      canLogIn: false,
      groupIds: ['wiki-editor', 'wiki-reader'],
    });
    expect(await latestWaitingLine(personId)).toMatchObject({ leftSystemIds: ['wiki'] });
    const [incident, ...others] = await eventually(async () => {
      const rows = await incidents();
      return rows[0]?.ticket_id ? rows : null;
    }, 'the incident has its ticket');
    expect(others).toEqual([]);
    expect(incident).toMatchObject({ system_id: 'wiki', kind: 'itemFailed', state: 'open' });

    const sweepAt = await dueAt(personId, 2);
    world.company.wiki.faults.remove(lie);
    await retry(`case_${personId}_2`);
    await eventually(async () => (await incidents())[0]?.state === 'closed', 'the incident closes');
    expect(holdingAt(world, 'wiki', [personId]).groupIds).toEqual([]);
    await eventually(
      () => world.company.servicenow.incidents().every((ticket) => ticket.fields['active'] === 'false'),
      'the ticket closes',
    );
    await eventually(
      async () => JSON.stringify(await latestWaitingLine(personId)).includes('"leftSystemIds":[]'),
      'nothing is left',
    );
    expect(await caseState(world, personId, 2)).toBe('waiting');
    expect(Math.abs((await dueAt(personId, 2)) - sweepAt)).toBeLessThan(1_000);
    expect(await incidents()).toHaveLength(1);
  });

  test('of access that was never given: the joiner’s incident ends with its case when the person leaves', async () => {
    const lie = wikiLies();
    const { personId, employee } = await hire(world, { firstName: 'Never', lastName: 'Given' });
    const open = async () => (await incidents()).filter((row) => row.state === 'open');
    await eventually(async () => (await open()).length === 1, 'the joiner has an incident');
    world.company.wiki.faults.remove(lie);
    world.company.bamboohr.hr.terminate(employee.id);
    await untilSweepWaits(world, personId, 2);
    expect(await caseState(world, personId, 1)).toBe('cancelled');
    expect(await open()).toEqual([]);
  });
});

describe('a case that claims more than was read back', () => {
  test('is not recorded as done, even when its report was answered by hand: one alert', async () => {
    const { personId } = await hire(world, { firstName: 'Claims', lastName: 'Much', startsInDays: 30 });
    await untilCase(world, personId, 1, 'waiting');
    const claim = {
      personId,
      n: 1,
      state: 'done' as const,
      snapshotId: null,
      claimedVerified: ['b'.repeat(64), 'c'.repeat(64)],
      failedCount: 0,
    };
    expect(await closeCase(world.workerDeps, claim)).toEqual({ state: 'failed', isStale: false });
    expect(await closeCase(world.workerDeps, claim)).toEqual({ state: 'failed', isStale: false });
    expect(await caseState(world, personId, 1)).toBe('failed');
    const record = await world.ownerDb
      .selectFrom('evidence')
      .select('body')
      .where('case_id', '=', `case_${personId}_1`)
      .where('kind', '=', 'caseClosed')
      .execute();
    expect(record.map(({ body }) => body)).toEqual([{ state: 'failed', verifiedCount: 0, failedCount: 2 }]);
    expect(await alertsOf(world, 'unprovenClaim')).toHaveLength(1);
  });
});
