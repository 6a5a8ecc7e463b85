/**
 * Opens a mover for people whose access is to be looked at again though HR told nothing new: a system was enforced. Asked for
 * with the switch itself, in one transaction; carried out afterwards, each person on their own.
 */
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { enqueueNews } from '../store/cases.ts';
import type { Tx } from '../store/db.ts';
import { lockPerson } from '../store/lock-person.ts';
import { getPerson, latestSnapshot } from '../store/people.ts';
import { uuidV7 } from '../store/uuid.ts';
import { applyLifecycle } from './apply-lifecycle.ts';
import { lifecycleStateOf } from './lifecycle-state.ts';
import type { ServerDeps } from './server-deps.ts';

const PEOPLE_PER_TURN = 100;
const ROWS_PER_STATEMENT = 2_000;

/** Asks for a look at each of them; one that is asked for already for this cause stays one. */
export async function askReviews(tx: Tx, personIds: readonly string[], cause: string, at: Date): Promise<void> {
  for (let from = 0; from < personIds.length; from += ROWS_PER_STATEMENT) {
    const rows = personIds.slice(from, from + ROWS_PER_STATEMENT);
    await tx
      .insertInto('person_review')
      .values(rows.map((person_id) => ({ person_id, cause, asked_at: at })))
      .onConflict((conflict) => conflict.columns(['person_id', 'cause']).doNothing())
      .execute();
  }
}

/** Carries out what is asked for, oldest first; answers how many. Idempotent: a look and its mark are one transaction. */
export async function openReviews(deps: ServerDeps): Promise<number> {
  const due = await deps.db
    .selectFrom('person_review')
    .select(['person_id', 'cause'])
    .where('done_at', 'is', null)
    .orderBy('asked_at')
    .orderBy('person_id')
    .limit(PEOPLE_PER_TURN)
    .execute();
  for (const { person_id: personId, cause } of due) {
    await deps.db.transaction().execute(async (tx) => {
      await lockPerson(tx, personId);
      const marked = await tx
        .updateTable('person_review')
        .set({ done_at: deps.now() })
        .where('person_id', '=', personId)
        .where('cause', '=', cause)
        .where('done_at', 'is', null)
        .executeTakeFirst();
      if (marked.numUpdatedRows > 0n) await review(deps, tx, personId);
    });
  }
  return due.length;
}

/** An open case that gives and takes plans again; whoever has none gets one. Not before day one, and not after the departure. */
async function review(deps: ServerDeps, tx: Tx, personId: string): Promise<void> {
  const person = await getPerson(tx, personId);
  const snapshot = person ? await latestSnapshot(tx, deps, personId) : null;
  if (!person || !snapshot || person.erased_at !== null) return;
  const now = deps.now();
  const { spell, joiner, departure } = await lifecycleStateOf(tx, person, snapshot, now);
  const isLeaving = departure?.status === 'started' || departure?.status === 'done';
  if (spell?.state !== 'open' || isLeaving) return;
  if (joiner !== null) return enqueueNews(tx, personId, joiner.n, { kind: 'factsChanged' }, now);
  const records: EvidenceInput[] = [];
  const event = { event_id: uuidV7(now), received_at: now };
  const actions = [{ kind: 'openMover' as const, effectiveAt: now.toISOString() }];
  await applyLifecycle(deps, tx, { person, snapshot, previous: snapshot, actions, event, records });
  await appendEvidence(tx, deps.vault, records, now);
}
