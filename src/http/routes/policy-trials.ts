/** What a policy would do: the difference between two versions for the people of today, and invented events. Writes nothing. */
import { DiffBody, SimulateBody } from '../../schemas/api-policy-trials.ts';
import { diffPolicies } from '../../use-cases/diff-policies.ts';
import { simulateEvent } from '../../use-cases/simulate-event.ts';
import type { HttpDeps } from '../app-types.ts';
import { readJson } from '../input.ts';
import type { Router } from '../router.ts';

export function policyTrialRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('POST /api/v1/policy/diff', async (c) =>
    c.json(await diffPolicies(deps, await readJson(c, DiffBody))),
  );
  router.guarded('POST /api/v1/policy/simulate', async (c) =>
    c.json(await simulateEvent(deps, await readJson(c, SimulateBody))),
  );
}
