/** Liveness and readiness for whoever restarts the process. They tell nothing about the company. */
import { sql } from 'kysely';
import type { HttpDeps } from '../app-types.ts';
import type { Router } from '../router.ts';

export function healthRoutes(router: Router, deps: HttpDeps): void {
  router.open('GET /healthz', (c) => c.json({ status: 'ok' }));
  router.open('GET /readyz', async (c) => {
    try {
      await sql`select 1`.execute(deps.db);
      return c.json({ status: 'ready' });
    } catch {
      return c.json({ status: 'notReady', reason: 'the database does not answer' }, 503);
    }
  });
}
