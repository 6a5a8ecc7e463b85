/** The page `/`: everything at one glance, read only. */
import { z } from 'zod';
import { listApprovals } from '../../store/read-approvals.ts';
import { listCases } from '../../store/read-cases.ts';
import { listHolds } from '../../store/read-holds.ts';
import { listIncidents } from '../../store/read-incidents.ts';
import { listSystems } from '../../store/read-systems.ts';
import { accountsOfSystems } from '../accounts-of-systems.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readQuery } from '../input.ts';
import { homePage } from '../pages/home-page.ts';
import type { Router } from '../router.ts';
import { temporalLink } from '../temporal-link.ts';

/** `refresh` asks the systems again for their accounts; `live` makes the page renew itself. */
const HomeQuery = z.object({ refresh: z.literal('1').optional(), live: z.literal('1').optional() });

export function homeRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /', async (c, caller) => {
    const query = readQuery(c, HomeQuery);
    const viewer = viewerOf(caller);
    const policy = (await deps.policies.active())?.policy ?? null;
    const page = homePage({
      isLive: query.live === '1',
      cases: await listCases(deps.db, deps, { ...viewer, limit: 50 }),
      approvals: await listApprovals(deps.db, deps, { openOnly: true, now: deps.now() }),
      holds: await listHolds(deps.db, deps),
      incidents: await listIncidents(deps.db, deps, viewer),
      systems: await listSystems(deps.db, policy),
      accounts: policy === null ? [] : await accountsOfSystems(deps, policy, query.refresh === '1'),
      mailboxUrl: deps.mailboxUrl,
      temporalLink: (workflowId) => temporalLink(deps, workflowId),
    });
    return c.html(page);
  });
}
