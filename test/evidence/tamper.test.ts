/** What the owner of the database can do to the log by SQL, and that `verify` names it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { signCheckpoint } from '../../src/evidence/checkpoint-file.ts';
import { leafHashOf } from '../../src/evidence/evidence-record.ts';
import { readEvidencePages } from '../../src/evidence/evidence-rows.ts';
import { MAX_FINDINGS } from '../../src/evidence/verify.ts';
import { createEvidenceFixture, type EvidenceFixture } from './evidence-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let database: TestDatabase;
let fixture: EvidenceFixture;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  fixture = await createEvidenceFixture(database);
  await fixture.appendMany(10);
  await fixture.checkpoint();
  await fixture.appendMany(5);
  await fixture.checkpoint();
  expect(await fixture.verify()).toMatchObject({ isSound: true, findings: [] });
});
afterEach(() => fixture.close());

const bySql = async (statement: string): Promise<void> => void (await sql.raw(statement).execute(fixture.owner));

async function found(): Promise<[string, number | null][]> {
  const { isSound, findings } = await fixture.verify();
  expect(isSound).toBe(findings.length === 0);
  return findings.map(({ code, seq }) => [code, seq]);
}

/** Makes the leaf hash of every record fit its content again, as a careful forger would. */
async function rehash(): Promise<void> {
  for await (const page of readEvidencePages(fixture.owner)) {
    for (const { record } of page) {
      const leafHash = leafHashOf(record).toString('hex');
      await bySql(`update evidence set leaf_hash = '${leafHash}' where seq = ${record.seq}`);
    }
  }
}

describe('records', () => {
  test.each([
    ['body', `body = body || '{"outcome":"adopted"}'`],
    ['kind', `kind = 'contradicted'`],
    ['operation key', `operation_key = 'another'`],
    ['person', `person_id = gen_random_uuid()`],
    ['case', `case_id = 'case_x_1'`],
    ['time, by a microsecond', `at = at + interval '1 microsecond'`],
    ['time, to infinity', `at = 'infinity'`],
    ['commitment', `commitment = repeat('0', 64)`],
    ['content digest', `content_digest = repeat('0', 64)`],
    ['leaf hash', `leaf_hash = repeat('0', 64)`],
    ['leaf hash, to no hash', `leaf_hash = 'none'`],
  ])('an edited %s is found at its place', async (_, change) => {
    await bySql(`update evidence set ${change} where seq = 3`);
    expect(await found()).toContainEqual(['recordEdited', 3]);
  });

  test('an edited evidence id is found at its place', async () => {
    await bySql(
      `delete from evidence_value using evidence e where e.evidence_id = evidence_value.evidence_id and e.seq = 3`,
    );
    await bySql(`update evidence set evidence_id = gen_random_uuid() where seq = 3`);
    expect(await found()).toContainEqual(['recordEdited', 3]);
  });

  test('an edit whose leaf hash was made to fit is found by the checkpoint over it', async () => {
    await bySql(`update evidence set at = at - interval '1 day' where seq = 12`);
    await rehash();
    expect(await found()).toEqual([['logDiffers', 10]]);
  });

  test('a deleted record is found at its place', async () => {
    await bySql(
      `delete from evidence_value using evidence e where e.evidence_id = evidence_value.evidence_id and e.seq = 4`,
    );
    await bySql(`delete from evidence where seq = 4`);
    expect(await found()).toEqual([['recordMissing', 4]]);
  });

  test('a deleted record is found although the others moved up', async () => {
    await bySql(
      `delete from evidence_value using evidence e where e.evidence_id = evidence_value.evidence_id and e.seq = 13`,
    );
    await bySql(`delete from evidence where seq = 13`);
    await bySql(`update evidence set seq = 13 where seq = 14`);
    await rehash();
    expect(await found()).toEqual([['logCut', 14]]);
  });

  test('reordered records are found at both places, with the place at which each was logged', async () => {
    await bySql(`update evidence set seq = 100 where seq = 2`);
    await bySql(`update evidence set seq = 2 where seq = 5`);
    await bySql(`update evidence set seq = 5 where seq = 100`);
    const { findings } = await fixture.verify();
    expect(findings.map(({ code, seq }) => [code, seq])).toEqual([
      ['logDiffers', 0],
      ['recordReordered', 2],
      ['recordReordered', 5],
    ]);
    expect(findings[1]?.message).toBe('The record at 2 was logged at 5.');
  });

  test('reordered records whose leaf hashes were made to fit are found by the checkpoint', async () => {
    await bySql(`update evidence set seq = 100 where seq = 11`);
    await bySql(`update evidence set seq = 11 where seq = 12`);
    await bySql(`update evidence set seq = 12 where seq = 100`);
    await rehash();
    expect(await found()).toEqual([['logDiffers', 10]]);
  });

  test('a log that was cut at its end is found, and no checkpoint is signed over it', async () => {
    await bySql(
      `delete from evidence_value using evidence e where e.evidence_id = evidence_value.evidence_id and e.seq >= 12`,
    );
    await bySql(`delete from evidence where seq >= 12`);
    expect(await found()).toEqual([['logCut', 12]]);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'logCut', seq: 12 } });
  });

  test('an emptied log is found', async () => {
    await bySql(`truncate evidence, evidence_value`);
    expect(await found()).toEqual([['logCut', 0]]);
  });

  test('a record slipped in before the first place is found', async () => {
    await bySql(`insert into evidence (seq, evidence_id, operation_key, kind, at, body, content_digest, leaf_hash)
      values (-1, gen_random_uuid(), 'x', 'decided', now(), '{}', '', '')`);
    expect(await found()).toEqual([['recordUnexpected', -1]]);
  });

  test('findings are bounded, and each names its place', async () => {
    await fixture.appendMany(MAX_FINDINGS + 100);
    await bySql(`update evidence set kind = 'decided'`);
    const { findings } = await fixture.verify();
    expect(findings.length).toBe(MAX_FINDINGS);
    expect(findings.every(({ seq, message }) => seq !== null && message.includes(String(seq)))).toBe(true);
  });
});

describe('values', () => {
  const at3 = `evidence_id = (select evidence_id from evidence where seq = 3)`;

  test('changed bytes are found at the place of the record', async () => {
    await bySql(`update evidence_value set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where ${at3}`);
    expect(await found()).toEqual([['valueChanged', 3]]);
  });

  test('values of another record of the same person are found, although they can be opened', async () => {
    await bySql(`update evidence_value set sealed =
      (select sealed from evidence_value v join evidence e using (evidence_id) where e.seq = 4) where ${at3}`);
    expect(await found()).toEqual([['valueChanged', 3]]);
  });

  test('values that say something else under the right key are found', async () => {
    const { person_id: personId } = await fixture.owner
      .selectFrom('evidence')
      .select('person_id')
      .where('seq', '=', '3')
      .executeTakeFirstOrThrow();
    const forged = fixture.vault.seal(personId ?? '', { salt: 'AAAA', values: { displayName: 'Another' } });
    await bySql(`update evidence_value set sealed = '\\x${forged.toString('hex')}' where ${at3}`);
    expect(await found()).toEqual([['valueChanged', 3]]);
  });

  test('removed values of a person who was not erased are found', async () => {
    await bySql(`delete from evidence_value where ${at3}`);
    expect(await found()).toEqual([['valueMissing', 3]]);
  });

  test('values put beside a record that has none are found', async () => {
    await fixture.append({
      operationKey: 'bare',
      kind: 'checked',
      personId: null,
      caseId: null,
      body: {},
      values: null,
    });
    await bySql(
      `insert into evidence_value select e.evidence_id, gen_random_uuid(), 'x' from evidence e where seq = 15`,
    );
    expect(await found()).toEqual([['valueChanged', 15]]);
  });
});

describe('checkpoints', () => {
  test.each([
    ['root', `root_hash = repeat('0', 64)`],
    ['size', `tree_size = 14`],
    ['time', `at = at + interval '1 day'`],
    ['signature', `signature = 'AAAA'`],
    ['key id', `key_id = 'k-00000000'`],
  ])('a row with another %s is found', async (_, change) => {
    await bySql(`update checkpoint set ${change} where tree_size = 15`);
    const seq = change.startsWith('tree_size') ? 13 : 14;
    expect(await found()).toEqual([['checkpointForged', seq]]);
  });

  test('a row that the key of the installation did not sign is found', async () => {
    await bySql(
      `insert into checkpoint select 12, root_hash, at, key_id, signature from checkpoint where tree_size = 10`,
    );
    expect(await found()).toEqual([['checkpointForged', 11]]);
  });

  test('a line of the file with a forged signature or another root is found, and is not built upon', async () => {
    const file = join(fixture.keysDir, 'checkpoints.jsonl');
    const original = readFileSync(file, 'utf8');
    const root = /"rootHash":"([0-9a-f]{64})"/.exec(original.split('\n')[1] ?? '')?.[1] ?? '';
    writeFileSync(file, original.replace(root, '0'.repeat(64)));
    expect(await found()).toContainEqual(['checkpointForged', 14]);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'checkpointForged' } });
  });

  test('a line that cannot be read is found', async () => {
    const file = join(fixture.keysDir, 'checkpoints.jsonl');
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"entry":"other"}\n`);
    expect(await found()).toEqual([['checkpointUnreadable', null]]);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'checkpointUnreadable' } });
  });

  test('a key folder that is older than the database is found by the signed rows', async () => {
    const file = join(fixture.keysDir, 'checkpoints.jsonl');
    const [first] = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, `${first}\n`);
    expect(await found()).toEqual([['checkpointFileBehind', 14]]);
  });

  test('a checkpoint that a thief of the signing key puts over a changed log does not hide the change', async () => {
    await bySql(`update evidence set at = at - interval '1 day' where seq = 12`);
    await rehash();
    const forged = signCheckpoint(fixture.signer, {
      treeSize: 15,
      rootHash: 'a'.repeat(64),
      at: '2026-03-02T08:00:00.000Z',
    });
    await bySql(
      `update checkpoint set root_hash = '${forged.rootHash}', signature = '${forged.signature}' where tree_size = 15`,
    );
    expect(await found()).toEqual([
      ['checkpointFileBehind', 14],
      ['logDiffers', 10],
    ]);
  });
});
