/** Standing deputies: for some days somebody else may decide in one's place, in all approvals and beside oneself. */
import { Temporal } from 'temporal-polyfill';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { deputiesAt, endMandate, insertMandate, type MandateRow } from '../store/mandates.ts';
import { latestSnapshot } from '../store/people.ts';
import { uuidV7 } from '../store/uuid.ts';
import { assertIsThere } from './hand-over.ts';
import type { ServerDeps } from './server-deps.ts';

/** Longer than this is a change of duties, which belongs into the HR system or the policy. */
const DAYS_MAX = 92;
const AHEAD_DAYS_MAX = 366;
const DEPUTIES_MAX = 5;

export interface DeputyInput {
  fromId: string;
  toId: string;
  /** First and last day, in the time zone of who is away. */
  firstDay: string;
  lastDay: string;
}

/**
 * Throws AppError: invalidInput (oneself, somebody who is not there, days that are over or too many), conflict (five
 * deputies already).
 */
export async function addDeputy(
  deps: ServerDeps,
  input: DeputyInput,
): Promise<{ mandateId: string; validFrom: string; validUntil: string }> {
  const { fromId, toId } = input;
  const now = deps.now();
  if (toId === fromId) throw new AppError('invalidInput', 'to: expected somebody else', 'to');
  const mandateId = uuidV7(now);
  const period = await deps.db.transaction().execute(async (tx) => {
    await assertIsThere(deps, tx, toId);
    const snapshot = await latestSnapshot(tx, deps, fromId);
    if (!snapshot) throw new AppError('notFound', 'Usher knows no facts about you');
    const days = periodOf(input, snapshot.window.zone, now);
    const mine = (await deputiesAt(tx, deps.verifier, now, fromId)).filter((row) => row.from_id === fromId);
    if (mine.length >= DEPUTIES_MAX) throw new AppError('conflict', `at most ${DEPUTIES_MAX} deputies; end one first`);
    await insertMandate(tx, deps.signer, {
      mandate_id: mandateId,
      kind: 'deputy',
      approval_id: null,
      person_id: null,
      from_id: fromId,
      to_id: toId,
      valid_from: days.from,
      valid_until: days.until,
      created_at: now,
    });
    const body = {
      what: 'deputy',
      mandateId,
      fromId,
      toId,
      validFrom: days.from.toISOString(),
      validUntil: days.until.toISOString(),
    };
    const record = {
      operationKey: mandateId,
      kind: 'mandated' as const,
      personId: fromId,
      caseId: null,
      body,
      values: null,
    };
    await appendEvidence(tx, deps.vault, [record], now);
    return days;
  });
  return { mandateId, validFrom: period.from.toISOString(), validUntil: period.until.toISOString() };
}

function periodOf({ firstDay, lastDay }: DeputyInput, zone: string, now: Date): { from: Date; until: Date } {
  const startOf = (day: string, plusDays: number): Date => {
    const date = Temporal.PlainDate.from(day).add({ days: plusDays });
    return new Date(date.toZonedDateTime({ timeZone: zone }).startOfDay().epochMilliseconds);
  };
  const from = startOf(firstDay, 0);
  const until = startOf(lastDay, 1);
  const days = Temporal.PlainDate.from(firstDay).until(lastDay).days + 1;
  if (days < 1) throw new AppError('invalidInput', 'until: expected the first day or a later one', 'until');
  if (days > DAYS_MAX) throw new AppError('invalidInput', `until: expected at most ${DAYS_MAX} days`, 'until');
  if (until <= now) throw new AppError('invalidInput', 'until: this is over', 'until');
  if (from.getTime() > now.getTime() + AHEAD_DAYS_MAX * 86_400_000)
    throw new AppError('invalidInput', 'from: expected a day of the next twelve months', 'from');
  return { from, until };
}

/** Ends a deputy now, by who is represented or by the deputy. What was decided before stays. Throws AppError notFound. */
export async function endDeputy(deps: ServerDeps, input: { mandateId: string; byId: string }): Promise<void> {
  const now = deps.now();
  await deps.db.transaction().execute(async (tx) => {
    const mine = await deputiesAt(tx, deps.verifier, now, input.byId);
    const row = mine.find((candidate) => candidate.mandate_id === input.mandateId);
    if (!row) throw new AppError('notFound', 'There is no such deputy, or it is not yours to end.', 'mandateId');
    await endMandate(tx, deps.signer, row, endOf(row, now));
    const body = { what: 'deputyEnded', mandateId: row.mandate_id, by: input.byId };
    const record = {
      operationKey: `${row.mandate_id}/end`,
      kind: 'mandated' as const,
      personId: row.from_id,
      caseId: null,
      body,
      values: null,
    };
    await appendEvidence(tx, deps.vault, [record], now);
  });
}

/** One that has not begun ends at its beginning. */
function endOf(row: MandateRow, now: Date): Date {
  return row.valid_from > now ? row.valid_from : now;
}
