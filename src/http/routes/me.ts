/** Who the token names and what it may do. */
import { readNames } from '../../store/read-names.ts';
import type { HttpDeps } from '../app-types.ts';
import type { Router } from '../router.ts';

export function meRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/me', async (c, caller) => {
    const nameOf = await readNames(deps.db, deps, [caller.personId]);
    return c.json({
      personId: caller.personId,
      name: caller.personId === null ? null : nameOf(caller.personId),
      label: caller.label,
      scopes: [...caller.scopes].toSorted(),
    });
  });
}
