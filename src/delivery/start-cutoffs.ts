/**
 * Starts the cut-offs that are due, under the cap: an unusual wave of leavers is held until a person releases it. Counting
 * and starting happen under one lock, so that two workers cannot each start the last one.
 */
import { sql } from 'kysely';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { enqueue, enqueueNews, traceOfCase } from '../store/cases.ts';
import { raiseAlert } from '../store/alerts.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import { tellStory } from '../store/story.ts';
import type { WorkerDeps } from '../activities/worker-deps.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Decides about every due cut-off: started or held. The workflows are started by the rows this writes. Answers how many started. */
export async function decideDueCutoffs(deps: WorkerDeps): Promise<number> {
  const now = deps.now();
  const isAnyDue = await deps.db
    .selectFrom('cutoff')
    .select('n')
    .where('state', '=', 'scheduled')
    .where('effective_at', '<=', now)
    .limit(1)
    .executeTakeFirst();
  if (!isAnyDue) return 0;
  const version = await deps.policies.active();
  if (!version) return 0;
  const { maxPerHour, maxPerDay } = version.policy.lifecycle.leavers;
  return deps.db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'cap');
    const due = await tx
      .selectFrom('cutoff')
      .select(['person_id', 'n', 'passes_cap', 'departure'])
      .where('state', '=', 'scheduled')
      .where('effective_at', '<=', now)
      .orderBy('effective_at')
      .limit(200)
      .execute();
    const counts = { hour: await startedSince(tx, now, HOUR_MS), day: await startedSince(tx, now, DAY_MS) };
    let started = 0;
    const records: EvidenceInput[] = [];
    for (const row of due) {
      if (row.passes_cap || (counts.hour < maxPerHour && counts.day < maxPerDay)) {
        const record = await startOne(tx, row.person_id, row.n, row.departure.systemIds, now);
        if (!record) continue;
        records.push(record);
        counts.hour += 1;
        counts.day += 1;
        started += 1;
      } else {
        const record = await holdOne(tx, row.person_id, row.n, now);
        if (record) records.push(record);
      }
    }
    // Last, so that a wave does not keep the log's lock while it is decided about.
    await appendEvidence(tx, deps.vault, records, now);
    return started;
  });
}

/** Per person: somebody who left, came back and left again within the hour counts once. */
async function startedSince(tx: Tx, now: Date, spanMs: number): Promise<number> {
  const row = await tx
    .selectFrom('cutoff')
    .select(sql<string>`count(distinct person_id)`.as('count'))
    .where('started_at', '>', new Date(now.getTime() - spanMs))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** The record of the start; null when the departure was called off in the meantime. */
async function startOne(
  tx: Tx,
  personId: string,
  n: number,
  systemIds: string[],
  now: Date,
): Promise<EvidenceInput | null> {
  if (!(await moveOn(tx, personId, n, { state: 'started', started_at: now }))) return null;
  const traceparent = await traceOfCase(tx, personId, n);
  await enqueue(tx, { kind: 'startCutoff', personId, n, payload: { systemIds }, dueAt: now, traceparent });
  await enqueueNews(tx, personId, n, { kind: 'factsChanged' }, now);
  const caseId = `case_${personId}_${n}`;
  return { operationKey: caseId, kind: 'cutoffStarted', personId, caseId, body: { systemIds }, values: null };
}

async function holdOne(tx: Tx, personId: string, n: number, now: Date): Promise<EvidenceInput | null> {
  if (!(await moveOn(tx, personId, n, { state: 'held', held_at: now }))) return null;
  await enqueueNews(tx, personId, n, { kind: 'factsChanged' }, now);
  await tellStory(tx, { at: now, personId, n, kind: 'held', data: { command: 'npx usher hold list' } });
  const day = now.toISOString().slice(0, 10);
  // The server mails it with the names of all who are held; the key makes it one mail a day.
  const text = 'Leavers are held: more than policy allows. See "usher hold list", then "usher hold release".';
  await raiseAlert(tx, { alertKey: `hold/${day}`, kind: 'leaversHeld', personId: null, text }, now);
  const caseId = `case_${personId}_${n}`;
  return { operationKey: caseId, kind: 'held', personId, caseId, body: { at: now.toISOString() }, values: null };
}

/** True when the cut-off was still scheduled: a rescission that was committed in the meantime stands. */
async function moveOn(
  tx: Tx,
  personId: string,
  n: number,
  values: { state: 'started' | 'held'; started_at?: Date; held_at?: Date },
): Promise<boolean> {
  const row = await tx
    .updateTable('cutoff')
    .set(values)
    .where('person_id', '=', personId)
    .where('n', '=', n)
    .where('state', '=', 'scheduled')
    .returning('n')
    .executeTakeFirst();
  return row !== undefined;
}
