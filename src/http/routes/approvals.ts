/** Approvals: those that wait for the caller (all of them for who runs Usher), and deciding one. */
import type { Caller } from '../../auth/tokens.ts';
import { AppError } from '../../domain/errors.ts';
import { ApprovalListQuery, DecisionBody } from '../../schemas/api-approvals.ts';
import { ApprovalId } from '../../schemas/ids.ts';
import { findApproval, listApprovals, type ApprovalView } from '../../store/read-approvals.ts';
import { submitDecision } from '../../use-cases/submit-decision.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readJson, readParam, readQuery } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function approvalRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/approvals', async (c, caller) => {
    const query = readQuery(c, ApprovalListQuery);
    const isAll = viewerOf(caller).canSeeAll && query.of !== 'mine';
    if (query.of === 'all' && !isAll) throw new AppError('forbidden', 'of: only your own approvals are yours to see.');
    const approverId = isAll ? undefined : personOf(caller);
    const filter = { approverId, openOnly: query.state === 'open', now: deps.now() };
    return c.json({ approvals: await listApprovals(deps.db, deps, filter) });
  });
  router.guarded('GET /api/v1/approvals/:approvalId', async (c, caller) =>
    c.json(await visibleApproval(deps, caller, readParam(c, 'approvalId', ApprovalId))),
  );
  router.guarded('POST /api/v1/approvals/:approvalId/decisions', async (c, caller) => {
    const approverId = personOf(caller);
    const body = await readJson(c, DecisionBody);
    // Its beneficiary knows of the approval anyway; the use case refuses them with the right code and records it.
    const approval = await findApproval(deps.db, deps, readParam(c, 'approvalId', ApprovalId), deps.now());
    if (!approval) throw unknownApproval();
    const { decisionId } = await submitDecision(deps, { approvalId: approval.approvalId, approverId, ...body });
    return c.json({ decisionId }, 201);
  });
}

async function visibleApproval(deps: HttpDeps, caller: Caller, approvalId: string): Promise<ApprovalView> {
  const approval = await findApproval(deps.db, deps, approvalId, deps.now());
  if (approval && (viewerOf(caller).canSeeAll || hasSeat(approval, caller.personId))) return approval;
  throw unknownApproval();
}

function hasSeat(approval: ApprovalView, personId: string | null): boolean {
  const seated = approval.seats.some((seat) => seat.approvers.some((approver) => approver.personId === personId));
  return seated || approval.actors.some(({ person }) => person.personId === personId);
}

const unknownApproval = (): AppError =>
  new AppError('notFound', 'There is no such approval, or you may not see it.', 'approvalId');
