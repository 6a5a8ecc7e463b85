/**
 * Erases a person: the key first, then what is sealed with it. The log keeps its records and stays verifiable, because
 * no record names a person; the values beside them can never be opened again, neither here nor in a backup.
 */
import { sql } from 'kysely';
import type { Db, Tx } from '../store/db.ts';
import type { PersonVault } from '../store/person-vault.ts';
import { deleteUsageOf } from '../store/usage.ts';
import { appendEvidence } from './log.ts';

/** Why a person is erased. A closed list: free text would outlive the person it names. */
export type ErasureReason = 'requested' | 'retentionEnded' | 'ordered';

export type ErasureOutcome = { outcome: 'erased' } | { outcome: 'alreadyErased' } | { outcome: 'notFound' };

const NOTHING = Buffer.alloc(0);

/**
 * Erases for good; repeating it is harmless and finishes what a crash interrupted. `erasedBy` is the id of the person
 * who asked, if any. It does not look at open cases or live access: callers refuse those before.
 */
export async function erasePerson(deps: {
  db: Db;
  vault: PersonVault;
  personId: string;
  now: Date;
  reason: ErasureReason;
  erasedBy?: string | null;
}): Promise<ErasureOutcome> {
  const { db, vault, personId, now, reason, erasedBy = null } = deps;
  const person = await db.selectFrom('person').select('erased_at').where('person_id', '=', personId).executeTakeFirst();
  if (!person) return { outcome: 'notFound' };
  const wasErased = person.erased_at !== null && vault.isErased(personId);
  // The key goes first. A crash after this line leaves unreadable rows, which the next start empties.
  vault.erase(personId, now);
  await purge(db, vault, personId, now, { reason, erasedBy });
  return { outcome: wasErased ? 'alreadyErased' : 'erased' };
}

/**
 * Erases again whoever is on the list of the erased but not in this database: an older backup was restored, or an
 * erasure was interrupted. The server calls it at start, before it serves anything. Returns the persons concerned.
 */
export async function eraseAgainAtStart(deps: { db: Db; vault: PersonVault; now: Date }): Promise<string[]> {
  const { db, vault, now } = deps;
  const erasedIds = vault.erasedPersonIds();
  // A key that came back, by a restored folder or by a process that made it at the wrong moment, goes again.
  for (const personId of erasedIds) vault.erase(personId, now);
  const again: string[] = [];
  for (const personId of await unfinished(db, erasedIds)) {
    await purge(db, vault, personId, now, { reason: 'restored', erasedBy: null });
    again.push(personId);
  }
  return again;
}

/** Erased persons of whom this database still holds something. */
async function unfinished(db: Db, erasedIds: readonly string[]): Promise<string[]> {
  if (erasedIds.length === 0) return [];
  const { rows } = await sql<{ person_id: string }>`
    select p.person_id from person p
    where p.person_id = any(${erasedIds}::uuid[]) and (
      p.erased_at is null
      or exists (select from snapshot s where s.person_id = p.person_id and length(s.facts_sealed) > 0)
      or exists (select from decision d where d.person_id = p.person_id and d.reason_sealed is not null)
      or exists (select from ledger l join identity_link i using (source, source_key)
        where i.person_id = p.person_id and l.body_sealed is not null))
    order by p.person_id`.execute(db);
  return rows.map((row) => row.person_id);
}

async function purge(
  db: Db,
  vault: PersonVault,
  personId: string,
  now: Date,
  body: { reason: ErasureReason | 'restored'; erasedBy: string | null },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const erasedBefore = await emptySealedColumns(tx, personId, now);
    if (erasedBefore) return;
    // The running roles can neither change nor delete what lies beside the log; without its key it says nothing.
    const record = {
      operationKey: `erase:${personId}`,
      kind: 'erased',
      personId,
      caseId: null,
      body,
      values: null,
    } as const;
    await appendEvidence(tx, vault, [record], now);
  });
}

/** Returns true when this database had recorded the erasure already. */
async function emptySealedColumns(tx: Tx, personId: string, now: Date): Promise<boolean> {
  await tx.updateTable('snapshot').set({ facts_sealed: NOTHING }).where('person_id', '=', personId).execute();
  await tx.updateTable('decision').set({ reason_sealed: null }).where('person_id', '=', personId).execute();
  const noText = { question_sealed: null, answer_sealed: null };
  await tx.updateTable('approval_question').set(noText).where('person_id', '=', personId).execute();
  await sql`update ledger l set body_sealed = null from identity_link i
    where i.person_id = ${personId} and i.source = l.source and i.source_key = l.source_key
      and l.body_sealed is not null`.execute(tx);
  await deleteUsageOf(tx, personId);
  const label = { label: 'erased', revoked_at: sql<Date>`coalesce(revoked_at, ${now})` };
  await tx.updateTable('access_token').set(label).where('person_id', '=', personId).execute();
  const marked = await tx
    .updateTable('person')
    .set({ erased_at: now })
    .where('person_id', '=', personId)
    .where('erased_at', 'is', null)
    .executeTakeFirst();
  return marked.numUpdatedRows === 0n;
}
