/** A decision that came as a signal from the Temporal UI: it counts only with the one-time code from the approver's mail. */
import { z } from 'zod';
import { consumeCode } from '../auth/approval-secrets.ts';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { DecideSignal } from '../schemas/decision.ts';
import { ApprovalId, DecisionId } from '../schemas/ids.ts';
import { getApproval } from '../store/decisions.ts';
import { sha256Hex } from '../store/sha256.ts';
import { recordRefusal, storeDecision, type DecisionInput } from './submit-decision.ts';
import type { ServerDeps } from './server-deps.ts';

/**
 * `approvalId` is the approval that got the signal, whatever the payload says. `claimId` is minted by the workflow for each
 * signal, so that a retried activity finds its own decision again.
 */
export const ClaimRequest = z.strictObject({ approvalId: ApprovalId, claimId: DecisionId, payload: DecideSignal });

export type ClaimAnswer = { outcome: 'accepted'; decisionId: string } | { outcome: 'refused'; reason: string };

/**
 * Checks the code and stores the decision in one transaction: a code is used up exactly when its decision exists.
 * Everything that is refused is recorded; nothing is thrown for bad input, because the signal is in the history already.
 */
export async function claimDecision(deps: ServerDeps, input: unknown): Promise<ClaimAnswer> {
  const parsed = ClaimRequest.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.map(String).join('.') ?? '';
    await recordMalformed(deps, input, field);
    return { outcome: 'refused', reason: `malformed: ${field} ${issue?.message ?? ''}`.trim() };
  }
  const { approvalId, claimId, payload } = parsed.data;
  const known = await deps.db
    .selectFrom('decision')
    .select('decision_id')
    .where('decision_id', '=', claimId)
    .executeTakeFirst();
  if (known) return { outcome: 'accepted', decisionId: claimId };
  const decision: DecisionInput = {
    approvalId,
    approverId: payload.approverId,
    surface: 'temporal',
    verdicts: payload.verdicts,
    reason: payload.reason,
  };
  try {
    if (payload.approvalId !== approvalId) throw new AppError('unproved', 'it names another approval');
    await deps.db.transaction().execute(async (tx) => {
      const { approverId, code } = payload;
      const verdict = await consumeCode(tx, { approvalId, approverId, code, now: deps.now() });
      if (verdict === null) throw new AppError('unproved', 'the code is unknown, used, expired or another one');
      if (payload.verdicts.some((item) => item.verdict !== verdict)) {
        throw new AppError('unproved', `this code says "${verdict}"; each verdict must say the same`);
      }
      await storeDecision(deps, tx, claimId, decision, false);
    });
    deps.crashPoint('afterDecisionRow');
    return { outcome: 'accepted', decisionId: claimId };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await recordRefusal(deps, decision, error);
    return { outcome: 'refused', reason: error.message };
  }
}

const NamesApproval = z.object({ approvalId: ApprovalId });

/** Names the field at fault and nothing of what was sent; the same fault at the same approval is recorded once. */
async function recordMalformed(deps: ServerDeps, input: unknown, field: string): Promise<void> {
  const named = NamesApproval.safeParse(input);
  const approvalId = named.success ? named.data.approvalId : null;
  const approval = approvalId === null ? null : await getApproval(deps.db, approvalId);
  const record = {
    operationKey: sha256Hex(`malformed|${approval?.approval_id ?? ''}|${field}`),
    kind: 'refused' as const,
    personId: approval?.person_id ?? null,
    caseId: approval ? `case_${approval.person_id}_${approval.n}` : null,
    body: {
      what: 'decision',
      code: 'invalidInput',
      field,
      approvalId: approval?.approval_id ?? null,
      surface: 'temporal',
    },
    values: null,
  };
  await deps.db.transaction().execute((tx) => appendEvidence(tx, deps.vault, [record], deps.now()));
}
