/** Rows of people who are taken over from a file: who is known already, and writing many at once. */
import { sql } from 'kysely';
import { lockClass, type Db, type Tx } from './db.ts';
import { sealSnapshot, type SnapshotRow } from './people.ts';
import type { PersonVault } from './person-vault.ts';
import type { Signer } from './signing-key.ts';
import type { Snapshot } from '../schemas/facts.ts';

export interface ImportedSource {
  source: string;
  keysOf: string | null;
}

/** The sources that people were imported from. */
export async function importedSources(db: Db | Tx): Promise<ImportedSource[]> {
  const rows = await db.selectFrom('import_source').select(['source', 'keys_of']).orderBy('source').execute();
  return rows.map((row) => ({ source: row.source, keysOf: row.keys_of }));
}

/** Whose facts count for a key: nobody's yet, the file's, the HR system's, or nobody's any more. */
export type KeyOwner =
  | { kind: 'new' }
  | { kind: 'imported'; personId: string }
  /** The HR system knows the person; `isLinked`: under this source too. */
  | { kind: 'hris'; personId: string; isLinked: boolean }
  | { kind: 'erased' };

/** One owner per key, in the order of `keys`. */
export async function ownersOfKeys(
  db: Db | Tx,
  vault: PersonVault,
  { source, keysOf }: ImportedSource,
  keys: readonly string[],
): Promise<KeyOwner[]> {
  const links = await db
    .selectFrom('identity_link')
    .select(['source', 'source_key', 'person_id', 'valid_to'])
    .where('source', 'in', keysOf === null ? [source] : [source, keysOf])
    .where(sql<boolean>`source_key = any(${keys}::text[])`)
    .execute();
  const own = new Map<string, string>();
  const others = new Map<string, string>();
  const past = new Map<string, string>();
  for (const link of links) {
    if (link.valid_to !== null) past.set(link.source_key, link.person_id);
    else (link.source === source ? own : others).set(link.source_key, link.person_id);
  }
  const hrisPeople = await withHrisLink(db, [...own.values()], source);
  const erased = new Set(vault.erasedPersonIds());
  return keys.map((key): KeyOwner => {
    const ownId = own.get(key);
    const hrisId = others.get(key) ?? (ownId !== undefined && hrisPeople.has(ownId) ? ownId : undefined);
    const personId = hrisId ?? ownId;
    if (personId === undefined) return isErasedKey(past.get(key), erased) ? { kind: 'erased' } : { kind: 'new' };
    if (erased.has(personId)) return { kind: 'erased' };
    if (hrisId !== undefined) return { kind: 'hris', personId: hrisId, isLinked: ownId !== undefined };
    return { kind: 'imported', personId };
  });
}

function isErasedKey(personId: string | undefined, erased: ReadonlySet<string>): boolean {
  return personId !== undefined && erased.has(personId);
}

/** Those of the people who are linked to a source that is no file. */
async function withHrisLink(db: Db | Tx, personIds: string[], source: string): Promise<Set<string>> {
  if (personIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('identity_link as l')
    .leftJoin('import_source as i', 'i.source', 'l.source')
    .select('l.person_id')
    .where(sql<boolean>`l.person_id = any(${personIds}::uuid[])`)
    .where('l.source', '!=', source)
    .where('i.source', 'is', null)
    .where('l.valid_to', 'is', null)
    .execute();
  return new Set(rows.map((row) => row.person_id));
}

/** Locks the keys of the HR system, so that nobody derives the same people at the same time. Until the transaction ends. */
export async function lockKeys(tx: Tx, source: string, keys: readonly string[]): Promise<void> {
  const names = keys.map((key) => `${source}/${key}`).toSorted();
  await sql`select pg_advisory_xact_lock(${lockClass.sourceKey}, h) from
    (select distinct hashtext(k) as h from unnest(${names}::text[]) as k order by h) as ordered`.execute(tx);
}

export type ImportedSpell = 'open' | 'ended' | 'none';

export interface NewPerson {
  personId: string;
  sourceKey: string;
  spell: ImportedSpell;
  snapshot: Snapshot;
}

/** Writes people with link, spell and signed snapshot: they were there before Usher, so that no case opens. */
export async function insertImported(
  tx: Tx,
  keys: { vault: PersonVault; signer: Signer },
  source: string,
  people: readonly NewPerson[],
  now: Date,
): Promise<void> {
  if (people.length === 0) return;
  await tx
    .insertInto('person')
    .values(
      people.map(({ personId, spell }) => ({
        person_id: personId,
        created_at: now,
        last_n: spell === 'none' ? 0 : 1,
        fence: spell === 'none' ? 0 : 1,
        spell_n: spell === 'none' ? null : 1,
        spell_state: spell,
      })),
    )
    .execute();
  await insertLinks(
    tx,
    source,
    people.map(({ personId, sourceKey }) => ({ personId, sourceKey })),
    now,
  );
  await insertSnapshots(
    tx,
    keys,
    people.map(({ snapshot }) => snapshot),
  );
}

export async function insertLinks(
  tx: Tx,
  source: string,
  links: readonly { personId: string; sourceKey: string }[],
  now: Date,
): Promise<void> {
  if (links.length === 0) return;
  await tx
    .insertInto('identity_link')
    .values(links.map((link) => ({ source, source_key: link.sourceKey, person_id: link.personId, valid_from: now })))
    .execute();
}

export async function insertSnapshots(
  tx: Tx,
  keys: { vault: PersonVault; signer: Signer },
  snapshots: readonly Snapshot[],
): Promise<void> {
  if (snapshots.length === 0) return;
  await tx
    .insertInto('snapshot')
    .values(snapshots.map((snapshot) => sealSnapshot(keys, snapshot)))
    .execute();
}

/** The latest snapshot row of each of many people. */
export async function latestSnapshotRows(db: Db | Tx, personIds: readonly string[]): Promise<Map<string, SnapshotRow>> {
  if (personIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('snapshot')
    .selectAll()
    .distinctOn('person_id')
    .where(sql<boolean>`person_id = any(${personIds}::uuid[])`)
    .orderBy('person_id')
    .orderBy('observed_at', 'desc')
    .orderBy('snapshot_id', 'desc')
    .execute();
  return new Map(rows.map((row) => [row.person_id, row]));
}

/**
 * The person whom a file brought under the key that an HR system now names for the first time: from here on the HR
 * system speaks for them. Null when no file did, or the files disagree.
 */
export async function adoptImported(tx: Tx, hris: string, sourceKey: string, now: Date): Promise<string | null> {
  const rows = await tx
    .selectFrom('identity_link as l')
    .innerJoin('import_source as i', 'i.source', 'l.source')
    .select('l.person_id')
    .where('i.keys_of', '=', hris)
    .where('l.source_key', '=', sourceKey)
    .where('l.valid_to', 'is', null)
    .execute();
  const personIds = new Set(rows.map((row) => row.person_id));
  const [personId] = personIds;
  if (personId === undefined || personIds.size > 1) return null;
  await insertLinks(tx, hris, [{ personId, sourceKey }], now);
  return personId;
}
