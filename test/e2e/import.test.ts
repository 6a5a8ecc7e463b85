/** People from a file: they are there, and nothing happens to them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { personRows, peopleCsv, postImport, type ImportAnswer } from '../support/import-driver.ts';
import { wholeState } from '../support/company-view.ts';
import { hire } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';
import { runCli } from '../../src/cli/program.ts';
import { verifyLog } from '../../src/evidence/verify.ts';
import { derivationsSettled } from '../../src/use-cases/derive-queue.ts';
import { pollChanges } from '../../src/use-cases/poll-changes.ts';

let world: World;
let token = '';

beforeAll(async () => {
  world = await createWorld({ isWorkerLess: true });
  token = await world.tokenOf(await world.personId('109'), ['operate']);
});
afterAll(async () => {
  await world.close();
});

const count = async (table: 'person' | 'usher_case' | 'snapshot' | 'delivery' | 'import_source'): Promise<number> => {
  const query = world.ownerDb.selectFrom(table).select(({ fn }) => fn.countAll<string>().as('count'));
  return Number((await query.executeTakeFirstOrThrow()).count);
};

async function importFile(
  file: string | Uint8Array,
  query: Record<string, string> = {},
): Promise<{ status: number; json: ImportAnswer }> {
  return postImport(world, { token, file, query });
}

/** Reads the report and writes. */
async function importForReal(file: string, query: Record<string, string> = {}): Promise<ImportAnswer> {
  const { reportHash } = (await importFile(file, query)).json;
  const written = await importFile(file, { ...query, confirm: reportHash });
  expect(written.status).toBe(200);
  return written.json;
}

describe('an export of a thousand records', () => {
  const file = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'hris', 'entra-inbound-1000.csv'));
  let report: ImportAnswer;

  test('is reported first, and nothing is written', async () => {
    const before = { people: await count('person'), snapshots: await count('snapshot') };
    const { status, json } = await importFile(file);
    expect(status).toBe(200);
    report = json;
    expect(report).toMatchObject({ isWritten: false, rowCount: 1000, people: 624, keysOf: 'bamboohr' });
    expect(report.counts).toEqual({ created: 624, updated: 0, unchanged: 0, known: 0, erased: 0 });
    expect(report.unusable).toHaveLength(376);
    expect(new Set(report.unusable.map(({ code }) => code))).toEqual(new Set(['duplicateId']));
    const left = Object.fromEntries(report.notImported.map(({ column, reason }) => [column, reason]));
    expect(left['GenderPronoun']).toContain('specially protected');
    expect(left['StreetAddress']).toContain('home address');
    expect(left['OnLeave']).toContain('absences');
    expect({ people: await count('person'), snapshots: await count('snapshot') }).toEqual(before);
    expect(await count('import_source')).toBe(0);
  });

  test('is written with the hash of the report: 624 people with signed facts, no case, no change anywhere', async () => {
    const before = { people: await count('person'), systems: wholeState(world), cases: await count('usher_case') };
    const { json } = await importFile(file, { confirm: report.reportHash });
    expect(json).toMatchObject({ isWritten: true, counts: { created: 624 } });
    expect(await count('person')).toBe(before.people + 624);
    expect(await count('usher_case')).toBe(before.cases);
    expect(wholeState(world)).toBe(before.systems);
    const shown = await world.api('/api/v1/persons/csv%2F1222', { token });
    expect(shown.json).toMatchObject({ name: 'Talya Fleeta', facts: { title: 'Sales Executive' } });
    expect(JSON.stringify(shown.json)).not.toMatch(/HE\/HIM|Mansion|85434/);
    await world.serverDeps.checkpointer.checkpoint();
    expect(await verifyLog(world.serverDeps)).toMatchObject({ isSound: true });
  });

  test('changes nothing a second time', async () => {
    const before = await count('snapshot');
    const again = await importForReal(file.toString('utf8'));
    expect(again.counts).toEqual({ created: 0, updated: 0, unchanged: 624, known: 0, erased: 0 });
    expect(await count('snapshot')).toBe(before);
  });

  test('an old hash writes nothing', async () => {
    const { status, json } = await importFile(file, { confirm: report.reportHash });
    expect({ status, code: (json as unknown as { code: string }).code }).toEqual({ status: 409, code: 'stale' });
  });
});

describe('five thousand people who were there before', () => {
  test('open no case and lose nothing, and changed rows change their facts only', async () => {
    const rows = personRows(5_000, 20_000);
    const before = { systems: wholeState(world), cases: await count('usher_case'), rows: await count('delivery') };
    const written = await importForReal(peopleCsv(rows), { source: 'payroll' });
    expect(written.counts.created).toBe(5_000);
    const changed = rows.map((row, index) =>
      index < 10 ? { ...row, title: 'Head of everything' } : index < 13 ? { ...row, status: 'Terminated' } : row,
    );
    const second = await importForReal(peopleCsv(changed), { source: 'payroll' });
    expect(second.counts).toMatchObject({ created: 0, updated: 13, unchanged: 4_987 });
    const gone = second.warnings.find(({ code }) => code === 'endedSinceImport');
    expect(gone?.sourceKeys).toHaveLength(3);
    expect({
      systems: wholeState(world),
      cases: await count('usher_case'),
      rows: await count('delivery'),
    }).toEqual(before);
  }, 180_000);
});

describe('the HR system that comes later', () => {
  const nextKey = (): string => {
    const ids = world.company.bamboohr.hr.list().map(({ id }) => Number(id));
    return String(Math.max(...ids) + 1);
  };
  const inFile = (key: string, over: Record<string, string> = {}): string =>
    peopleCsv([{ ...personRows(1, 1)[0]!, id: key, startDate: '2019-03-01', ...over }]);
  const casesOf = (personId: string) =>
    world.ownerDb.selectFrom('usher_case').select(['kind']).where('person_id', '=', personId).execute();

  test('speaks for an imported person from its first word on, and opens no joiner', async () => {
    const key = nextKey();
    await importForReal(inFile(key), { source: 'before' });
    const imported = await world.api(`/api/v1/persons/before%2F${key}`, { token });
    const { employee, personId } = await hire(world, { firstName: 'Early', lastName: 'Bird', startsInDays: -400 });
    expect(employee.id).toBe(key);
    expect(personId).toBe((imported.json as { personId: string }).personId);
    await pollChanges(world.serverDeps);
    await derivationsSettled(world.serverDeps);
    expect(await casesOf(personId)).toEqual([]);
    // From here on a file does not overwrite what the HR system says.
    const again = await importForReal(inFile(key, { title: 'Something else' }), { source: 'before' });
    expect(again.counts).toMatchObject({ updated: 0, known: 1 });
    const shown = await world.api(`/api/v1/persons/${personId}`, { token });
    expect(shown.json).toMatchObject({ name: 'Early Bird', facts: { title: 'Software Engineer' } });
    // And a departure is a departure.
    world.company.bamboohr.hr.terminate(key);
    await eventually(async () => (await casesOf(personId)).some(({ kind }) => kind === 'leaver'), 'a leaver opens');
  });

  test('is right about somebody whom the file calls gone: they were there before, and no joiner opens', async () => {
    const key = nextKey();
    await importForReal(inFile(key, { status: 'Inactive' }), { source: 'before' });
    const { personId } = await hire(world, { firstName: 'Still', lastName: 'Here', startsInDays: -400 });
    const person = await world.ownerDb
      .selectFrom('person')
      .selectAll()
      .where('person_id', '=', personId)
      .executeTakeFirstOrThrow();
    expect(person.spell_state).toBe('open');
    expect(await casesOf(personId)).toEqual([]);
  });

  test('opens the joiner of somebody whom the file announced and who has not started', async () => {
    const key = nextKey();
    const startDate = new Date(world.clock.now().getTime() + 20 * 86_400_000).toISOString().slice(0, 10);
    const report = await importForReal(inFile(key, { startDate }), { source: 'before' });
    expect(report.warnings.map(({ code }) => code)).toContain('startsLater');
    const { personId } = await hire(world, { firstName: 'Soon', lastName: 'Here', startsInDays: 20 });
    expect((await casesOf(personId)).map(({ kind }) => kind)).toEqual(['joiner']);
  });

  test('keeps its facts when a file names somebody it knows already', async () => {
    const report = await importForReal(inFile('104', { title: 'Impostor' }), { source: 'before' });
    expect(report.counts).toMatchObject({ created: 0, known: 1 });
    const shown = await world.api('/api/v1/persons/bamboohr%2F104', { token });
    expect(JSON.stringify(shown.json)).not.toContain('Impostor');
    expect((await world.api('/api/v1/persons/before%2F104', { token })).json).toMatchObject({
      personId: (shown.json as { personId: string }).personId,
    });
  });
});

describe('an erased person', () => {
  test('is not brought back by the same file', async () => {
    const file = peopleCsv([{ ...personRows(1, 1)[0]!, id: 'gone-1' }]);
    await importForReal(file, { source: 'archive', keysOf: 'none' });
    const eraser = await world.tokenOf(await world.personId('110'), ['erase']);
    const path = '/api/v1/persons/archive%2Fgone-1/erase';
    expect((await world.api(path, { method: 'POST', token: eraser, body: { reason: 'requested' } })).status).toBe(200);
    const report = await importForReal(file, { source: 'archive', keysOf: 'none' });
    expect(report.counts).toEqual({ created: 0, updated: 0, unchanged: 0, known: 0, erased: 1 });
  });
});

describe('the command', () => {
  async function usher(...args: string[]): Promise<{ exitCode: number; out: string; error: string }> {
    let [out, error] = ['', ''];
    const exitCode = await runCli(['--server', world.url, 'import', ...args], {
      env: { USHER_TOKEN: token },
      writeOut: (text) => void (out += text),
      writeError: (text) => void (error += text),
    });
    return { exitCode, out, error };
  }

  test('shows the report and the hash, and writes with it; a mapping is sent along', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'usher-import-'));
    const file = join(dir, 'people.csv');
    const map = join(dir, 'map.yaml');
    writeFileSync(file, 'Nr,Wer,Seit,Art,Salary\n9001,Ada Byron,2020-01-31,Extern,9\n9002,Bo Li,2020-02-30,Extern,9\n');
    writeFileSync(
      map,
      'columns: { sourceKey: Nr, displayName: Wer, startDate: Seit, employmentType: Art }\nemploymentTypes: { Extern: contractor }\n',
    );
    const options = ['--map', map, '--source', 'cli', '--keys-of', 'none'];
    const report = await usher(file, ...options);
    expect(report).toMatchObject({ exitCode: 0, error: '' });
    expect(report.out).toContain('line 3, Seit: expected a date that exists');
    expect(report.out).toMatch(/Salary.*pay and bank details/);
    expect(report.out).not.toMatch(/Ada|Byron/);
    const hash = /--confirm ([0-9a-f]{64})/.exec(report.out)?.[1] ?? '';
    expect((await usher(file, ...options, '--dry-run', '--confirm', hash)).exitCode).toBe(2);
    const written = await usher(file, ...options, '--confirm', hash);
    expect(written.out).toContain('No case was opened.');
    expect(await usher(file, ...options, '--confirm', hash)).toMatchObject({ exitCode: 5 });
    expect(await usher(join(dir, 'nothing.csv'))).toMatchObject({ exitCode: 2 });
    rmSync(dir, { recursive: true });
  });
});
