/**
 * Appends to the evidence log. Records get their places without a gap, under one lock that is held until the caller's
 * transaction ends: a rolled back append leaves nothing, and whoever sees a record sees all before it.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { canonicalJson } from '../domain/canonical-json.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import type { PersonVault } from '../store/person-vault.ts';
import { uuidV7 } from '../store/uuid.ts';
import {
  cleanText,
  commitmentOf,
  contentDigestOf,
  leafHashOf,
  storableJson,
  type EvidenceContent,
  type EvidenceKind,
  type EvidenceRecord,
  type Json,
  type JsonObject,
  type SaltedValues,
} from './evidence-record.ts';
import { readTreeSize } from './evidence-rows.ts';

export interface EvidenceInput {
  /** Names one operation; a retry brings the same key. Few records share one. */
  operationKey: string;
  kind: EvidenceKind;
  personId: string | null;
  caseId: string | null;
  /** No personal data: it outlives erasure. */
  body: Readonly<Record<string, unknown>>;
  /** Personal data of `personId`, or null. */
  values: unknown;
}

export interface AppendedEvidence {
  evidenceId: string;
  seq: number;
  leafHash: string;
  /** True when this content was there already; the other fields are then those of the existing record. */
  isRepeat: boolean;
}

interface Draft {
  content: EvidenceContent;
  /** Equal for two drafts that differ in values only. */
  contentKey: string;
  values: Json;
  hasValues: boolean;
}

interface Known {
  evidenceId: string;
  seq: number;
  leafHash: string;
  /** Canonical values; null when it has none; undefined when they can no longer be read. */
  valuesJson: string | null | undefined;
}

/** PostgreSQL takes 65,535 parameters in one statement. */
const ROWS_PER_STATEMENT = 1_000;

/**
 * Appends records in the order given and returns one result each. Takes the log's lock until the transaction ends:
 * append LAST, so that others wait for a commit and not for work. The transaction must be READ COMMITTED; under a
 * stricter level an append that waited fails on the primary key. Repeating an append is harmless: the same content under the same
 * operation key and kind is the existing record. Values of an erased person are dropped; the record is still made.
 * Throws TypeError for values without a person.
 */
export async function appendEvidence(
  tx: Tx,
  vault: PersonVault,
  records: readonly EvidenceInput[],
  now: Date,
): Promise<AppendedEvidence[]> {
  if (records.length === 0) return [];
  const drafts = records.map(toDraft);
  await lockInTx(tx, 'evidence');
  const known = await findKnown(tx, vault, drafts);
  const firstSeq = await readTreeSize(tx);
  const isErased = rememberedErasures(vault);
  const added: NewRecord[] = [];
  const results = drafts.map((draft): AppendedEvidence => {
    const sameContent = known.get(draft.contentKey) ?? [];
    const values = draft.hasValues && draft.content.personId && !isErased(draft.content.personId) ? draft.values : null;
    const valuesJson = values === null ? null : canonicalJson(values);
    // Values of an erased person cannot be compared any more: then the content alone tells a repeat.
    const isWithheld = draft.hasValues && values === null;
    const existing = sameContent.find((other) => isWithheld || other.valuesJson === valuesJson);
    if (existing) return { ...pickPlace(existing), isRepeat: true };
    const record = newRecord(draft.content, values, firstSeq + added.length, now, vault);
    added.push(record);
    const place = { evidenceId: record.record.evidenceId, seq: record.record.seq, leafHash: record.leafHash };
    known.set(draft.contentKey, [...sameContent, { ...place, valuesJson }]);
    return { ...place, isRepeat: false };
  });
  await insertRecords(tx, added);
  return results;
}

const pickPlace = ({ evidenceId, seq, leafHash }: Known) => ({ evidenceId, seq, leafHash });

function toDraft(input: EvidenceInput): Draft {
  const hasValues = input.values !== null && input.values !== undefined;
  if (hasValues && input.personId === null) throw new TypeError('values belong to a person: personId is missing');
  const content: EvidenceContent = {
    operationKey: cleanText(input.operationKey),
    kind: input.kind,
    // As PostgreSQL writes a uuid; the hash is over what will be read.
    personId: input.personId?.toLowerCase() ?? null,
    caseId: input.caseId === null ? null : cleanText(input.caseId),
    body: storableJson(input.body) as JsonObject,
  };
  return { content, contentKey: contentKeyOf(content), values: storableJson(input.values), hasValues };
}

const contentKeyOf = (content: EvidenceContent): string => contentDigestOf(content, null);

function rememberedErasures(vault: PersonVault): (personId: string) => boolean {
  const answers = new Map<string, boolean>();
  return (personId) => {
    const answer = answers.get(personId) ?? vault.isErased(personId);
    answers.set(personId, answer);
    return answer;
  };
}

/** Existing records that a draft may repeat, by content key. */
async function findKnown(tx: Tx, vault: PersonVault, drafts: readonly Draft[]): Promise<Map<string, Known[]>> {
  const operationKeys = drafts.map(({ content }) => content.operationKey);
  const kinds = drafts.map(({ content }) => content.kind);
  const digests = drafts.map(({ contentKey }) => contentKey);
  const rows = await tx
    .selectFrom('evidence as e')
    .leftJoin('evidence_value as v', 'v.evidence_id', 'e.evidence_id')
    .select(['e.evidence_id', 'e.seq', 'e.leaf_hash', 'e.operation_key', 'e.kind', 'e.person_id', 'e.case_id'])
    .select(['e.body', 'e.commitment', 'v.sealed'])
    .where(
      sql<boolean>`(e.operation_key, e.kind) in (select * from unnest(${operationKeys}::text[], ${kinds}::text[]))`,
    )
    // The content digest of a record without values is its content key; of one with values it is not.
    .where(sql<boolean>`(e.commitment is not null or e.content_digest = any(${digests}::text[]))`)
    .orderBy('e.seq')
    .execute();
  const known = new Map<string, Known[]>();
  for (const row of rows) {
    const content: EvidenceContent = {
      operationKey: row.operation_key,
      kind: row.kind,
      personId: row.person_id,
      caseId: row.case_id,
      body: row.body as JsonObject,
    };
    const key = contentKeyOf(content);
    const valuesJson = row.commitment === null ? null : openedJson(vault, row.person_id, row.sealed);
    const entry = { evidenceId: row.evidence_id, seq: Number(row.seq), leafHash: row.leaf_hash, valuesJson };
    known.set(key, [...(known.get(key) ?? []), entry]);
  }
  return known;
}

function openedJson(vault: PersonVault, personId: string | null, sealed: Buffer | null): string | undefined {
  if (personId === null || sealed === null) return undefined;
  try {
    const opened = vault.open<SaltedValues>(personId, sealed);
    return opened ? canonicalJson(opened.values) : undefined;
  } catch {
    // Changed bytes are for `verify` to report; they must not stop the company's work.
    return undefined;
  }
}

interface NewRecord {
  record: EvidenceRecord;
  leafHash: string;
  sealed: Buffer | null;
}

function newRecord(content: EvidenceContent, values: Json, seq: number, now: Date, vault: PersonVault): NewRecord {
  const salted = values === null ? null : { salt: randomBytes(32).toString('base64url'), values };
  const commitment = salted && commitmentOf(salted);
  const record: EvidenceRecord = {
    ...content,
    seq,
    evidenceId: uuidV7(now),
    at: now.toISOString(),
    commitment,
    contentDigest: contentDigestOf(content, commitment),
  };
  const sealed = salted && content.personId ? vault.seal(content.personId, salted) : null;
  return { record, leafHash: leafHashOf(record).toString('hex'), sealed };
}

async function insertRecords(tx: Tx, added: readonly NewRecord[]): Promise<void> {
  for (let from = 0; from < added.length; from += ROWS_PER_STATEMENT) {
    const chunk = added.slice(from, from + ROWS_PER_STATEMENT);
    await tx.insertInto('evidence').values(chunk.map(toRow)).execute();
    const values = chunk.flatMap(({ record, sealed }) =>
      sealed && record.personId ? [{ evidence_id: record.evidenceId, person_id: record.personId, sealed }] : [],
    );
    if (values.length > 0) await tx.insertInto('evidence_value').values(values).execute();
  }
}

function toRow({ record, leafHash }: NewRecord) {
  return {
    seq: record.seq,
    evidence_id: record.evidenceId,
    operation_key: record.operationKey,
    kind: record.kind,
    person_id: record.personId,
    case_id: record.caseId,
    at: new Date(record.at),
    body: JSON.stringify(record.body),
    commitment: record.commitment,
    content_digest: record.contentDigest,
    leaf_hash: leafHash,
  };
}
