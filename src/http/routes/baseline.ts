/** Modes of systems: recording what was there before, and switching to enforcement once the difference was confirmed. */
import { BaselineBody, EnforceBody } from '../../schemas/api-baseline.ts';
import { SystemId } from '../../schemas/ids.ts';
import { enforceSystem } from '../../use-cases/enforce-system.ts';
import { recordBaseline } from '../../use-cases/record-baseline.ts';
import type { HttpDeps } from '../app-types.ts';
import { readJson, readParam } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function baselineRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('POST /api/v1/systems/:systemId/baseline', async (c, caller) => {
    const { requestId = null } = await readJson(c, BaselineBody);
    const systemId = readParam(c, 'systemId', SystemId);
    return c.json(await recordBaseline(deps, { systemId, requestId, by: personOf(caller) }));
  });
  router.guarded('POST /api/v1/systems/:systemId/enforce', async (c, caller) => {
    const { requestId = null, confirm = null } = await readJson(c, EnforceBody);
    const systemId = readParam(c, 'systemId', SystemId);
    return c.json(await enforceSystem(deps, { systemId, requestId, confirm, by: personOf(caller) }));
  });
}
