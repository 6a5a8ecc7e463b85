/** Signing checkpoints, across crashes, restarts, two servers and restored databases. */
import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { createCheckpointer } from '../../src/evidence/checkpoint.ts';
import { isSignedCheckpoint, latestCheckpoint, readCheckpointFile } from '../../src/evidence/checkpoint-file.ts';
import { merkleRoot } from '../../src/evidence/merkle.ts';
import { signRestoredGap } from '../../src/evidence/restored.ts';
import { openVerifier } from '../../src/store/signing-key.ts';
import { createEvidenceFixture, startedAt, type EvidenceFixture } from './evidence-fixture.ts';
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

const file = (): string => join(fixture.keysDir, 'checkpoints.jsonl');
const now = (): Date => startedAt;
const running = () => createCheckpointer({ db: fixture.db, signer: fixture.signer, keysDir: fixture.keysDir, now });

/** What a restored backup looks like: the records, values and checkpoint rows of before, and nothing later. */
async function restoreTo(treeSize: number): Promise<void> {
  await sql`delete from evidence_value v using evidence e
    where e.evidence_id = v.evidence_id and e.seq >= ${treeSize}`.execute(fixture.owner);
  await sql`delete from evidence where seq >= ${treeSize}`.execute(fixture.owner);
  await sql`delete from checkpoint where tree_size > ${treeSize}`.execute(fixture.owner);
}
const declareRestored = () =>
  signRestoredGap({
    db: fixture.db,
    signer: fixture.signer,
    keysDir: fixture.keysDir,
    now,
    reason: 'Backup of 1 March restored after disk failure',
  });

describe('signing', () => {
  test('an empty log has no checkpoint', async () => {
    expect(await fixture.checkpoint()).toEqual({ outcome: 'unchanged', checkpoint: null });
    expect(await fixture.verify()).toMatchObject({ isSound: true, checkpointAgeSeconds: null, checkpointedSize: 0 });
  });

  test('the checkpoint carries the root over all records, signed, in the file and in the database', async () => {
    const appended = await fixture.appendMany(7);
    const checkpoint = await fixture.signedCheckpoint();
    const root = merkleRoot(appended.map(({ leafHash }) => Buffer.from(leafHash, 'hex'))).toString('hex');
    expect(checkpoint).toMatchObject({ treeSize: 7, rootHash: root, at: startedAt.toISOString() });
    expect(isSignedCheckpoint(openVerifier(fixture.keysDir), checkpoint)).toBe(true);
    expect(latestCheckpoint(fixture.keysDir)).toEqual(checkpoint);
    const rows = await fixture.owner.selectFrom('checkpoint').selectAll().execute();
    expect(rows).toMatchObject([{ tree_size: '7', root_hash: root, signature: checkpoint.signature }]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test('a log that did not grow is not signed again', async () => {
    await fixture.appendMany(3);
    const checkpoint = await fixture.signedCheckpoint();
    expect(await fixture.checkpoint()).toEqual({ outcome: 'unchanged', checkpoint });
    expect(readCheckpointFile(fixture.keysDir).entries).toHaveLength(1);
  });

  test('a running checkpointer and one that has just started sign the same roots', async () => {
    const long = running();
    for (const count of [1, 2, 5, 9]) {
      const appended = await fixture.appendMany(count);
      const signed = count % 2 === 1 ? await long.checkpoint() : await fixture.checkpoint();
      expect(signed).toMatchObject({ outcome: 'signed', checkpoint: { treeSize: (appended.at(-1)?.seq ?? 0) + 1 } });
    }
    expect((await fixture.verify()).isSound).toBe(true);
  });

  test('two servers that sign at once write one line', async () => {
    await fixture.appendMany(4);
    const outcomes = await Promise.all([running().checkpoint(), running().checkpoint()]);
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['signed', 'unchanged']);
    expect(readCheckpointFile(fixture.keysDir).entries).toHaveLength(1);
  });

  test('what was appended after the checkpoint is not promised, and its age says how long', async () => {
    await fixture.appendMany(4);
    await fixture.checkpoint();
    await fixture.appendMany(2);
    const later = new Date(startedAt.getTime() + 90_000);
    expect(await fixture.verify(later)).toMatchObject({
      isSound: true,
      treeSize: 6,
      checkpointedSize: 4,
      checkpointAgeSeconds: 90,
    });
  });
});

describe('crashes', () => {
  test('a row that a crash lost is written by the next call', async () => {
    await fixture.appendMany(3);
    await fixture.checkpoint();
    await sql`delete from checkpoint`.execute(fixture.owner);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'unchanged' });
    expect(await fixture.owner.selectFrom('checkpoint').select('tree_size').execute()).toEqual([{ tree_size: '3' }]);
  });

  test('a half-written line does not count and is replaced', async () => {
    await fixture.appendMany(3);
    await fixture.checkpoint();
    appendFileSync(file(), '{"entry":"checkpoint","treeSize":4,"rootH');
    expect((await fixture.verify()).isSound).toBe(true);
    await fixture.appendMany(2);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'signed', checkpoint: { treeSize: 5 } });
    expect(readFileSync(file(), 'utf8').split('\n')).toHaveLength(3);
    expect(await fixture.verify()).toMatchObject({ isSound: true, checkpointedSize: 5 });
  });

  test('a record that was edited before it was signed is refused, not signed', async () => {
    await fixture.appendMany(3);
    await fixture.checkpoint();
    await fixture.appendMany(3);
    await sql`update evidence set kind = 'decided' where seq = 4`.execute(fixture.owner);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'recordEdited', seq: 4 } });
    expect(readCheckpointFile(fixture.keysDir).entries).toHaveLength(1);
  });

  test('a hole in what is new is refused, not signed', async () => {
    await fixture.appendMany(6);
    await sql`truncate evidence_value`.execute(fixture.owner);
    await sql`delete from evidence where seq in (3, 4)`.execute(fixture.owner);
    expect(await fixture.checkpoint()).toMatchObject({
      outcome: 'refused',
      finding: { code: 'recordMissing', seq: 3 },
    });
  });

  test.each([
    ['another hash', '0'.repeat(64)],
    ['no hex', `${'a'.repeat(60)}zzzz`],
    ['no ASCII', 'é'.repeat(32)],
    ['nothing', ''],
  ])('a leaf hash below the checkpoint that was set to %s is refused at the next start', async (_, leafHash) => {
    await fixture.appendMany(6);
    await fixture.checkpoint();
    await fixture.owner.updateTable('evidence').set({ leaf_hash: leafHash }).where('seq', '=', '2').execute();
    await fixture.appendMany(1);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'logDiffers', seq: 0 } });
  });

  test('a hole below the checkpoint is refused at the next start, with its place', async () => {
    await fixture.appendMany(6);
    await fixture.checkpoint();
    await sql`truncate evidence_value`.execute(fixture.owner);
    await sql`delete from evidence where seq = 3`.execute(fixture.owner);
    expect(await fixture.checkpoint()).toMatchObject({
      outcome: 'refused',
      finding: { code: 'recordMissing', seq: 3 },
    });
  });
});

describe('a restored older database', () => {
  test('is found by verify and is not signed over, neither at start nor by a running server', async () => {
    const long = running();
    await fixture.appendMany(5);
    await long.checkpoint();
    await fixture.appendMany(5);
    await long.checkpoint();
    await restoreTo(7);
    const finding = { code: 'logCut', seq: 7 };
    expect(await fixture.verify()).toMatchObject({ isSound: false, findings: [finding] });
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding });
    expect(await long.checkpoint()).toMatchObject({ outcome: 'refused', finding });
  });

  test('is found although it has grown past the signed size again', async () => {
    const long = running();
    await fixture.appendMany(10);
    await long.checkpoint();
    await restoreTo(7);
    await fixture.appendMany(20);
    expect(await long.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'logDiffers' } });
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'refused', finding: { code: 'logDiffers' } });
    expect(await fixture.verify()).toMatchObject({ isSound: false, findings: [{ code: 'logDiffers', seq: 0 }] });
  });

  test('is signed as a gap once a person declares it, and the log goes on', async () => {
    await fixture.appendMany(5);
    await fixture.checkpoint();
    await fixture.appendMany(5);
    await fixture.checkpoint();
    await restoreTo(7);
    await fixture.appendMany(1);
    expect(await declareRestored()).toMatchObject({
      outcome: 'signed',
      gap: { treeSize: 8, keptTreeSize: 5, lostTreeSize: 10 },
    });
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'signed', checkpoint: { treeSize: 8 } });
    await fixture.appendMany(4);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'signed', checkpoint: { treeSize: 12 } });
    const verified = await fixture.verify();
    expect(verified).toMatchObject({ isSound: true, checkpointedSize: 12, findings: [] });
    expect(verified.gaps).toMatchObject([{ keptTreeSize: 5, reason: 'Backup of 1 March restored after disk failure' }]);
  });

  test('is signed as a gap down to nothing when no signed record is left', async () => {
    await fixture.appendMany(5);
    await fixture.checkpoint();
    await restoreTo(0);
    expect(await declareRestored()).toMatchObject({ outcome: 'signed', gap: { treeSize: 0, keptTreeSize: 0 } });
    await fixture.appendMany(2);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'signed', checkpoint: { treeSize: 2 } });
    expect((await fixture.verify()).isSound).toBe(true);
  });

  test('can be restored twice', async () => {
    for (const size of [4, 6]) {
      await fixture.appendMany(10);
      await fixture.checkpoint();
      await restoreTo(size);
      expect(await declareRestored()).toMatchObject({ outcome: 'signed', gap: { treeSize: size } });
    }
    await fixture.checkpoint();
    expect(await fixture.verify()).toMatchObject({ isSound: true, checkpointedSize: 6, gaps: [{}, {}] });
  });

  test('a forged gap line is found and takes nothing back', async () => {
    await fixture.appendMany(10);
    await fixture.checkpoint();
    await restoreTo(5);
    const forged = {
      treeSize: 5,
      rootHash: '0'.repeat(64),
      at: startedAt.toISOString(),
      keptTreeSize: 5,
      lostTreeSize: 10,
    };
    const line = { entry: 'gap', ...forged, reason: 'x', keyId: fixture.signer.keyId, signature: 'AAAA' };
    appendFileSync(file(), `${JSON.stringify(line)}\n`);
    const { findings } = await fixture.verify();
    expect(findings.map(({ code }) => code)).toEqual(['checkpointForged', 'logCut']);
  });

  test('a log without a gap gets none', async () => {
    await fixture.appendMany(5);
    await fixture.checkpoint();
    await fixture.appendMany(2);
    expect(await declareRestored()).toEqual({ outcome: 'noGap' });
  });

  test('a damaged log is not signed as a restored one', async () => {
    await fixture.appendMany(5);
    await fixture.checkpoint();
    await sql`update evidence set kind = 'decided' where seq = 2`.execute(fixture.owner);
    expect(await declareRestored()).toMatchObject({ outcome: 'refused', finding: { code: 'recordEdited', seq: 2 } });
  });
});
