/** Ends somebody's access now, on a person's word: for the departure that the HR system does not know of yet. */
import { sql } from 'kysely';
import { AppError } from '../domain/errors.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { enqueueNews } from '../store/cases.ts';
import type { Tx } from '../store/db.ts';
import { lockPerson } from '../store/lock-person.ts';
import { getPerson, latestSnapshot } from '../store/people.ts';
import { uuidV7 } from '../store/uuid.ts';
import { openLeaver } from './apply-lifecycle.ts';
import type { ServerDeps } from './server-deps.ts';

export interface LeaveInput {
  personId: string;
  reason: string;
  /** Who orders it. */
  by: string;
}

/**
 * Opens a leaver that passes the cap, or lets a held or scheduled one pass. Asking again for somebody who is leaving
 * already answers the same case. Throws AppError: notFound; selfApproval for one's own access.
 */
export async function leavePerson(deps: ServerDeps, input: LeaveInput): Promise<{ caseN: number }> {
  const { personId, reason, by } = input;
  if (by === personId) throw new AppError('selfApproval', 'nobody ends their own access here; ask a colleague');
  const caseN = await deps.db.transaction().execute(async (tx) => {
    await lockPerson(tx, personId);
    const person = await getPerson(tx, personId);
    const snapshot = person ? await latestSnapshot(tx, deps, personId) : null;
    if (!person || !snapshot) throw new AppError('notFound', 'Usher knows no such person', 'personId');
    const now = deps.now();
    const standing = await tx
      .selectFrom('cutoff')
      .select(['n', 'state'])
      .where('person_id', '=', personId)
      .where('n', '=', person.fence)
      .where('state', '!=', 'rescinded')
      .executeTakeFirst();
    if (standing?.state === 'started') return standing.n;
    if (standing?.state === 'held') {
      const passing = { state: 'scheduled' as const, passes_cap: true, reason, released_by: by };
      await setCutoff(tx, personId, standing.n, passing);
      await recordOrder(deps, tx, input, standing.n);
      return standing.n;
    }
    // A departure that is only scheduled gives way to the one of now, which has the next number and so the fence.
    if (standing) {
      await setCutoff(tx, personId, standing.n, { state: 'rescinded' });
      await enqueueNews(tx, personId, standing.n, { kind: 'rescinded' }, now);
    }
    const event = { event_id: uuidV7(now), received_at: now };
    const records: EvidenceInput[] = [];
    const leave = { effectiveAt: now.toISOString(), reason, passesCap: true };
    const n = await openLeaver(deps, tx, { person, snapshot, previous: snapshot, actions: [], event, records }, leave);
    await recordOrder(deps, tx, input, n, records);
    return n;
  });
  deps.log.info({ personId, caseN }, 'leave ordered');
  return { caseN };
}

async function setCutoff(
  tx: Tx,
  personId: string,
  n: number,
  values: { state: 'scheduled' | 'rescinded'; passes_cap?: boolean; reason?: string; released_by?: string },
): Promise<void> {
  await tx.updateTable('cutoff').set(values).where('person_id', '=', personId).where('n', '=', n).execute();
}

async function recordOrder(
  deps: ServerDeps,
  tx: Parameters<typeof appendEvidence>[0],
  { personId, reason, by }: LeaveInput,
  n: number,
  records: readonly EvidenceInput[] = [],
): Promise<void> {
  await sql`select pg_notify('usher_delivery', '')`.execute(tx);
  const caseId = `case_${personId}_${n}`;
  const record = {
    operationKey: `leave/${caseId}`,
    kind: 'released' as const,
    personId,
    caseId,
    body: { what: 'leave', by },
    values: { reason },
  };
  await appendEvidence(tx, deps.vault, [...records, record], deps.now());
}
