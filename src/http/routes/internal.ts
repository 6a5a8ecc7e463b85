/** What the worker asks the server for, with its service token: authorisations, approvals, and the check of claims. */
import { claimDecision } from '../../use-cases/claim-decision.ts';
import { escalateApproval } from '../../use-cases/escalate-approval.ts';
import { closeApproval, remindApprovers } from '../../use-cases/follow-approval.ts';
import { issueAuthorisations } from '../../use-cases/issue-authorisations.ts';
import { queueReportedEmail } from '../../use-cases/queue-work-email.ts';
import { openApproval } from '../../use-cases/open-approval.ts';
import type { HttpDeps } from '../app-types.ts';
import { readJsonValue } from '../input.ts';
import type { Router } from '../router.ts';

export function internalRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('POST /internal/authorisations', async (c) =>
    c.json(await issueAuthorisations(deps, await readJsonValue(c))),
  );
  router.guarded('POST /internal/decisions/claim', async (c) =>
    c.json(await claimDecision(deps, await readJsonValue(c))),
  );
  router.guarded('POST /internal/approvals/open', async (c) =>
    c.json(await openApproval(deps, await readJsonValue(c))),
  );
  router.guarded('POST /internal/approvals/remind', async (c) =>
    c.json(await remindApprovers(deps, await readJsonValue(c))),
  );
  router.guarded('POST /internal/approvals/escalate', async (c) =>
    c.json(await escalateApproval(deps, await readJsonValue(c))),
  );
  router.guarded('POST /internal/approvals/close', async (c) => {
    await closeApproval(deps, await readJsonValue(c));
    return c.json({});
  });
  router.guarded('POST /internal/work-email', async (c) =>
    c.json(await queueReportedEmail(deps, await readJsonValue(c))),
  );
}
