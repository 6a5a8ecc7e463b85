/** Writes an import batch by batch: each batch is a transaction of its own, so that nobody waits long for the log's lock. */
import type { ImportedRow } from '../domain/import/read-rows.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import type { AccessWindow, Snapshot } from '../schemas/facts.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import {
  insertImported,
  insertLinks,
  insertSnapshots,
  lockKeys,
  type ImportedSource,
  type ImportedSpell,
} from '../store/import-people.ts';
import { getPerson } from '../store/people.ts';
import { uuidV7 } from '../store/uuid.ts';
import { baselineSpell } from './apply-lifecycle.ts';
import { effectsOf, type ImportEffect } from './import-effect.ts';
import type { ServerDeps } from './server-deps.ts';

export interface WriteImportInput {
  source: ImportedSource;
  people: readonly ImportedRow[];
  windowOf: (row: ImportedRow) => AccessWindow;
  reportHash: string;
  fileDigest: string;
  by: string;
}

const PEOPLE_PER_BATCH = 500;

/** Repeating it is harmless: what is written already is `unchanged`. */
export async function writeImport(deps: ServerDeps, input: WriteImportInput): Promise<void> {
  const { source, keysOf } = input.source;
  const now = deps.now();
  const row = { keys_of: keysOf, imported_at: now, report_hash: input.reportHash };
  // First: from now on an HR system that names one of the keys finds the person.
  await deps.db
    .insertInto('import_source')
    .values({ source, ...row, first_imported_at: now })
    .onConflict((conflict) => conflict.column('source').doUpdateSet(row))
    .execute();
  for (let from = 0; from < input.people.length; from += PEOPLE_PER_BATCH) {
    const batch = input.people.slice(from, from + PEOPLE_PER_BATCH);
    await deps.db.transaction().execute((tx) => writeBatch(deps, tx, input, batch));
  }
  await deps.db.transaction().execute(async (tx) => {
    const { reportHash, fileDigest, by, people } = input;
    const body = { source, keysOf, reportHash, fileDigest, by, people: people.length };
    const about = { operationKey: `import/${reportHash}`, personId: null, caseId: null };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'imported', body, values: null }], deps.now());
  });
  deps.log.info({ source, people: input.people.length }, 'people imported');
}

async function writeBatch(
  deps: ServerDeps,
  tx: Tx,
  { source, windowOf }: WriteImportInput,
  batch: readonly ImportedRow[],
): Promise<void> {
  const keys = batch.map(({ facts }) => facts.sourceKey);
  await lockInTx(tx, 'baseline', `import/${source.source}`);
  await lockKeys(tx, source.keysOf ?? source.source, keys);
  // Read again under the locks: since the preview an HR system may have named some of them.
  const effects = await effectsOf(deps, tx, source, batch, windowOf);
  const now = deps.now();
  const created = effects.flatMap((effect) =>
    effect.kind === 'created' ? [newPerson(source.source, effect, now)] : [],
  );
  await insertImported(tx, deps, source.source, created, now);
  const links = effects.flatMap((effect) =>
    effect.kind === 'known' && !effect.isLinked
      ? [{ personId: effect.personId, sourceKey: effect.row.facts.sourceKey }]
      : [],
  );
  await insertLinks(tx, source.source, links, now);
  const updated = effects.flatMap((effect) => (effect.kind === 'updated' ? [effect] : []));
  const snapshots = updated.map((effect) => snapshotOf(source.source, effect.personId, effect, now));
  await insertSnapshots(tx, deps, snapshots);
  for (const effect of updated) await moveSpell(tx, effect.personId, effect.spell);
  const records = [...created.map(({ snapshot }) => snapshot), ...snapshots].map(recordOf);
  await appendEvidence(tx, deps.vault, records, now);
}

function newPerson(
  source: string,
  effect: Extract<ImportEffect, { kind: 'created' }>,
  now: Date,
): { personId: string; sourceKey: string; spell: ImportedSpell; snapshot: Snapshot } {
  const personId = uuidV7(now);
  const { sourceKey } = effect.row.facts;
  return { personId, sourceKey, spell: effect.spell, snapshot: snapshotOf(source, personId, effect, now) };
}

function snapshotOf(
  source: string,
  personId: string,
  { row, window }: { row: ImportedRow; window: AccessWindow },
  now: Date,
): Snapshot {
  return {
    snapshotId: uuidV7(now) as Snapshot['snapshotId'],
    personId: personId as Snapshot['personId'],
    source,
    observedAt: now.toISOString(),
    window,
    facts: row.facts,
  };
}

function recordOf({ snapshotId, personId, source, facts, window }: Snapshot): EvidenceInput {
  return {
    operationKey: `import/${snapshotId}`,
    kind: 'snapshot',
    personId,
    caseId: null,
    body: { snapshotId, source },
    values: { facts, window },
  };
}

/** The spell follows the file as long as no case of the person says more: a case is a person's or an HR system's word. */
async function moveSpell(tx: Tx, personId: string, spell: ImportedSpell): Promise<void> {
  const person = await getPerson(tx, personId);
  if (!person || spell === 'none' || person.spell_state === spell) return;
  const hasCase = await tx
    .selectFrom('usher_case')
    .select('n')
    .where('person_id', '=', personId)
    .limit(1)
    .executeTakeFirst();
  if (!hasCase) await baselineSpell(tx, person, spell);
}
