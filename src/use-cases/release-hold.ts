/** Releases held departures, after reading each person again: a wave that was a mistake of the feed has gone by then. */
import { sql } from 'kysely';
import { appendEvidence } from '../evidence/log.ts';
import { importedSources } from '../store/import-people.ts';
import { getPerson } from '../store/people.ts';
import { deriveEvent } from './derive-event.ts';
import { recordEvent } from './receive-event.ts';
import type { ServerDeps } from './server-deps.ts';

export interface ReleaseInput {
  personIds: string[];
  by: string;
  reason: string;
}

export interface ReleaseResult {
  released: string[];
  /** The HR system says now that they have not left: their departure was called off. */
  stillEmployed: string[];
  failed: { personId: string; reason: string }[];
}

/** Each person on their own: one that fails stays held and does not keep the others. */
export async function releaseHold(deps: ServerDeps, input: ReleaseInput): Promise<ReleaseResult> {
  const result: ReleaseResult = { released: [], stillEmployed: [], failed: [] };
  for (const personId of new Set(input.personIds)) {
    try {
      const outcome = await releaseOne(deps, personId, input);
      if (outcome === 'released') result.released.push(personId);
      else if (outcome === 'stillEmployed') result.stillEmployed.push(personId);
      else result.failed.push({ personId, reason: 'nothing is held for this person' });
    } catch (error) {
      deps.log.warn({ personId, err: error }, 'release failed');
      result.failed.push({ personId, reason: 'the HR system could not be read; the departure stays held' });
    }
  }
  return result;
}

async function heldOf(deps: ServerDeps, personId: string): Promise<number | null> {
  const person = await getPerson(deps.db, personId);
  if (!person) return null;
  const row = await deps.db
    .selectFrom('cutoff')
    .select('n')
    .where('person_id', '=', personId)
    .where('n', '=', person.fence)
    .where('state', '=', 'held')
    .executeTakeFirst();
  return row?.n ?? null;
}

async function releaseOne(
  deps: ServerDeps,
  personId: string,
  input: ReleaseInput,
): Promise<'released' | 'stillEmployed' | 'nothingHeld'> {
  if ((await heldOf(deps, personId)) === null) return 'nothingHeld';
  await readAgain(deps, personId);
  const n = await heldOf(deps, personId);
  if (n === null) return 'stillEmployed';
  const caseId = `case_${personId}_${n}`;
  return deps.db.transaction().execute(async (tx) => {
    const moved = await tx
      .updateTable('cutoff')
      .set({ state: 'scheduled', passes_cap: true, released_by: input.by })
      .where('person_id', '=', personId)
      .where('n', '=', n)
      .where('state', '=', 'held')
      .executeTakeFirst();
    // Called off, or released by somebody else, since it was read.
    if (moved.numUpdatedRows === 0n) return 'nothingHeld';
    await sql`select pg_notify('usher_delivery', '')`.execute(tx);
    const values = { reason: input.reason };
    const record = {
      operationKey: caseId,
      kind: 'released' as const,
      personId,
      caseId,
      body: { what: 'hold', by: input.by },
      values,
    };
    await appendEvidence(tx, deps.vault, [record], deps.now());
    return 'released';
  });
}

async function readAgain(deps: ServerDeps, personId: string): Promise<void> {
  const links = await deps.db
    .selectFrom('identity_link')
    .select(['source', 'source_key'])
    .where('person_id', '=', personId)
    .where('valid_to', 'is', null)
    .execute();
  // A file cannot be asked again.
  const files = new Set((await importedSources(deps.db)).map(({ source }) => source));
  for (const link of links.filter(({ source }) => !files.has(source))) {
    const deliveryKey = `release/${deps.now().toISOString()}`;
    const event = {
      source: link.source,
      sourceKeys: [link.source_key],
      deliveryKey,
      origin: 'release' as const,
      digestOf: deliveryKey,
    };
    for (const eventId of await recordEvent(deps.db, event, deps.now())) await deriveEvent(deps, eventId);
  }
}
