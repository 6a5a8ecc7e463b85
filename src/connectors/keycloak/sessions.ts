/** Sessions and tokens of an account, ended for good. */
import { z } from 'zod';
import type { CallContext, WriteResult } from '../kit/contract.ts';
import { type KeycloakApi, NoBody, realmPath } from './api.ts';

const Consents = z.array(
  z.object({
    clientId: z.string().min(1),
    /** One for offline tokens, with the client's own id. */
    additionalGrants: z.array(z.object({ client: z.string().min(1) })).nullish(),
  }),
);
const Sessions = z.array(z.object({ id: z.string().min(1) }));

/**
 * Logs out everywhere, then ends the offline tokens, which a logout leaves alive. They hang on each client's consent;
 * where a client is called after its address, which no path can hold, its offline sessions are ended one by one.
 */
export async function revokeSessions(api: KeycloakApi, accountId: string, ctx: CallContext): Promise<WriteResult> {
  const operation = 'revokeSessions';
  const of = (...segments: string[]) => realmPath(api, 'users', accountId, ...segments);
  const logout = { operation, method: 'POST' as const, path: () => of('logout'), schema: NoBody };
  const { receipt } = await api.client.call(logout, ctx);
  const consents = { operation, method: 'GET' as const, path: () => of('consents'), schema: Consents };
  for (const { clientId, additionalGrants } of (await api.client.call(consents, ctx)).data) {
    const clients = (additionalGrants ?? []).map(({ client }) => client);
    if (clients.length === 0) continue;
    if (/[/\\]/.test(clientId)) {
      for (const client of clients) await endOfflineSessions(api, accountId, client, ctx);
      continue;
    }
    // 404: gone meanwhile, and that is what was wanted.
    const path = () => of('consents', clientId);
    await api.client.callOrNull({ operation, method: 'DELETE', path, schema: NoBody }, ctx);
  }
  return { outcome: 'changed', receipt };
}

async function endOfflineSessions(
  api: KeycloakApi,
  accountId: string,
  client: string,
  ctx: CallContext,
): Promise<void> {
  const operation = 'revokeSessions';
  const list = () => realmPath(api, 'users', accountId, 'offline-sessions', client);
  const { data } = await api.client.call({ operation, method: 'GET', path: list, schema: Sessions }, ctx);
  for (const { id } of data) {
    const path = () => realmPath(api, 'sessions', id);
    const params = () => ({ isOffline: true });
    await api.client.callOrNull({ operation, method: 'DELETE', path, params, schema: NoBody }, ctx);
  }
}
