/** Systems with their health, and checking them: HR systems by the server, all others by the worker, which has their keys. */
import { InventoryBody, SystemQuery } from '../../schemas/api-inventory.ts';
import { CheckBody } from '../../schemas/api-systems.ts';
import { SystemId } from '../../schemas/ids.ts';
import { listSystems } from '../../store/read-systems.ts';
import { showSystem } from '../../use-cases/show-system.ts';
import { takeInventory } from '../../use-cases/take-inventory.ts';
import type { HttpDeps } from '../app-types.ts';
import { checkSystems } from '../check-systems.ts';
import { readJson, readParam, readQuery } from '../input.ts';
import { personOf, type Router } from '../router.ts';

export function systemRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/systems', async (c) => {
    const active = await deps.policies.active();
    return c.json({ systems: await listSystems(deps.db, active?.policy ?? null) });
  });
  router.guarded('POST /api/v1/systems/check', async (c) => {
    const { systemId, timeoutSeconds } = await readJson(c, CheckBody);
    const systems = await checkSystems(deps, systemId ?? null, timeoutSeconds * 1_000);
    return c.json({ isHealthy: systems.every((system) => system.isHealthy), systems });
  });
  router.guarded('GET /api/v1/systems/:systemId', async (c) => {
    const systemId = readParam(c, 'systemId', SystemId);
    const { after = null, limit, accounts } = readQuery(c, SystemQuery);
    return c.json(await showSystem(deps, { systemId, after, limit, orphansOnly: accounts === 'orphans' }));
  });
  router.guarded('POST /api/v1/systems/:systemId/inventory', async (c, caller) => {
    const systemId = readParam(c, 'systemId', SystemId);
    const { requestId = null } = await readJson(c, InventoryBody);
    return c.json(await takeInventory(deps, { systemId, requestId, by: personOf(caller) }));
  });
}
