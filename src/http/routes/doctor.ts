/** What is wrong with the installation, as the server sees it. */
import { diagnose } from '../../use-cases/diagnose.ts';
import type { HttpDeps } from '../app-types.ts';
import type { Router } from '../router.ts';

export function doctorRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/doctor', async (c) => {
    // The clock of the machine, not the one that tests move: the client compares it with its own.
    const at = new Date().toISOString();
    return c.json({ at, findings: await diagnose(deps) });
  });
}
