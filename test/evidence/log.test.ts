/** Appending to the log on a real PostgreSQL: places, repeats, privileges. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sql } from 'kysely';
import { readEvidencePages } from '../../src/evidence/evidence-rows.ts';
import { appendEvidence } from '../../src/evidence/log.ts';
import { openDb } from '../../src/store/db.ts';
import { aRecord, createEvidenceFixture, startedAt, type EvidenceFixture } from './evidence-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let database: TestDatabase;
let fixture: EvidenceFixture;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  fixture = await createEvidenceFixture(database);
});
afterEach(() => fixture.close());

async function places(): Promise<number[]> {
  const rows = await fixture.owner.selectFrom('evidence').select('seq').orderBy('seq').execute();
  return rows.map(({ seq }) => Number(seq));
}

describe('places in the tree', () => {
  test('records get places from zero in the order given', async () => {
    const first = await fixture.appendMany(3);
    const second = await fixture.appendMany(2);
    expect([...first, ...second].map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
    expect(await places()).toEqual([0, 1, 2, 3, 4]);
  });

  test('a rolled back append leaves no gap and no record', async () => {
    await fixture.appendMany(2);
    const rolledBack = fixture.db.transaction().execute(async (tx) => {
      await appendEvidence(tx, fixture.vault, [aRecord(), aRecord()], startedAt);
      throw new Error('the work failed');
    });
    await expect(rolledBack).rejects.toThrow('the work failed');
    await fixture.appendMany(1);
    expect(await places()).toEqual([0, 1, 2]);
  });

  test('concurrent appends from two processes, server and worker, give one tree without a gap', async () => {
    const worker = openDb(database.workerUrl, 4);
    try {
      const appends = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? fixture.db : worker)
          .transaction()
          .execute((tx) => appendEvidence(tx, fixture.vault, [aRecord(), aRecord(), aRecord()], startedAt)),
      );
      const appended = (await Promise.all(appends)).flat();
      expect(new Set(appended.map(({ seq }) => seq)).size).toBe(120);
    } finally {
      await worker.destroy();
    }
    expect(await places()).toEqual(Array.from({ length: 120 }, (_, index) => index));
    await fixture.checkpoint();
    expect(await fixture.verify()).toMatchObject({ isSound: true, treeSize: 120, checkpointedSize: 120 });
  });

  test('more records than one statement holds are appended whole', async () => {
    await fixture.appendMany(2_300);
    expect((await places()).length).toBe(2_300);
    expect((await fixture.verify()).isSound).toBe(true);
  });
});

describe('repeats', () => {
  test('the same content is the existing record, values included', async () => {
    const record = aRecord();
    const [first] = await fixture.append(record);
    const [second] = await fixture.append({ ...record, values: { login: 'zoe', displayName: 'Zoë Ångström' } });
    expect(second).toEqual({ ...first, isRepeat: true });
    expect(await places()).toEqual([0]);
  });

  test('the same content without values is the existing record', async () => {
    const record = aRecord({ values: null, personId: null });
    const [first] = await fixture.append(record);
    expect(await fixture.append(record)).toEqual([{ ...first, isRepeat: true }]);
  });

  test('a repeat within one call is one record', async () => {
    const record = aRecord();
    const results = await fixture.append(record, aRecord(), record);
    expect(results.map(({ seq, isRepeat }) => [seq, isRepeat])).toEqual([
      [0, false],
      [1, false],
      [0, true],
    ]);
  });

  test.each([
    ['values', { values: { displayName: 'Zoë Berg', login: 'zoe' } }],
    ['no values', { values: null }],
    ['body', { body: { systemId: 'wiki', outcome: 'adopted' } }],
    ['kind', { kind: 'contradicted' }],
    ['case', { caseId: 'case_x_1' }],
    ['operation', { operationKey: 'another' }],
  ] as const)('other %s make another record', async (_, change) => {
    const record = aRecord();
    await fixture.append(record);
    expect(await fixture.append({ ...record, ...change })).toMatchObject([{ seq: 1, isRepeat: false }]);
  });

  test('a repeat after the erasure of the person is still the existing record', async () => {
    const record = aRecord();
    const [first] = await fixture.append(record);
    if (record.personId) fixture.vault.erase(record.personId, startedAt);
    expect(await fixture.append(record)).toEqual([{ ...first, isRepeat: true }]);
  });
});

describe('content', () => {
  test('no column of a record holds the values, and no digest is one of the values alone', async () => {
    const record = aRecord();
    await fixture.append(record);
    const { rows } = await sql<{ text: string }>`
      select e::text || coalesce(encode(v.sealed, 'escape'), '') as text
      from evidence e left join evidence_value v using (evidence_id)`.execute(fixture.owner);
    expect(rows[0]?.text).toContain('wiki');
    expect(rows[0]?.text).not.toMatch(/Zoë|Ångström|zoe/);
    const again = await fixture.append({ ...record, operationKey: 'again' }, { ...record, operationKey: 'third' });
    const commitments = await fixture.owner.selectFrom('evidence').select('commitment').execute();
    expect(again).toHaveLength(2);
    expect(new Set(commitments.map(({ commitment }) => commitment)).size).toBe(3);
  });

  test('characters that PostgreSQL refuses do not keep a step from being recorded', async () => {
    await fixture.append(aRecord({ body: { requestId: 'a\u0000b\ud800c', left: undefined } }));
    for await (const page of readEvidencePages(fixture.db)) {
      expect(page.map(({ record }) => record.body)).toEqual([{ requestId: 'a\uFFFDb\uFFFDc' }]);
    }
    expect((await fixture.verify()).isSound).toBe(true);
  });

  test('whatever JSON a body or values hold, what is read back fits what was hashed', async () => {
    const pieces = fc.sample(
      fc.tuple(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.jsonValue()),
      300,
    );
    await fixture.append(...pieces.map(([body, values]) => aRecord({ body, values })));
    await fixture.checkpoint();
    expect(await fixture.verify()).toMatchObject({ findings: [], treeSize: 300, checkpointedSize: 300 });
  });

  test('values of an erased person are dropped and the step is recorded', async () => {
    const record = aRecord();
    if (record.personId) fixture.vault.erase(record.personId, startedAt);
    await fixture.append(record);
    const row = await fixture.owner.selectFrom('evidence').select('commitment').executeTakeFirstOrThrow();
    expect(row.commitment).toBeNull();
    expect(await fixture.owner.selectFrom('evidence_value').selectAll().execute()).toEqual([]);
  });

  test('values without a person are refused', async () => {
    await expect(fixture.append(aRecord({ personId: null }))).rejects.toThrow(TypeError);
  });

  test('a person id in capitals is the same person', async () => {
    const personId = randomUUID();
    const record = aRecord({ personId });
    await fixture.append(record);
    expect(await fixture.append({ ...record, personId: personId.toUpperCase() })).toMatchObject([{ isRepeat: true }]);
    expect((await fixture.verify()).isSound).toBe(true);
  });
});

describe('privileges', () => {
  const attempts = [
    `update evidence set body = '{}'`,
    `delete from evidence`,
    `truncate evidence cascade`,
    `update evidence_value set sealed = ''`,
    `delete from evidence_value`,
    `update checkpoint set root_hash = ''`,
    `delete from checkpoint`,
    `alter table evidence add column hidden text`,
    `create trigger t before insert on evidence for each row execute function suppress_redundant_updates_trigger()`,
  ];
  test.each(
    attempts.flatMap((statement) => [
      { role: 'serverUrl' as const, statement },
      { role: 'workerUrl' as const, statement },
    ]),
  )('the running role of $role cannot $statement', async ({ role, statement }) => {
    await fixture.appendMany(1);
    const running = openDb(database[role], 1);
    try {
      await expect(sql.raw(statement).execute(running)).rejects.toThrow(/permission denied|must be owner/);
    } finally {
      await running.destroy();
    }
    expect(await places()).toEqual([0]);
  });

  test('the worker cannot write a checkpoint', async () => {
    const worker = openDb(database.workerUrl, 1);
    const row = { tree_size: 1, root_hash: '', at: startedAt, key_id: 'k', signature: 's' };
    try {
      await expect(worker.insertInto('checkpoint').values(row).execute()).rejects.toThrow(/permission denied/);
    } finally {
      await worker.destroy();
    }
  });
});
