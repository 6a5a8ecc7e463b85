/** A case leaves the installation as one file and is verified without it. */
import { createHash, createHmac, verify, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import canonicalize from 'canonicalize';
import { bundleHashOf } from '../../src/evidence/evidence-record.ts';
import type { CaseBundle } from '../../src/schemas/evidence.ts';
import { exportCase, type ExportOutcome } from '../../src/evidence/export.ts';
import { verifyExport } from '../../src/evidence/verify-export.ts';
import { openSigner } from '../../src/store/signing-key.ts';
import { addPerson, aRecord, createEvidenceFixture, startedAt, type EvidenceFixture } from './evidence-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let database: TestDatabase;
let fixture: EvidenceFixture;
let personId: string;
let caseId: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  fixture = await createEvidenceFixture(database);
  personId = await addPerson(fixture.db);
  caseId = `case_${personId}_1`;
  const times = { effective_at: startedAt, opened_at: startedAt };
  await fixture.db
    .insertInto('usher_case')
    .values({ person_id: personId, n: 1, case_id: caseId, kind: 'joiner', spell_n: 1, ...times })
    .execute();
  await fixture.appendMany(3);
  await fixture.append(aRecord({ personId, caseId }));
  await fixture.appendMany(4);
  await fixture.append(aRecord({ personId, caseId, kind: 'caseClosed', values: null }));
  await fixture.appendMany(2);
});
afterEach(() => fixture.close());

async function attempt(): Promise<ExportOutcome> {
  const { db, vault, signer, keysDir } = fixture;
  const checkpoint = await fixture.signedCheckpoint();
  const histories = { [caseId]: { events: [{ eventId: '1' }] } };
  return exportCase({ db, vault, signer, keysDir, caseId, checkpoint, histories, now: startedAt });
}
async function exported(): Promise<CaseBundle> {
  const result = await attempt();
  if (result.outcome !== 'exported') throw new Error(result.outcome);
  // Through text and back, as the file on the auditor's disk.
  return JSON.parse(JSON.stringify(result.bundle)) as CaseBundle;
}
const trustedKeys = (): Record<string, string> => {
  const { keyId } = openSigner(fixture.keysDir);
  return { [keyId]: readFileSync(join(fixture.keysDir, 'public', `${keyId}.pem`), 'utf8') };
};
/** Signs a changed bundle again with the real key: only the tree can tell then. */
function resigned(bundle: CaseBundle): CaseBundle {
  const { bundleHash: _, signature: __, ...content } = bundle;
  const bundleHash = bundleHashOf(content);
  return { ...content, bundleHash, signature: fixture.signer.sign('export', { bundleHash }) };
}
const codes = (bundle: unknown): string[] => verifyExport(bundle, trustedKeys()).findings.map(({ code }) => code);

describe('an exported case', () => {
  test('holds the records of the case and no other, with opened values, histories and public keys', async () => {
    const bundle = await exported();
    expect(bundle.records.map(({ record }) => record.seq)).toEqual([3, 8]);
    expect(bundle.records[0]?.opened?.values).toEqual({ displayName: 'Zoë Ångström', login: 'zoe' });
    expect(bundle.records[1]?.opened).toBeNull();
    expect(bundle).toMatchObject({ format: 'usher-case/1', case: { caseId, kind: 'joiner' }, laterRecords: 0 });
    expect(bundle.histories).toEqual({ [caseId]: { events: [{ eventId: '1' }] } });
    expect(bundle.publicKeys).toEqual(trustedKeys());
  });

  test('is verified offline with keys obtained in another way', async () => {
    expect(verifyExport(await exported(), trustedKeys())).toMatchObject({
      isSound: true,
      isKeyTrusted: true,
      recordCount: 2,
      caseId,
      checkpoint: { treeSize: 11 },
    });
  });

  test('is verified under its own keys only with fingerprints to compare', async () => {
    const result = verifyExport(await exported());
    expect(result).toMatchObject({ isSound: true, isKeyTrusted: false });
    expect(Object.values(result.keyFingerprints)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  test('holds no values of an erased person and is verified all the same', async () => {
    fixture.vault.erase(personId, startedAt);
    const bundle = await exported();
    expect(bundle.records.map(({ opened }) => opened)).toEqual([null, null]);
    expect(verifyExport(bundle, trustedKeys()).isSound).toBe(true);
  });

  test('says how many records came after the checkpoint', async () => {
    const { db, vault, signer, keysDir } = fixture;
    const checkpoint = await fixture.signedCheckpoint();
    await fixture.append(aRecord({ personId, caseId }));
    const result = await exportCase({ db, vault, signer, keysDir, caseId, checkpoint, histories: {}, now: startedAt });
    expect(result).toMatchObject({ outcome: 'exported', bundle: { laterRecords: 1, records: [{}, {}] } });
  });

  test('of an unknown case is not found', async () => {
    caseId = 'case_unknown';
    expect(await attempt()).toEqual({ outcome: 'notFound' });
  });

  test('is not made from a log that differs from the checkpoint', async () => {
    const { db, vault, signer, keysDir, owner } = fixture;
    const checkpoint = await fixture.signedCheckpoint();
    await owner
      .updateTable('evidence')
      .set({ leaf_hash: '0'.repeat(64) })
      .where('seq', '=', '1')
      .execute();
    const result = await exportCase({ db, vault, signer, keysDir, caseId, checkpoint, histories: {}, now: startedAt });
    expect(result).toMatchObject({ outcome: 'inconsistent', finding: { code: 'logDiffers' } });
  });
});

const sha256 = (...parts: (string | Buffer)[]): Buffer =>
  parts.reduce<Hash>((hash, part) => hash.update(part), createHash('sha256')).digest();

describe('the recipe of the audit guide', () => {
  test('leads from every record to the signed root with nothing but SHA-256, Ed25519 and canonical JSON', async () => {
    const { records, checkpoint, bundleHash, signature, ...rest } = await exported();
    const isSigned = (purpose: string, document: unknown, by: { keyId: string; signature: string }): boolean => {
      const bytes = Buffer.from(`usher/1/${purpose}\n${canonicalize(document)}`);
      return verify(null, bytes, trustedKeys()[by.keyId] ?? '', Buffer.from(by.signature, 'base64url'));
    };
    for (const { record, inclusionProof, opened } of records) {
      let [index, last] = [record.seq, checkpoint.treeSize - 1];
      let reached = sha256(Buffer.of(0), canonicalize(record) ?? '');
      for (const sibling of inclusionProof.map((hex) => Buffer.from(hex, 'hex'))) {
        const isRight = index % 2 === 1 || index === last;
        reached = isRight ? sha256(Buffer.of(1), sibling, reached) : sha256(Buffer.of(1), reached, sibling);
        if (isRight) while (index % 2 === 0 && index !== 0) [index, last] = [index >> 1, last >> 1];
        [index, last] = [index >> 1, last >> 1];
      }
      expect(reached.toString('hex')).toBe(checkpoint.rootHash);
      if (!opened) continue;
      const mac = createHmac('sha256', Buffer.from(opened.salt, 'base64url')).update(canonicalize(opened.values) ?? '');
      expect(mac.digest('hex')).toBe(record.commitment);
    }
    const { treeSize, rootHash, at } = checkpoint;
    expect(isSigned('checkpoint', { treeSize, rootHash, at }, checkpoint)).toBe(true);
    expect(sha256(canonicalize({ ...rest, records, checkpoint }) ?? '').toString('hex')).toBe(bundleHash);
    expect(isSigned('export', { bundleHash }, signature)).toBe(true);
  });
});

describe('a changed file', () => {
  test.each<[string, string, (bundle: CaseBundle) => void]>([
    ['record', 'recordEdited', ({ records }) => records.forEach(({ record }) => (record.body = { outcome: 'denied' }))],
    ['place', 'recordEdited', ({ records }) => records.forEach(({ record }) => (record.seq += 1))],
    ['proof', 'recordEdited', ({ records }) => records.forEach(({ inclusionProof }) => inclusionProof.reverse())],
    ['opened value', 'valueChanged', ({ records }) => records.forEach(({ opened }) => opened && (opened.values = 'x'))],
    ['salt', 'valueChanged', ({ records }) => records.forEach(({ opened }) => opened && (opened.salt = 'AAAA'))],
    ['case', 'exportChanged', (bundle) => (bundle.case.caseId = 'case_another_1')],
    ['root', 'checkpointForged', ({ checkpoint }) => (checkpoint.rootHash = '0'.repeat(64))],
    ['checkpoint signature', 'checkpointForged', ({ checkpoint }) => (checkpoint.signature = 'AAAA')],
  ])('another %s is found even when the file was signed again', async (_, code, change) => {
    const bundle = await exported();
    change(bundle);
    expect(codes(resigned(bundle))).toContain(code);
    expect(codes(bundle)).toContain('exportChanged');
  });

  test('a left-out record is found', async () => {
    const bundle = await exported();
    expect(codes({ ...bundle, records: bundle.records.slice(1) })).toEqual(['exportChanged']);
  });

  test('another history is found', async () => {
    expect(codes({ ...(await exported()), histories: {} })).toEqual(['exportChanged']);
  });

  test('a file signed by a stranger with keys of the same name is found', async () => {
    const bundle = await exported();
    const stranger = await createEvidenceFixture(database);
    try {
      const strangerKey = readFileSync(join(stranger.keysDir, 'public', `${stranger.signer.keyId}.pem`), 'utf8');
      expect(codes({ ...bundle, publicKeys: { [fixture.signer.keyId]: strangerKey } })).toEqual(['exportChanged']);
      expect(verifyExport(bundle, { [fixture.signer.keyId]: strangerKey })).toMatchObject({
        isSound: false,
        isKeyTrusted: false,
      });
    } finally {
      await stranger.close();
    }
  });

  test.each([null, 'text', {}, { format: 'usher-case/2' }, []])('%j is no exported case', (input) => {
    expect(verifyExport(input)).toMatchObject({ isSound: false, caseId: null, findings: [{ code: 'exportChanged' }] });
  });
});
