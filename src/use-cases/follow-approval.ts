/** What happens to an open approval on its way: the reminder, and its end. */
import { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { ApprovalId } from '../schemas/ids.ts';
import { getApproval } from '../store/decisions.ts';
import { tellStory } from '../store/story.ts';
import { tellApprovers } from './open-approval.ts';
import type { ServerDeps } from './server-deps.ts';

export const RemindRequest = z.strictObject({ approvalId: ApprovalId });

/** Reminds those who have not decided. A closed approval is not reminded of: answers 0. */
export async function remindApprovers(deps: ServerDeps, input: unknown): Promise<{ told: number }> {
  const { approvalId } = RemindRequest.parse(input);
  const approval = await getApproval(deps.db, approvalId);
  if (!approval) throw new AppError('notFound', 'there is no such approval');
  if (approval.state !== 'open') return { told: 0 };
  const told = await tellApprovers(deps, approval, 'reminder');
  const line = { at: deps.now(), personId: approval.person_id, n: approval.n, data: { approvalId, told } };
  await tellStory(deps.db, { ...line, kind: 'reminded' });
  return { told };
}

export const CloseApprovalRequest = z.strictObject({
  approvalId: ApprovalId,
  state: z.enum(['decided', 'expired', 'cancelled']),
});

/** Closes an approval; closing a closed one changes nothing. */
export async function closeApproval(deps: ServerDeps, input: unknown): Promise<{ state: string }> {
  const { approvalId, state } = CloseApprovalRequest.parse(input);
  const now = deps.now();
  return deps.db.transaction().execute(async (tx) => {
    const approval = await getApproval(tx, approvalId);
    if (!approval) throw new AppError('notFound', 'there is no such approval');
    if (approval.state !== 'open') return { state: approval.state };
    await tx
      .updateTable('approval')
      .set({ state, closed_at: now })
      .where('approval_id', '=', approvalId)
      .where('state', '=', 'open')
      .execute();
    await tx
      .updateTable('approval_question')
      .set({ state: 'withdrawn' })
      .where('approval_id', '=', approvalId)
      .where('state', '=', 'open')
      .execute();
    await tellStory(tx, {
      at: now,
      personId: approval.person_id,
      n: approval.n,
      kind: 'approvalClosed',
      data: { approvalId, state },
    });
    await appendEvidence(
      tx,
      deps.vault,
      [
        {
          operationKey: approvalId,
          kind: 'approvalClosed',
          personId: approval.person_id,
          caseId: `case_${approval.person_id}_${approval.n}`,
          body: { approvalId, state },
          values: null,
        },
      ],
      now,
    );
    return { state };
  });
}
