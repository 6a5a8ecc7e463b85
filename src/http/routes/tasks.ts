/** Changes that people make by hand: what waits for whom, and the word of the owner of the system. */
import { TaskAnswerBody, TaskName } from '../../schemas/api-tasks.ts';
import { waitLabel, waitsStanding } from '../../store/outside-waits.ts';
import { readNames } from '../../store/read-names.ts';
import { ownerOfSystem } from '../../store/system-owner.ts';
import { answerTask } from '../../use-cases/answer-task.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readJson, readParam } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function taskRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/tasks', async (c, caller) => {
    const version = await deps.policies.active();
    const seesAll = viewerOf(caller).canSeeAll;
    const own = seesAll ? null : personOf(caller);
    const standing = await waitsStanding(deps.db);
    const owned = [];
    for (const wait of standing) {
      const ownerId =
        version === null ? null : await ownerOfSystem(deps.db, version.policy, wait.system_id, wait.person_id);
      if (own === null || ownerId === own) owned.push({ wait, ownerId });
    }
    const ids = owned.flatMap(({ wait, ownerId }) => [wait.person_id, ownerId]);
    const nameOf = await readNames(deps.db, deps, ids);
    const tasks = owned.map(({ wait, ownerId }) => ({
      taskId: wait.wait_id,
      systemId: wait.system_id,
      caseId: `case_${wait.person_id}_${wait.n}`,
      person: { personId: wait.person_id, name: nameOf(wait.person_id) },
      what: waitLabel(wait),
      ticketNumber: wait.ticket_number,
      state: wait.state,
      since: wait.opened_at.toISOString(),
      claimedAt: wait.claimed_at?.toISOString() ?? null,
      owner: ownerId === null ? null : { personId: ownerId, name: nameOf(ownerId) },
    }));
    return c.json({ tasks });
  });
  router.guarded('POST /api/v1/tasks/:task/answer', async (c, caller) => {
    const by = personOf(caller);
    const task = readParam(c, 'task', TaskName);
    const { word, reason = null } = await readJson(c, TaskAnswerBody);
    return c.json(await answerTask(deps, { task, by, word, reason }), 201);
  });
}
