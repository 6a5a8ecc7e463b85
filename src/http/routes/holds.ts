/** Departures that an unusual wave holds, and their release by a person. */
import { AppError } from '../../domain/errors.ts';
import { ReleaseBody } from '../../schemas/api-cases.ts';
import { findPersonId } from '../../store/read-person.ts';
import { listHolds } from '../../store/read-holds.ts';
import { releaseHold } from '../../use-cases/release-hold.ts';
import type { HttpDeps } from '../app-types.ts';
import { readJson } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function holdRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/holds', async (c) => c.json({ holds: await listHolds(deps.db, deps) }));
  router.guarded('POST /api/v1/holds/release', async (c, caller) => {
    const { persons, reason } = await readJson(c, ReleaseBody);
    const personIds: string[] = [];
    for (const [index, person] of persons.entries()) {
      const personId = await findPersonId(deps.db, person);
      if (personId === null) throw new AppError('notFound', 'Nobody answers to this id.', `persons.${index}`);
      personIds.push(personId);
    }
    return c.json(await releaseHold(deps, { personIds: [...new Set(personIds)], reason, by: personOf(caller) }));
  });
}
