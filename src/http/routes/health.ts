/** Liveness and readiness for whoever restarts the process. They tell nothing about the company. */
import { readinessOf } from '../../observe/readiness.ts';
import { serverParts } from '../../use-cases/server-readiness.ts';
import type { HttpDeps } from '../app-types.ts';
import type { Router } from '../router.ts';

export function healthRoutes(router: Router, deps: HttpDeps): void {
  router.open('GET /healthz', (c) => c.json({ status: 'ok' }));
  router.open('GET /readyz', async (c) => {
    const readiness = await readinessOf(serverParts(deps));
    return c.json(readiness, readiness.status === 'ready' ? 200 : 503);
  });
}
