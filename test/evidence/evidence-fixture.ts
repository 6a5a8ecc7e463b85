/** An empty log and a fresh key folder, on a database that the tests of one file share. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createCheckpointer, type CheckpointOutcome } from '../../src/evidence/checkpoint.ts';
import type { SignedCheckpoint } from '../../src/evidence/checkpoint-file.ts';
import { appendEvidence, type AppendedEvidence, type EvidenceInput } from '../../src/evidence/log.ts';
import { verifyLog, type LogVerification } from '../../src/evidence/verify.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { openPersonVault, type PersonVault } from '../../src/store/person-vault.ts';
import { openSigner, openVerifier, type Signer } from '../../src/store/signing-key.ts';
import type { TestDatabase } from '../support/test-database.ts';

export const startedAt = new Date('2026-03-02T08:00:00.000Z');

export interface EvidenceFixture {
  db: Db;
  owner: Db;
  keysDir: string;
  vault: PersonVault;
  signer: Signer;
  /** Appends and commits, as the server. */
  append(...records: EvidenceInput[]): Promise<AppendedEvidence[]>;
  /** Appends `count` records of one person. */
  appendMany(count: number, personId?: string): Promise<AppendedEvidence[]>;
  /** With a checkpointer that has just started. */
  checkpoint(): Promise<CheckpointOutcome>;
  signedCheckpoint(): Promise<SignedCheckpoint>;
  verify(now?: Date): Promise<LogVerification>;
  close(): Promise<void>;
}

/** A record whose values name a person. */
export function aRecord(overrides: Partial<EvidenceInput> = {}): EvidenceInput {
  return {
    operationKey: randomUUID(),
    kind: 'verified',
    personId: randomUUID(),
    caseId: null,
    body: { systemId: 'wiki', outcome: 'created' },
    values: { displayName: 'Zoë Ångström', login: 'zoe' },
    ...overrides,
  };
}

/** Empties the tables on the given database and opens them with a new key folder. */
export async function createEvidenceFixture(database: TestDatabase): Promise<EvidenceFixture> {
  const keysDir = mkdtempSync(join(tmpdir(), 'usher-evidence-'));
  const db = openDb(database.serverUrl, 4);
  const owner = openDb(database.ownerUrl, 2);
  await sql`truncate evidence, evidence_value, checkpoint, access_token, ledger, decision, person cascade`.execute(
    owner,
  );
  const vault = openPersonVault(keysDir);
  const signer = openSigner(keysDir);
  const now = (): Date => startedAt;
  const append: EvidenceFixture['append'] = (...records) =>
    db.transaction().execute((tx) => appendEvidence(tx, vault, records, now()));
  const checkpoint = (): Promise<CheckpointOutcome> => createCheckpointer({ db, signer, keysDir, now }).checkpoint();
  return {
    db,
    owner,
    keysDir,
    vault,
    signer,
    append,
    appendMany: (count, personId = randomUUID()) =>
      append(...Array.from({ length: count }, () => aRecord({ personId }))),
    checkpoint,
    async signedCheckpoint() {
      const result = await checkpoint();
      if (result.outcome === 'refused' || !result.checkpoint) throw new Error('there is no checkpoint');
      return result.checkpoint;
    },
    verify: (at = startedAt) => verifyLog({ db, keysDir, verifier: openVerifier(keysDir), now: () => at }),
    async close() {
      await Promise.all([db.destroy(), owner.destroy()]);
      rmSync(keysDir, { recursive: true, force: true });
    },
  };
}

/** Adds the row of a person, as the server. */
export async function addPerson(db: Db, personId: string = randomUUID()): Promise<string> {
  await db.insertInto('person').values({ person_id: personId, created_at: startedAt }).execute();
  return personId;
}
