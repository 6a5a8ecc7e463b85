/** People: what they hold and why, making somebody leave now, and erasing somebody for good. */
import { AppError } from '../../domain/errors.ts';
import { PersonIdOrRef } from '../../schemas/api-common.ts';
import { EraseBody, LeaveBody } from '../../schemas/api-persons.ts';
import { findPersonId, readPerson } from '../../store/read-person.ts';
import { erasePersonCompletely } from '../../use-cases/erase-person.ts';
import { leavePerson } from '../../use-cases/leave-person.ts';
import { viewerOf, type AppContext, type HttpDeps } from '../app-types.ts';
import { readJson, readParam } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function personRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/persons/:person', async (c, caller) => {
    const personId = await personInPath(deps, c);
    const viewer = viewerOf(caller);
    if (!viewer.canSeeAll && personId !== caller.personId) throw unknownPerson();
    const policy = (await deps.policies.active())?.policy ?? null;
    const person = await readPerson(deps.db, deps, personId, { ...viewer, policy, now: deps.now() });
    if (!person) throw unknownPerson();
    return c.json(person);
  });
  router.guarded('POST /api/v1/persons/:person/leave', async (c, caller) => {
    const { reason } = await readJson(c, LeaveBody);
    const personId = await personInPath(deps, c);
    return c.json(await leavePerson(deps, { personId, reason, by: personOf(caller) }), 202);
  });
  router.guarded('POST /api/v1/persons/:person/erase', async (c, caller) => {
    const { reason } = await readJson(c, EraseBody);
    const personId = await personInPath(deps, c);
    await erasePersonCompletely(deps, { personId, reason, by: personOf(caller) });
    return c.json({ personId, isErased: true });
  });
}

async function personInPath(deps: HttpDeps, c: AppContext): Promise<string> {
  const personId = await findPersonId(deps.db, readParam(c, 'person', PersonIdOrRef));
  if (personId === null) throw unknownPerson();
  return personId;
}

const unknownPerson = (): AppError =>
  new AppError('notFound', 'Nobody answers to this id, or you may not see them.', 'person');
