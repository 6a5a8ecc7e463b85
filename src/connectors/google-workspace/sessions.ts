/** Everything by which a person stays logged in: web and device sessions, tokens of applications, application passwords. */
import { z } from 'zod';
import type { CallContext, VendorReceipt, WriteResult } from '../kit/contract.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { directoryPath, type GoogleApi, isUserId } from './directory.ts';

/** An access token that an application holds already may outlive its grant until it runs out. */
export const residualSeconds = 3600;
const operation = 'revokeSessions';

const Tokens = z.object({ items: z.array(z.object({ clientId: z.string().min(1) })).nullish() });
const Passwords = z.object({ items: z.array(z.object({ codeId: z.number().int() })).nullish() });

/** `signOut` alone leaves applications and mail programs connected. */
export async function revokeSessions(
  api: GoogleApi,
  accountId: string,
  ctx: CallContext,
): Promise<WriteResult & { residualSeconds: number }> {
  if (!isUserId(accountId)) throw api.client.fail('notFound', operation, 'the account does not exist');
  const receipt = await send(api, 'POST', [accountId, 'signOut'], ctx);
  const tokens = await read(api, [accountId, 'tokens'], Tokens, ctx);
  for (const { clientId } of tokens.items ?? []) await remove(api, [accountId, 'tokens', clientId], ctx);
  const passwords = await read(api, [accountId, 'asps'], Passwords, ctx);
  for (const { codeId } of passwords.items ?? []) await remove(api, [accountId, 'asps', String(codeId)], ctx);
  return { outcome: 'changed', receipt, residualSeconds };
}

async function read<T>(api: GoogleApi, segments: string[], schema: z.ZodType<T>, ctx: CallContext): Promise<T> {
  const path = () => directoryPath('users', ...segments);
  return (await api.client.call({ operation, method: 'GET', path, schema }, ctx)).data;
}

async function send(
  api: GoogleApi,
  method: 'POST' | 'DELETE',
  segments: string[],
  ctx: CallContext,
): Promise<VendorReceipt> {
  const path = () => directoryPath('users', ...segments);
  return (await api.client.call({ operation, method, path, schema: z.unknown() }, ctx)).receipt;
}

/** One that is gone meanwhile is what was asked for. */
async function remove(api: GoogleApi, segments: string[], ctx: CallContext): Promise<void> {
  try {
    await send(api, 'DELETE', segments, ctx);
  } catch (error) {
    if (!isConnectorError(error, 'notFound')) throw error;
  }
}
