/** One decision of one person: checked, signed, recorded, and sent to the approval that waits for it. */
import { sql } from 'kysely';
import { hasDeparted } from '../auth/has-departed.ts';
import { assertReason } from '../domain/assert-reason.ts';
import { AppError } from '../domain/errors.ts';
import type { Actor } from '../domain/mandates.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import type { DecisionSurface, ItemVerdict } from '../schemas/decision.ts';
import { clockOf, lockApproval, standingOf } from '../store/approval-standing.ts';
import { enqueue } from '../store/cases.ts';
import { decisionsOfApproval, getApproval, insertDecision, type ApprovalRow } from '../store/decisions.ts';
import { raiseAlert } from '../store/alerts.ts';
import type { Tx } from '../store/db.ts';
import { sha256Hex } from '../store/sha256.ts';
import { tellStory } from '../store/story.ts';
import { uuidV7 } from '../store/uuid.ts';
import { withdrawQuestionsOf } from './approval-questions.ts';
import type { ServerDeps } from './server-deps.ts';

export interface DecisionInput {
  approvalId: string;
  /** The person whom the surface authenticated. */
  approverId: string;
  surface: DecisionSurface;
  verdicts: ItemVerdict[];
  reason: string;
}

/**
 * Decides some or all items of an approval. Throws AppError: notFound, selfApproval, notApprover, stale (an item that
 * the approval does not hold), alreadyDecided, expired, invalidInput (a reason is missing, an item is named twice). Every
 * refusal is recorded as evidence, a repeated one once; a slip in the form is not a refusal: who made it corrects it.
 */
export async function submitDecision(deps: ServerDeps, input: DecisionInput): Promise<{ decisionId: string }> {
  const decisionId = uuidV7(deps.now());
  const caseN = await deps.db
    .transaction()
    .execute((tx) => storeDecision(deps, tx, decisionId, input, true))
    .catch(async (error: unknown) => {
      if (error instanceof AppError && error.code !== 'invalidInput') await recordRefusal(deps, input, error);
      throw error;
    });
  deps.crashPoint('afterDecisionRow');
  await sendNow(deps, input.approvalId, decisionId);
  deps.log.info({ approvalId: input.approvalId, decisionId, caseN }, 'decision signed');
  return { decisionId };
}

/** Checks and stores inside the caller's transaction; with `isCarried` the delivery loop takes it to the workflow. */
export async function storeDecision(
  deps: ServerDeps,
  tx: Tx,
  decisionId: string,
  input: DecisionInput,
  isCarried: boolean,
): Promise<number> {
  const now = deps.now();
  const approval = await lockApproval(tx, input.approvalId);
  const { place, seats } = await assertMayDecide(deps, tx, approval, input, now);
  const proposal = await tx
    .selectFrom('proposal')
    .select('spell_n')
    .where('proposal_id', '=', approval.proposal_id)
    .executeTakeFirstOrThrow();
  const reasonSealed = deps.vault.seal(approval.person_id, { reason: input.reason });
  await insertDecision(tx, deps.signer, {
    decision_id: decisionId,
    approval_id: approval.approval_id,
    person_id: approval.person_id,
    spell_n: proposal.spell_n,
    approver_id: input.approverId,
    surface: input.surface,
    verdicts: input.verdicts,
    reason_digest: sha256Hex(reasonSealed),
    reason_sealed: reasonSealed,
    decided_at: now,
    for_approver_id: place.forId === input.approverId ? null : place.forId,
    mandate_ids: place.mandateIds.length === 0 ? null : place.mandateIds,
    seats,
  });
  await withdrawQuestionsOf(deps, tx, approval, input.approverId, now);
  if (isCarried) {
    const payload = { approvalId: approval.approval_id, decisionId };
    await enqueue(tx, { kind: 'submitDecision', personId: approval.person_id, n: approval.n, payload, dueAt: now });
  }
  await tellStory(tx, {
    at: now,
    personId: approval.person_id,
    n: approval.n,
    kind: 'decided',
    data: { approverId: input.approverId, ...labelsByVerdict(approval, input.verdicts) },
  });
  await appendEvidence(tx, deps.vault, [decidedRecord(decisionId, approval, input, place.forId)], now);
  return approval.n;
}

function decidedRecord(decisionId: string, approval: ApprovalRow, input: DecisionInput, forId: string): EvidenceInput {
  const { approverId, surface, verdicts, reason } = input;
  return {
    operationKey: decisionId,
    kind: 'decided',
    personId: approval.person_id,
    caseId: `case_${approval.person_id}_${approval.n}`,
    body: {
      approvalId: approval.approval_id,
      decisionId,
      approverId,
      ...(forId === approverId ? {} : { forApproverId: forId }),
      surface,
      verdicts,
    },
    values: { reason },
  };
}

function labelsByVerdict(
  { items }: ApprovalRow,
  verdicts: readonly ItemVerdict[],
): Record<'approved' | 'denied', string[]> {
  const labelled = (wanted: ItemVerdict['verdict']): string[] =>
    verdicts
      .filter(({ verdict }) => verdict === wanted)
      .map(({ itemDigest }) => items.find((item) => item.itemDigest === itemDigest))
      .map((item) => item?.entitlementId ?? `profile ${item?.profileId ?? ''}`);
  return { approved: labelled('approve'), denied: labelled('deny') };
}

async function assertMayDecide(
  deps: ServerDeps,
  tx: Tx,
  approval: ApprovalRow,
  input: DecisionInput,
  now: Date,
): Promise<{ place: Actor; seats: ApprovalRow['seats'] }> {
  if (input.approverId === approval.person_id) throw new AppError('selfApproval');
  const { seats, actors } = await standingOf(tx, deps, approval, now);
  const places = actors.filter(({ personId }) => personId === input.approverId);
  const [firstPlace] = places;
  if (!firstPlace || (await hasDeparted(tx, input.approverId))) throw new AppError('notApprover');
  if (approval.state === 'expired' || now.getTime() >= clockOf(approval, now).expiresAtMs)
    throw new AppError('expired', 'the time to decide is over');
  if (approval.state !== 'open') throw new AppError('stale', 'this approval is closed already');
  const known = new Set<string>(approval.items.map((item) => item.itemDigest));
  const foreign = input.verdicts.find((verdict) => !known.has(verdict.itemDigest));
  if (foreign) throw new AppError('stale', 'the approval does not hold this item; read it again', 'verdicts');
  if (new Set(input.verdicts.map((verdict) => verdict.itemDigest)).size !== input.verdicts.length) {
    throw new AppError('invalidInput', 'an item is named twice', 'verdicts');
  }
  const decisions = await decisionsOfApproval(tx, deps.verifier, approval.approval_id);
  const mine = decisions.filter((decision) => decision.approver_id === input.approverId);
  const decided = new Set(mine.flatMap((decision) => decision.verdicts.map((verdict) => verdict.itemDigest as string)));
  if (input.verdicts.some((verdict) => decided.has(verdict.itemDigest))) throw new AppError('alreadyDecided');
  assertReason(approval.items, input.verdicts, input.reason);
  // One person is one voice: who may act for several acts for the one for whom they began, else for the first who waits.
  const begun = mine[0] ? (mine[0].for_approver_id ?? input.approverId) : null;
  const spoken = new Set(decisions.map((decision) => decision.for_approver_id ?? decision.approver_id));
  const place =
    places.find(({ forId }) => forId === begun) ?? places.find(({ forId }) => !spoken.has(forId)) ?? firstPlace;
  return { place, seats };
}

/** Records a refused decision once per approver, approval and cause; attempts of a stranger raise an alert. */
export async function recordRefusal(deps: ServerDeps, input: DecisionInput, error: AppError): Promise<void> {
  const approval = await getApproval(deps.db, input.approvalId);
  const operationKey = sha256Hex(
    `refusal|${input.approvalId}|${input.approverId}|${error.code}|${JSON.stringify(input.verdicts)}`,
  );
  await deps.db.transaction().execute(async (tx) => {
    if (error.code === 'selfApproval' || error.code === 'notApprover' || error.code === 'unproved') {
      // Without proof the name of the approver is only a claim: made-up names must not make new alerts.
      const claimedBy = error.code === 'unproved' ? 'claim' : input.approverId;
      const alertKey = `decision/${error.code}/${input.approvalId}/${claimedBy}`;
      const text = `A decision on ${input.approvalId} was refused (${error.code}, by ${input.surface}).`;
      await raiseAlert(
        tx,
        { alertKey, kind: 'decisionRefused', personId: approval?.person_id ?? null, text },
        deps.now(),
      );
    }
    await appendEvidence(
      tx,
      deps.vault,
      [
        {
          operationKey,
          kind: 'refused',
          personId: approval?.person_id ?? null,
          caseId: approval ? `case_${approval.person_id}_${approval.n}` : null,
          body: {
            what: 'decision',
            code: error.code,
            approvalId: input.approvalId,
            approverId: input.approverId,
            surface: input.surface,
          },
          values: null,
        },
      ],
      deps.now(),
    );
  });
}

/** The quick way to the workflow. When it fails the delivery row is still there. */
async function sendNow(deps: ServerDeps, approvalId: string, decisionId: string): Promise<void> {
  if (!deps.temporal) return;
  try {
    await deps.temporal.submitDecision(approvalId, decisionId);
    await deps.db
      .updateTable('delivery')
      .set({ delivered_at: deps.now() })
      .where('kind', '=', 'submitDecision')
      .where('delivered_at', 'is', null)
      .where(sql<string>`payload->>'decisionId'`, '=', decisionId)
      .execute();
  } catch (error) {
    deps.log.warn({ approvalId, decisionId, err: error }, 'the delivery loop carries this decision');
  }
}
