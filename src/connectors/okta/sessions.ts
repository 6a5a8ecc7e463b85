/**
 * Ending what an account has open at Okta: its sessions with all OAuth tokens first, which is what counts at a cut-off;
 * then refresh tokens that single clients hold, and consents, with which a client could ask for new ones.
 */
import { z } from 'zod';
import type { CallContext, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { collectPages } from '../kit/paging.ts';
import { listPage, type OktaApi } from './api.ts';

/** Access tokens that a resource server checks by signature alone live on for their hour. */
export const residualSeconds = 3600;

const operation = 'revokeSessions';
const OAuthClient = z.object({ client_id: z.string().min(1) });

export async function revokeSessions(
  api: OktaApi,
  accountId: string,
  ctx: CallContext,
): Promise<WriteResult & { residualSeconds: number }> {
  const remove = (rest: string[], query: Record<string, boolean> = {}) => ({
    operation,
    method: 'DELETE' as const,
    path: () => pathOf('api', 'v1', 'users', accountId, ...rest),
    params: () => query,
    schema: z.unknown(),
  });
  const { receipt } = await api.client.call(remove(['sessions'], { oauthTokens: true, forgetDevices: true }), ctx);
  const clients = await collectPages(
    (cursor) => listPage(api, ['users', accountId, 'clients'], OAuthClient, { operation, cursor }, ctx),
    { systemId: api.client.systemId, operation },
  );
  // What is gone already is what was wanted.
  for (const { client_id: clientId } of clients) {
    await api.client.callOrNull(remove(['clients', clientId, 'tokens']), ctx);
  }
  if (clients.length > 0) await api.client.callOrNull(remove(['grants']), ctx);
  return { outcome: 'changed', receipt, residualSeconds };
}
