/** Systems with their health, and checking them: HR systems by the server, all others by the worker, which has their keys. */
import { CheckBody } from '../../schemas/api-systems.ts';
import { listSystems } from '../../store/read-systems.ts';
import type { HttpDeps } from '../app-types.ts';
import { checkSystems } from '../check-systems.ts';
import { readJson } from '../input.ts';
import type { Router } from '../router.ts';

export function systemRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/systems', async (c) => {
    const active = await deps.policies.active();
    return c.json({ systems: await listSystems(deps.db, active?.policy ?? null) });
  });
  router.guarded('POST /api/v1/systems/check', async (c) => {
    const { systemId } = await readJson(c, CheckBody);
    const systems = await checkSystems(deps, systemId ?? null);
    return c.json({ isHealthy: systems.every((system) => system.isHealthy), systems });
  });
}
