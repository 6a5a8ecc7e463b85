/** Why somebody holds an entitlement, or why not, today or on a day that is over. */
import { AppError } from '../../domain/errors.ts';
import { AccessQuery } from '../../schemas/api-access.ts';
import { PersonIdOrRef } from '../../schemas/api-common.ts';
import { findPersonId } from '../../store/read-person.ts';
import { explainAccessOf } from '../../use-cases/explain-access.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readParam, readQuery } from '../input.ts';
import type { Router } from '../router.ts';

export function accessRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/persons/:person/access', async (c, caller) => {
    const personId = await findPersonId(deps.db, readParam(c, 'person', PersonIdOrRef));
    const { entitlement, asOf } = readQuery(c, AccessQuery);
    if (personId === null || (!viewerOf(caller).canSeeAll && personId !== caller.personId)) {
      throw new AppError('notFound', 'Nobody answers to this id, or you may not see them.', 'person');
    }
    return c.json(await explainAccessOf(deps, { personId, entitlementId: entitlement, asOf: asOf ?? null }));
  });
}
