/** The active policy version, and making the policy folder of the server the active one. */
import { AppError } from '../../domain/errors.ts';
import { listSeparationViolations } from '../../store/read-separation.ts';
import { activatePolicy } from '../../use-cases/activate-policy.ts';
import type { HttpDeps } from '../app-types.ts';
import { personOf, type Router } from '../router.ts';

export function policyRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/policy', async (c) => {
    const active = await deps.policies.active();
    if (!active) throw new AppError('notFound', 'No policy is active yet: usher policy activate');
    return c.json(active);
  });
  router.guarded('GET /api/v1/policy/conflicts', async (c) => {
    const active = await deps.policies.active();
    if (!active) throw new AppError('notFound', 'No policy is active yet: usher policy activate');
    return c.json({ conflicts: await listSeparationViolations(deps.db, deps, active.policy) });
  });
  router.guarded('POST /api/v1/policy/activate', async (c, caller) =>
    c.json(await activatePolicy(deps, { by: personOf(caller) })),
  );
}
