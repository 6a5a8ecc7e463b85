/** Erasing a person for good, and that the log stays verifiable. */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eraseAgainAtStart, erasePerson } from '../../src/evidence/erase.ts';
import { addPerson, aRecord, createEvidenceFixture, startedAt, type EvidenceFixture } from './evidence-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let database: TestDatabase;
let fixture: EvidenceFixture;
let personId: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  fixture = await createEvidenceFixture(database);
  personId = await addPerson(fixture.db);
  await addSealedRows(personId);
  await fixture.append(aRecord({ personId }), aRecord());
  await fixture.checkpoint();
});
afterEach(() => fixture.close());

const signature = { key_id: 'k', signature: 's' };
const erase = () =>
  erasePerson({ db: fixture.db, vault: fixture.vault, personId, now: startedAt, reason: 'requested' });
const keyFile = (): string => join(fixture.keysDir, 'persons', `${personId}.key`);

/** A snapshot, a ledger row, a decision and a token of the person. */
async function addSealedRows(id: string): Promise<void> {
  const { db, vault } = fixture;
  const source = { source: 'bamboohr', source_key: id.slice(0, 8) };
  await db
    .insertInto('identity_link')
    .values({ ...source, person_id: id, valid_from: startedAt })
    .execute();
  const times = { observed_at: startedAt, access_from: startedAt, starts_at: startedAt, access_until: null };
  const facts = { facts_digest: 'd', zone: 'UTC', facts_sealed: vault.seal(id, { displayName: 'Zoë' }) };
  await db
    .insertInto('snapshot')
    .values({ snapshot_id: randomUUID(), person_id: id, ...source, ...times, ...facts, ...signature })
    .execute();
  const event = { event_id: randomUUID(), ...source, delivery_key: randomUUID(), digest: 'd', verdict: null };
  await db
    .insertInto('ledger')
    .values({ ...event, origin: 'poll', state: 'derived', body_sealed: vault.seal(id, {}), received_at: startedAt })
    .execute();
  const decision = {
    decision_id: randomUUID(),
    approval_id: 'a',
    person_id: id,
    spell_n: 1,
    approver_id: randomUUID(),
  };
  const reason = { reason_sealed: vault.seal(id, 'is on leave'), reason_digest: 'd', decided_at: startedAt };
  await db
    .insertInto('decision')
    .values({ ...decision, surface: 'api', verdicts: '[]', ...reason, ...signature })
    .execute();
  const token = { token_hash: randomUUID(), person_id: id, label: 'Laptop of Zoë', scopes: [] };
  await db
    .insertInto('access_token')
    .values({ ...token, created_at: startedAt, expires_at: new Date('2027-01-01T00:00:00Z') })
    .execute();
}

async function leftOf(id: string) {
  const { owner } = fixture;
  const [snapshot, decision, ledger, token] = await Promise.all([
    owner.selectFrom('snapshot').select('facts_sealed').where('person_id', '=', id).executeTakeFirstOrThrow(),
    owner.selectFrom('decision').select('reason_sealed').where('person_id', '=', id).executeTakeFirstOrThrow(),
    owner.selectFrom('ledger').select('body_sealed').where('source_key', '=', id.slice(0, 8)).executeTakeFirstOrThrow(),
    owner
      .selectFrom('access_token')
      .select(['label', 'revoked_at'])
      .where('person_id', '=', id)
      .executeTakeFirstOrThrow(),
  ]);
  return {
    facts: snapshot.facts_sealed.length,
    reason: decision.reason_sealed,
    body: ledger.body_sealed,
    token: token.label,
    isRevoked: token.revoked_at !== null,
  };
}
const nothing = { facts: 0, reason: null, body: null, token: 'erased', isRevoked: true };

describe('erasing', () => {
  test('empties what is sealed, deletes the key, and makes the values beside the log unreadable', async () => {
    const { sealed } = await fixture.owner
      .selectFrom('evidence_value')
      .select('sealed')
      .where('person_id', '=', personId)
      .executeTakeFirstOrThrow();
    expect(fixture.vault.open(personId, sealed)).toMatchObject({ values: { login: 'zoe' } });
    expect(await erase()).toEqual({ outcome: 'erased' });
    expect(fixture.vault.open(personId, sealed)).toBeNull();
    expect(existsSync(keyFile())).toBe(false);
    expect(await leftOf(personId)).toEqual(nothing);
    const person = await fixture.owner.selectFrom('person').select('erased_at').executeTakeFirstOrThrow();
    expect(person.erased_at).toEqual(startedAt);
  });

  test('keeps verify green, at once and over the next checkpoint', async () => {
    await erase();
    expect((await fixture.verify()).findings).toEqual([]);
    expect(await fixture.checkpoint()).toMatchObject({ outcome: 'signed' });
    expect(await fixture.verify()).toMatchObject({ isSound: true, checkpointedSize: 3 });
  });

  test('is itself on the record, without personal data', async () => {
    await erase();
    const records = await fixture.owner.selectFrom('evidence').selectAll().where('kind', '=', 'erased').execute();
    expect(records).toMatchObject([
      { person_id: personId, body: { reason: 'requested', erasedBy: null }, commitment: null },
    ]);
  });

  test('repeating it changes nothing', async () => {
    await erase();
    expect(await erase()).toEqual({ outcome: 'alreadyErased' });
    const records = await fixture.owner.selectFrom('evidence').select('seq').where('kind', '=', 'erased').execute();
    expect(records).toHaveLength(1);
  });

  test('leaves other persons as they are', async () => {
    const other = await addPerson(fixture.db);
    await addSealedRows(other);
    await erase();
    expect(await leftOf(other)).toMatchObject({ token: 'Laptop of Zoë', isRevoked: false });
    expect((await leftOf(other)).facts).toBeGreaterThan(0);
  });

  test('an unknown person is not found and is not noted', async () => {
    const unknown = randomUUID();
    const { db, vault } = fixture;
    const outcome = await erasePerson({ db, vault, personId: unknown, now: startedAt, reason: 'ordered' });
    expect(outcome).toEqual({ outcome: 'notFound' });
    expect(vault.isErased(unknown)).toBe(false);
  });

  test('a key that merely disappeared is a finding, not an erasure', async () => {
    await erase();
    const kept = await fixture.owner
      .selectFrom('evidence')
      .select(['person_id', 'seq'])
      .where('seq', '=', '1')
      .executeTakeFirstOrThrow();
    rmSync(join(fixture.keysDir, 'persons', `${kept.person_id}.key`));
    expect((await fixture.verify()).findings).toMatchObject([{ code: 'keyMissing', seq: 1 }]);
  });
});

describe('erasing again at start', () => {
  const again = () => eraseAgainAtStart({ db: fixture.db, vault: fixture.vault, now: startedAt });

  test('a restored older database with the person in it is purged again, and says so', async () => {
    // The list and the missing key are in the key folder; the database is the one of before.
    fixture.vault.erase(personId, startedAt);
    expect((await leftOf(personId)).facts).toBeGreaterThan(0);
    expect(await again()).toEqual([personId]);
    expect(await leftOf(personId)).toEqual(nothing);
    const records = await fixture.owner.selectFrom('evidence').select('body').where('kind', '=', 'erased').execute();
    expect(records).toEqual([{ body: { reason: 'restored', erasedBy: null } }]);
    await fixture.checkpoint();
    expect((await fixture.verify()).isSound).toBe(true);
  });

  test('a key that came back with an older key folder is deleted again', async () => {
    await erase();
    writeFileSync(keyFile(), Buffer.alloc(32, 1));
    await again();
    expect(existsSync(keyFile())).toBe(false);
  });

  test('rows that appeared after the erasure are emptied, without a second record', async () => {
    await erase();
    const stray = { facts_sealed: Buffer.from('stray') };
    await fixture.owner.updateTable('snapshot').set(stray).where('person_id', '=', personId).execute();
    expect(await again()).toEqual([personId]);
    expect(await leftOf(personId)).toEqual(nothing);
    const records = await fixture.owner.selectFrom('evidence').select('seq').where('kind', '=', 'erased').execute();
    expect(records).toHaveLength(1);
  });

  test('does nothing when nobody is left to erase', async () => {
    expect(await again()).toEqual([]);
    await erase();
    expect(await again()).toEqual([]);
  });
});
