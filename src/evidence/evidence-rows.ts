/**
 * Reads the log in pages, in the order of the tree. Time stamps are read as text with microseconds: as a JavaScript
 * date an edit below a millisecond would not show.
 */
import { sql } from 'kysely';
import type { Db, Tx } from '../store/db.ts';
import type { EvidenceRecord, JsonObject } from './evidence-record.ts';
import { HASH_BYTES } from './merkle.ts';

/** A stored record with the leaf hash that the database claims for it. */
export interface StoredEvidence {
  record: EvidenceRecord;
  leafHash: string;
  value: { personId: string; sealed: Buffer } | null;
}

export interface PageRange {
  /** First place to read; from the very first row, even below zero, when left out. */
  fromSeq?: number;
  /** First place that is no longer read. */
  untilSeq?: number;
  caseId?: string;
}

const PAGE_SIZE = 1_000;
const LEAF_PAGE_SIZE = 20_000;

/** Yields pages of stored records with their sealed values, by ascending place. */
export async function* readEvidencePages(db: Db | Tx, range: PageRange = {}): AsyncGenerator<StoredEvidence[]> {
  let after: string | null = null;
  for (;;) {
    const rows: Awaited<ReturnType<typeof readPage>> = await readPage(db, range, after);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(toStored);
    after = last.seq;
  }
}

function readPage(db: Db | Tx, range: PageRange, after: string | null) {
  let query = db
    .selectFrom('evidence as e')
    .leftJoin('evidence_value as v', 'v.evidence_id', 'e.evidence_id')
    .select(['e.seq', 'e.evidence_id', 'e.operation_key', 'e.kind', 'e.person_id', 'e.case_id', 'e.body'])
    .select(['e.commitment', 'e.content_digest', 'e.leaf_hash', 'v.person_id as value_person_id', 'v.sealed'])
    .select(isoText.as('at_text'))
    .orderBy('e.seq')
    .limit(PAGE_SIZE);
  if (after !== null) query = query.where('e.seq', '>', after);
  if (range.fromSeq !== undefined) query = query.where('e.seq', '>=', String(range.fromSeq));
  if (range.untilSeq !== undefined) query = query.where('e.seq', '<', String(range.untilSeq));
  if (range.caseId !== undefined) query = query.where('e.case_id', '=', range.caseId);
  return query.execute();
}

// An infinite time has no such text; its own name then stands in a record that fits no hash.
const isoText = sql<string>`coalesce(to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.at::text)`;

function toStored(row: Awaited<ReturnType<typeof readPage>>[number]): StoredEvidence {
  const { sealed, value_person_id: valuePersonId } = row;
  return {
    record: {
      seq: Number(row.seq),
      evidenceId: row.evidence_id,
      operationKey: row.operation_key,
      kind: row.kind,
      personId: row.person_id,
      caseId: row.case_id,
      at: row.at_text.replace(/000Z$/, 'Z'),
      body: row.body as JsonObject,
      commitment: row.commitment,
      contentDigest: row.content_digest,
    },
    leafHash: row.leaf_hash,
    value: sealed && valuePersonId ? { personId: valuePersonId, sealed } : null,
  };
}

/** Leaf hashes of consecutive places, 32 bytes each; or the first place that has no record. */
export type LeafPage = { isWhole: true; leafHashes: Buffer } | { isWhole: false; missingSeq: number };

/**
 * Yields the stored leaf hashes below `untilSeq`, or below the end of the log, from the first place on, and stops at a
 * hole. One row for a whole page: a million leaves are read in seconds. It trusts the column: whoever needs the records
 * checked reads {@link readEvidencePages}.
 */
export async function* readLeafHashes(db: Db | Tx, untilSeq: number): AsyncGenerator<LeafPage> {
  const end = Math.min(untilSeq, await readTreeSize(db));
  for (let start = 0; start < end; start += LEAF_PAGE_SIZE) {
    const stop = Math.min(start + LEAF_PAGE_SIZE, end);
    // 64 ASCII characters a place, whatever the column was set to; a regular expression would cost ten times the rest.
    const { rows } = await sql<{ text: string | null }>`
      select string_agg(case when length(leaf_hash) = 64 and octet_length(leaf_hash) = 64 then leaf_hash
        else repeat('0', 64) end, '' order by seq) as text
      from evidence where seq >= ${start} and seq < ${stop}`.execute(db);
    const text = rows[0]?.text ?? '';
    if (text.length !== (stop - start) * 2 * HASH_BYTES) {
      yield { isWhole: false, missingSeq: await firstMissing(db, start, stop) };
      return;
    }
    const leafHashes = hashesFromHex(text);
    yield { isWhole: true, leafHashes };
  }
}

/** What is not hex is filled with zeros: a hash that matches nothing. */
function hashesFromHex(text: string): Buffer {
  const bytes = Buffer.from(text, 'hex');
  if (bytes.length * 2 === text.length) return bytes;
  const hashes = text.match(/.{64}/gs) ?? [];
  return Buffer.concat(
    hashes.map((hash) => Buffer.concat([Buffer.from(hash, 'hex'), Buffer.alloc(HASH_BYTES)], HASH_BYTES)),
  );
}

async function firstMissing(db: Db | Tx, start: number, stop: number): Promise<number> {
  const { rows } = await sql<{ missing: string | null }>`
    select min(place) as missing from generate_series(${start}::bigint, ${stop - 1}::bigint) place
    where not exists (select from evidence where seq = place)`.execute(db);
  return Number(rows[0]?.missing ?? start);
}

/** Number of places the log claims to have: one more than its last. */
export async function readTreeSize(db: Db | Tx): Promise<number> {
  const last = await db.selectFrom('evidence').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return last ? Number(last.seq) + 1 : 0;
}
