/** Cases: the list, one with all that happened, and trying its failed items again. */
import type { Caller } from '../../auth/tokens.ts';
import { AppError } from '../../domain/errors.ts';
import { CaseListQuery, RetryBody } from '../../schemas/api-cases.ts';
import { CaseId } from '../../schemas/ids.ts';
import { listApprovals } from '../../store/read-approvals.ts';
import { readCaseDetail } from '../../store/read-case-detail.ts';
import { findCase, listCases, type CaseView } from '../../store/read-cases.ts';
import { endHandOver } from '../../use-cases/end-hand-over.ts';
import { resumeCase } from '../../use-cases/resume-case.ts';
import { retryFailedItems } from '../../use-cases/retry-items.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readJson, readParam, readQuery } from '../input.ts';
import { personOf, type Router } from '../router.ts';
import { temporalLink } from '../temporal-link.ts';

export function caseRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/cases', async (c, caller) => {
    const { state } = readQuery(c, CaseListQuery);
    const viewer = viewerOf(caller);
    const personId = viewer.canSeeAll ? undefined : personOf(caller);
    const cases = await listCases(deps.db, deps, { ...viewer, state, personId });
    return c.json({ cases });
  });
  router.guarded('GET /api/v1/cases/:caseId', async (c, caller) => {
    const found = await visibleCase(deps, caller, readParam(c, 'caseId', CaseId));
    const detail = await readCaseDetail(deps.db, deps, found, deps.now());
    return c.json({ ...detail, temporalUrl: temporalLink(deps, found.caseId) });
  });
  router.guarded('POST /api/v1/cases/:caseId/retry', async (c, caller) => {
    const { systemId } = await readJson(c, RetryBody);
    const found = await visibleCase(deps, caller, readParam(c, 'caseId', CaseId));
    await retryFailedItems(deps, { caseId: found.caseId, systemId, by: personOf(caller) });
    return c.json({ caseId: found.caseId, systemId }, 202);
  });
  router.guarded('POST /api/v1/cases/:caseId/resume', async (c, caller) => {
    const found = await visibleCase(deps, caller, readParam(c, 'caseId', CaseId));
    await resumeCase(deps, { caseId: found.caseId, by: personOf(caller) });
    return c.json({ caseId: found.caseId }, 202);
  });
  // Who may is decided by the use case: the manager of before has no other share in the case.
  router.guarded('POST /api/v1/cases/:caseId/hand-over/end', async (c, caller) => {
    const caseId = readParam(c, 'caseId', CaseId);
    await endHandOver(deps, { caseId, by: personOf(caller), mayOperate: caller.scopes.has('operate') });
    return c.json({ caseId }, 202);
  });
}

/** A case that the caller may see: as beneficiary, as approver, or by scope. Throws AppError `notFound` otherwise. */
async function visibleCase(deps: HttpDeps, caller: Caller, caseId: string): Promise<CaseView> {
  const viewer = viewerOf(caller);
  const found = await findCase(deps.db, deps, caseId, viewer);
  if (found && (viewer.canSeeAll || (await isInvolved(deps, caller, found)))) return found;
  throw new AppError('notFound', `There is no case ${caseId}, or you may not see it.`, 'caseId');
}

async function isInvolved(deps: HttpDeps, caller: Caller, found: CaseView): Promise<boolean> {
  if (caller.personId === null) return false;
  if (caller.scopes.has('read:own-cases') && found.personId === caller.personId) return true;
  if (!caller.scopes.has('decide')) return false;
  const mine = await listApprovals(deps.db, deps, { approverId: caller.personId, ofCase: found, now: deps.now() });
  return mine.length > 0;
}
