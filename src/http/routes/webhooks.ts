/** Signed webhooks of HR systems. The signature is over the raw bytes, so nothing here parses the body. */
import type { HttpDeps } from '../app-types.ts';
import { SystemId } from '../../schemas/ids.ts';
import { receiveWebhook } from '../../use-cases/intake-webhook.ts';
import { readParam } from '../input.ts';
import type { Router } from '../router.ts';

const outcomes = { 200: 'repeated', 202: 'accepted', 400: 'refused', 401: 'refused', 503: 'refused' } as const;

export function webhookRoutes(router: Router, deps: HttpDeps): void {
  router.open('POST /webhooks/:systemId', async (c) => {
    const systemId = readParam(c, 'systemId', SystemId);
    const body = new Uint8Array(await c.req.arrayBuffer());
    const answer = await receiveWebhook(deps, systemId, c.req.header(), body);
    // An unknown system is no label: a stranger could invent any number of them.
    if (answer.status !== 404) deps.countWebhook?.(systemId, outcomes[answer.status]);
    return c.json({ detail: answer.detail }, answer.status);
  });
}
