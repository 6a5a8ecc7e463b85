/** Incidents with the cases that hang on them. */
import { IncidentListQuery } from '../../schemas/api-systems.ts';
import { listIncidents } from '../../store/read-incidents.ts';
import { viewerOf, type HttpDeps } from '../app-types.ts';
import { readQuery } from '../input.ts';
import type { Router } from '../router.ts';

export function incidentRoutes(router: Router, deps: HttpDeps): void {
  router.guarded('GET /api/v1/incidents', async (c, caller) => {
    const { state } = readQuery(c, IncidentListQuery);
    const filter = { ...viewerOf(caller), openOnly: state === 'open' };
    return c.json({ incidents: await listIncidents(deps.db, deps, filter) });
  });
}
