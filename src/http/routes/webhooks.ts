/** Signed webhooks of HR systems. The signature is over the raw bytes, so nothing here parses the body. */
import type { HttpDeps } from '../app-types.ts';
import { SystemId } from '../../schemas/ids.ts';
import { receiveWebhook } from '../../use-cases/intake-webhook.ts';
import { readParam } from '../input.ts';
import type { Router } from '../router.ts';

export function webhookRoutes(router: Router, deps: HttpDeps): void {
  router.open('POST /webhooks/:systemId', async (c) => {
    const systemId = readParam(c, 'systemId', SystemId);
    const body = new Uint8Array(await c.req.arrayBuffer());
    const answer = await receiveWebhook(deps, systemId, c.req.header(), body);
    return c.json({ detail: answer.detail }, answer.status);
  });
}
