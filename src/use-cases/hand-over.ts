/**
 * An approver hands one approval over to somebody else. The other person's vote then fills the seat; who handed over has
 * none until that person leaves. Recorded and signed, so that the issuer can check the way from the seat to the vote.
 */
import { AppError } from '../domain/errors.ts';
import { actorsOf, type Mandate } from '../domain/mandates.ts';
import { fillableSeats } from '../domain/max-matching.ts';
import { appendEvidence } from '../evidence/log.ts';
import { clockOf, lockApproval, standingOf, type Standing } from '../store/approval-standing.ts';
import type { Tx } from '../store/db.ts';
import { decisionsOfApproval, type ApprovalRow } from '../store/decisions.ts';
import { departedAmong } from '../store/manager-line.ts';
import { insertMandate, mandatesFor } from '../store/mandates.ts';
import { latestSnapshot } from '../store/people.ts';
import { tellStory } from '../store/story.ts';
import { uuidV7 } from '../store/uuid.ts';
import { recordRefusal } from './submit-decision.ts';
import { refreshApproval, refreshInTx } from './refresh-approval.ts';
import type { ServerDeps } from './server-deps.ts';

export interface HandOverInput {
  approvalId: string;
  /** Who hands over. */
  byId: string;
  toId: string;
  reason: string;
}

/**
 * Throws AppError: notFound, notApprover, stale (closed), alreadyDecided, selfApproval (to the person whom it is about),
 * conflict (back to somebody on the way, or too few different people would be left), invalidInput (to oneself, or to
 * somebody who is not there). Refusals that matter are recorded.
 */
export async function handOver(deps: ServerDeps, input: HandOverInput): Promise<{ mandateId: string }> {
  const now = deps.now();
  const mandateId = uuidV7(now);
  await deps.db
    .transaction()
    .execute((tx) => handOverInTx(deps, tx, input, mandateId, now))
    .catch(async (error: unknown) => {
      if (error instanceof AppError && ['selfApproval', 'notApprover'].includes(error.code)) {
        const { approvalId, byId: approverId, reason } = input;
        await recordRefusal(deps, { approvalId, approverId, surface: 'api', verdicts: [], reason }, error);
      }
      throw error;
    });
  try {
    await refreshApproval(deps, input.approvalId);
  } catch (error) {
    deps.log.warn({ approvalId: input.approvalId, err: error }, 'handed over; the mail goes out later');
  }
  return { mandateId };
}

async function handOverInTx(
  deps: ServerDeps,
  tx: Tx,
  input: HandOverInput,
  mandateId: string,
  now: Date,
): Promise<void> {
  const approval = await lockApproval(tx, input.approvalId);
  const standing = await standingOf(tx, deps, approval, now);
  await assertMayHandOver(deps, tx, approval, standing, input, now);
  const mandate: Mandate = {
    mandateId,
    kind: 'handedOver',
    approvalId: input.approvalId,
    fromId: input.byId,
    toId: input.toId,
    validFrom: now.toISOString(),
    validUntil: null,
  };
  await assertEnoughPeople(deps, tx, approval, standing, mandate, now);
  const { person_id: personId, n, approval_id: approvalId } = approval;
  await insertMandate(tx, deps.signer, {
    mandate_id: mandateId,
    kind: 'handedOver',
    approval_id: approvalId,
    person_id: personId,
    from_id: input.byId,
    to_id: input.toId,
    valid_from: now,
    valid_until: null,
    created_at: now,
  });
  await refreshInTx(deps, tx, approval, now);
  const data = { approvalId, approverId: input.byId, toId: input.toId };
  await tellStory(tx, { at: now, personId, n, kind: 'handedOver', data });
  const record = {
    operationKey: mandateId,
    kind: 'mandated' as const,
    personId,
    caseId: `case_${personId}_${n}`,
    body: { what: 'handedOver', approvalId, mandateId, fromId: input.byId, toId: input.toId },
    values: { reason: input.reason },
  };
  await appendEvidence(tx, deps.vault, [record], now);
}

async function assertMayHandOver(
  deps: ServerDeps,
  tx: Tx,
  approval: ApprovalRow,
  { actors, seats, isBarred }: Standing,
  { byId, toId }: HandOverInput,
  now: Date,
): Promise<void> {
  const places = actors.filter(({ personId }) => personId === byId);
  if (places.length === 0) throw new AppError('notApprover');
  if (approval.state !== 'open' || now.getTime() >= clockOf(approval, now).expiresAtMs)
    throw new AppError('stale', 'this approval is closed already');
  if (toId === byId) throw new AppError('invalidInput', 'to: expected somebody else', 'to');
  if (toId === approval.person_id) throw new AppError('selfApproval', 'nobody decides about their own access');
  await assertIsThere(deps, tx, toId);
  const holders = new Set(places.map(({ forId }) => forId));
  const roles = seats.filter((seat) => (seat.approverIds as string[]).some((id) => holders.has(id)));
  if (roles.some(({ role }) => isBarred(toId, role)))
    throw new AppError('conflict', 'to: the manager of the person does not decide for security', 'to');
  const decisions = await decisionsOfApproval(tx, deps.verifier, approval.approval_id);
  if (decisions.some((row) => row.approver_id === byId)) throw new AppError('alreadyDecided');
  if (decisions.some((row) => row.approver_id === toId))
    throw new AppError('conflict', 'to: has decided here already; one person is one voice', 'to');
}

/** Throws AppError `invalidInput` for somebody who is unknown or has left. */
export async function assertIsThere(deps: ServerDeps, tx: Tx, personId: string): Promise<void> {
  const snapshot = await latestSnapshot(tx, deps, personId);
  const hasLeft = (await departedAmong(tx, [personId])).has(personId);
  if (!snapshot || snapshot.facts.isTerminated || hasLeft)
    throw new AppError('invalidInput', 'to: expected somebody who works here', 'to');
}

/** With the mandate each way still leads to a person, and different people can fill all seats. */
async function assertEnoughPeople(
  deps: ServerDeps,
  tx: Tx,
  approval: ApprovalRow,
  { seats, involved, isBarred }: Standing,
  mandate: Mandate,
  now: Date,
): Promise<void> {
  const mandates = await mandatesFor(tx, deps.verifier, approval.approval_id, now);
  const left = await departedAmong(tx, [...involved, mandate.toId]);
  const actors = actorsOf({
    approvalId: approval.approval_id,
    seats,
    mandates: [...mandates, mandate],
    at: now.toISOString(),
    isBarred,
    hasLeft: (personId) => left.has(personId),
  });
  if (!actors.some(({ mandateIds }) => mandateIds.includes(mandate.mandateId)))
    throw new AppError('conflict', 'to: this would hand the approval back to somebody who handed it over', 'to');
  const peopleOf = (holderId: string): string[] =>
    actors.filter(({ forId }) => forId === holderId).map(({ personId }) => personId);
  const filled = fillableSeats(seats.map((seat) => [...new Set((seat.approverIds as string[]).flatMap(peopleOf))]));
  if (filled < seats.length)
    throw new AppError('conflict', 'to: too few different people would be left to decide', 'to');
}
