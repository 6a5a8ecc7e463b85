/** Persons, their identity links and their snapshots. Snapshots are signed by the server and sealed under the person's key. */
import type { PersonFacts, Snapshot } from '../schemas/facts.ts';
import type { Db, Tx } from './db.ts';
import type { PersonVault } from './person-vault.ts';
import { sha256Hex } from './sha256.ts';
import type { Signer, Verifier } from './signing-key.ts';
import type { PersonTable, SnapshotTable } from './tables.ts';
import { uuidV7 } from './uuid.ts';
import type { Selectable } from 'kysely';

export type PersonRow = Selectable<PersonTable>;
export type SnapshotRow = Selectable<SnapshotTable>;

/** The person behind a key that is valid now, or null. */
export async function findPersonByKey(db: Db | Tx, source: string, sourceKey: string): Promise<PersonRow | null> {
  const row = await db
    .selectFrom('identity_link as l')
    .innerJoin('person as p', 'p.person_id', 'l.person_id')
    .selectAll('p')
    .where('l.source', '=', source)
    .where('l.source_key', '=', sourceKey)
    .where('l.valid_to', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

export async function getPerson(db: Db | Tx, personId: string): Promise<PersonRow | null> {
  return (await db.selectFrom('person').selectAll().where('person_id', '=', personId).executeTakeFirst()) ?? null;
}

/** Mints a person with an open identity link. The caller holds the lock on the source key. */
export async function createPerson(tx: Tx, source: string, sourceKey: string, now: Date): Promise<PersonRow> {
  const row = await tx
    .insertInto('person')
    .values({ person_id: uuidV7(now), spell_n: null, created_at: now })
    .returningAll()
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('identity_link')
    .values({ source, source_key: sourceKey, person_id: row.person_id, valid_from: now })
    .execute();
  return row;
}

/**
 * All HRIS keys of a person, valid or past: each may stand in a system as correlation key. Ids of a file that are those of
 * no HR system are left out: in the systems the same number may be somebody else's.
 */
export async function sourceKeysOf(db: Db | Tx, personId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('identity_link as l')
    .leftJoin('import_source as i', 'i.source', 'l.source')
    .select('l.source_key')
    .where('l.person_id', '=', personId)
    .where((eb) => eb.or([eb('i.source', 'is', null), eb('i.keys_of', 'is not', null)]))
    .execute();
  return [...new Set(rows.map((row) => row.source_key))];
}

/** `<source>/<key>` references to person ids; what nobody answers to is left out. */
export async function resolvePersonRefs(db: Db | Tx, refs: Iterable<string>): Promise<Map<string, string>> {
  const wanted = [...new Set(refs)];
  if (wanted.length === 0) return new Map();
  const rows = await db
    .selectFrom('identity_link')
    .select(['source', 'source_key', 'person_id'])
    .where('valid_to', 'is', null)
    .where(
      'source_key',
      'in',
      wanted.map((ref) => ref.slice(ref.indexOf('/') + 1)),
    )
    .execute();
  const found = new Map(rows.map((row) => [`${row.source}/${row.source_key}`, row.person_id]));
  return new Map(
    wanted.flatMap((ref) => {
      const personId = found.get(ref);
      return personId === undefined ? [] : [[ref, personId] as const];
    }),
  );
}

function snapshotDocument(row: Omit<SnapshotRow, 'key_id' | 'signature' | 'facts_sealed'>): unknown {
  return {
    snapshotId: row.snapshot_id,
    personId: row.person_id,
    source: row.source,
    sourceKey: row.source_key,
    observedAt: row.observed_at.toISOString(),
    factsDigest: row.facts_digest,
    accessFrom: row.access_from.toISOString(),
    startsAt: row.starts_at.toISOString(),
    accessUntil: row.access_until?.toISOString() ?? null,
    zone: row.zone,
  };
}

/** Seals, signs and stores a snapshot. */
export async function insertSnapshot(
  tx: Tx,
  keys: { vault: PersonVault; signer: Signer },
  snapshot: Snapshot,
): Promise<void> {
  await tx.insertInto('snapshot').values(sealSnapshot(keys, snapshot)).execute();
}

/** The row of a snapshot, sealed and signed. */
export function sealSnapshot(keys: { vault: PersonVault; signer: Signer }, snapshot: Snapshot): SnapshotRow {
  const sealed = keys.vault.seal(snapshot.personId, snapshot.facts);
  const row = {
    snapshot_id: snapshot.snapshotId,
    person_id: snapshot.personId,
    source: snapshot.source,
    source_key: snapshot.facts.sourceKey,
    observed_at: new Date(snapshot.observedAt),
    facts_digest: sha256Hex(sealed),
    access_from: new Date(snapshot.window.from),
    starts_at: new Date(snapshot.window.startsAt),
    access_until: snapshot.window.until ? new Date(snapshot.window.until) : null,
    zone: snapshot.window.zone,
  };
  const { keyId, signature } = keys.signer.sign('snapshot', snapshotDocument(row));
  return { ...row, facts_sealed: sealed, key_id: keyId, signature };
}

/** The latest snapshots of a person, newest first. Rows as they stand: open them to trust them. */
export async function recentSnapshotRows(db: Db | Tx, personId: string, max: number): Promise<SnapshotRow[]> {
  return db
    .selectFrom('snapshot')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('observed_at', 'desc')
    .orderBy('snapshot_id', 'desc')
    .limit(max)
    .execute();
}

export async function latestSnapshotRow(db: Db | Tx, personId: string): Promise<SnapshotRow | null> {
  return (await recentSnapshotRows(db, personId, 1))[0] ?? null;
}

/**
 * Opens a snapshot row. Null when the person was erased. Throws when the row does not carry the server's signature:
 * nothing may be decided on facts that somebody else wrote.
 */
export function openSnapshot(row: SnapshotRow, keys: { vault: PersonVault; verifier: Verifier }): Snapshot | null {
  const isSigned = keys.verifier.verify('snapshot', snapshotDocument(row), {
    keyId: row.key_id,
    signature: row.signature,
  });
  if (!isSigned) throw new Error(`snapshot ${row.snapshot_id} is not signed by the server`);
  if (keys.vault.isErased(row.person_id)) return null;
  if (sha256Hex(row.facts_sealed) !== row.facts_digest) throw new Error(`snapshot ${row.snapshot_id} was changed`);
  const facts = keys.vault.open<PersonFacts>(row.person_id, row.facts_sealed);
  if (!facts) return null;
  return {
    snapshotId: row.snapshot_id as Snapshot['snapshotId'],
    personId: row.person_id as Snapshot['personId'],
    source: row.source,
    observedAt: row.observed_at.toISOString(),
    window: {
      zone: row.zone,
      from: row.access_from.toISOString(),
      startsAt: row.starts_at.toISOString(),
      until: row.access_until?.toISOString() ?? null,
    },
    facts,
  };
}

/** The latest facts of a person, verified; null for an unknown or erased person. */
export async function latestSnapshot(
  db: Db | Tx,
  keys: { vault: PersonVault; verifier: Verifier },
  personId: string,
): Promise<Snapshot | null> {
  const row = await latestSnapshotRow(db, personId);
  return row ? openSnapshot(row, keys) : null;
}
