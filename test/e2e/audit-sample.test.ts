/** The auditor's sample: reproducible by seed, complete or with every gap named, and harmless in a spreadsheet. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { sql } from 'kysely';
import { toCsv } from '../../src/cli/commands/audit-sample.ts';
import { runCli } from '../../src/cli/program.ts';
import { archiveCases } from '../../src/use-cases/archive-cases.ts';
import type { AuditSample } from '../../src/use-cases/sample-cases.ts';
import { dateInDays, hire, untilCase } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
let dir: string;
let auditor: string;
const people: string[] = [];

beforeAll(async () => {
  world = await createWorld();
  dir = mkdtempSync(join(tmpdir(), 'usher-sample-'));
  auditor = await world.tokenOf(null, ['audit']);
  writeFileSync(join(dir, 'token'), auditor);
  for (const firstName of ['Ada', 'Bo', 'Cleo', 'Dov']) {
    const { personId } = await hire(world, { firstName, lastName: 'Sample' });
    people.push(personId);
  }
  for (const personId of people) await untilCase(world, personId, 1, 'done');
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await world.close();
});

const period = (): string => `from=${dateInDays(world, -3)}&to=${dateInDays(world, 3)}`;

async function sample(query: string): Promise<AuditSample> {
  const { status, json } = await world.api(`/api/v1/audit/sample?${period()}&${query}`, { token: auditor });
  expect(status).toBe(200);
  return json as AuditSample;
}

const idsOf = ({ sample: cases }: AuditSample): string[] => cases.map(({ caseId }) => caseId);

describe('audit sample', () => {
  test('a seed draws the same cases again, another seed others in another order', async () => {
    const all = await sample('size=100&seed=a');
    expect(all.populationSize).toBe(4);
    expect(idsOf(all).toSorted()).toEqual(people.map((personId) => `case_${personId}_1`).toSorted());
    expect(idsOf(await sample('size=2&seed=a'))).toEqual(idsOf(all).slice(0, 2));
    const orders = new Set<string>();
    for (const seed of ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) orders.add(idsOf(await sample(`seed=${seed}`)).join());
    expect(orders.size).toBeGreaterThan(1);
    expect((await sample('seed=a&kind=leaver')).populationSize).toBe(0);
  });

  test('a whole period is complete', async () => {
    const { completeness } = await sample('seed=a');
    expect(completeness.gaps).toEqual([]);
    expect(completeness).toMatchObject({ isComplete: true, casesOpened: 4, casesRecorded: 4, closingsRecorded: 4 });
    expect(completeness.eventsAccepted).toBeGreaterThanOrEqual(4);
  });

  test('every gap is listed: an event that stands still, a case without evidence, evidence without a case', async () => {
    const [first = '', second = ''] = people;
    const eventId = '00000000-0000-7000-8000-000000000001';
    await world.ownerDb
      .insertInto('ledger')
      .values({
        event_id: eventId,
        source: 'nowhere',
        source_key: '1',
        delivery_key: 'forgotten',
        digest: '',
        origin: 'webhook',
        state: 'received',
        verdict: null,
        body_sealed: null,
        received_at: new Date(world.clock.now().getTime() - 3_600_000),
      })
      .execute();
    await sql`insert into usher_case select (jsonb_populate_record(c, '{"n": 7, "case_id": "case_extra"}')).* from usher_case c where person_id = ${first}`.execute(
      world.ownerDb,
    );
    await sql`update usher_case set case_id = 'case_renamed' where person_id = ${second}`.execute(world.ownerDb);
    const { completeness } = await sample('seed=a');
    const found = completeness.gaps.map(({ code, id }) => `${code} ${id}`);
    expect(found).toContain(`eventNotDerived ${eventId}`);
    expect(found).toContain('caseWithoutRecord case_extra');
    expect(found).toContain(`recordWithoutCase case_${second}_1`);
    expect(found).toContain('closedWithoutRecord case_renamed');
    expect(completeness.isComplete).toBe(false);
    await sql`delete from usher_case where case_id = 'case_extra'`.execute(world.ownerDb);
    await sql`update usher_case set case_id = ${`case_${second}_1`} where person_id = ${second}`.execute(world.ownerDb);
    await world.ownerDb.deleteFrom('ledger').where('event_id', '=', eventId).execute();
    expect((await sample('seed=a')).completeness.gaps).toEqual([]);
  });

  test('a case that is closed for a day and not archived is a gap until it is', async () => {
    await world.ownerDb.deleteFrom('case_archive').execute();
    world.clock.advance(2 * 86_400_000);
    const before = await sample('seed=a');
    expect(before.completeness.gaps.map(({ code }) => code)).toEqual(Array(4).fill('notArchived'));
    await eventually(async () => {
      await archiveCases(world.serverDeps);
      return (await sample('seed=a')).completeness.isComplete;
    }, 'everything is archived');
  });

  test('the command writes CSV and JSON, and says what is wrong with its input', async () => {
    const usher = async (...args: string[]) => {
      let out = '';
      const exitCode = await runCli(
        ['--server', world.url, '--token-file', join(dir, 'token'), 'audit', 'sample', ...args],
        { env: {}, writeOut: (text) => void (out += text), writeError: (text) => void (out += text) },
      );
      return { exitCode, out };
    };
    const days = ['--from', dateInDays(world, -9), '--to', dateInDays(world, 3), '--seed', 'a'];
    const file = join(dir, 'sample.csv');
    expect((await usher(...days, '--format', 'csv', '-o', file)).exitCode).toBe(0);
    const rows = parse<{ caseId: string }>(readFileSync(file), { columns: true });
    expect(rows.map(({ caseId }) => caseId)).toEqual(idsOf(await sample('seed=a')));
    expect(JSON.parse((await usher(...days, '--format', 'json')).out)).toMatchObject({ seed: 'a', populationSize: 4 });
    expect((await usher(...days)).out).toContain('Complete: no gap.');
    for (const [bad, expected] of [
      [['--from', 'yesterday', '--to', '2026-01-01'], 'from'],
      [['--from', '2026-02-01', '--to', '2026-01-01'], 'to'],
      [[...days, '--size', '0'], 'size'],
      [[...days, '--kind', 'holiday'], 'kind'],
      [[...days, '--format', 'xml'], '--format'],
    ] as const) {
      const ran = await usher(...bad);
      expect(ran.out).toContain(expected);
      expect(ran.exitCode).toBe(2);
    }
  });

  test('what a spreadsheet would run is text', () => {
    const hostile = { caseId: '=1+1', personId: '+2', kind: '@x', state: '-3', route: '=HYPERLINK("x")' };
    const rest = { effectiveAt: '', openedAt: '', closedAt: null, policyHash: null, eventId: null };
    const [, line = ''] = toCsv({ sample: [{ ...hostile, ...rest }] }).split('\n');
    for (const cell of line.split(',').filter((text) => text !== '')) expect(cell).toMatch(/^"?'/);
  });
});
