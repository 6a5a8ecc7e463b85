/**
 * Last sign-ins. Everything that Okta has: `lastLogin` of every account, null where the person never signed in. Since a
 * time: the system log, as a polling query, which Okta bounds by the time at which it stored an event and not by the time
 * at which it happened: a sign-in that was stored late is not missed. Such a query ends with an empty page.
 * https://developer.okta.com/docs/reference/system-log-query/
 */
import { z } from 'zod';
import type { CallContext, Page, UsageView } from '../kit/contract.ts';
import { scimEquals } from '../kit/escape.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { everyStatus, listPage, listUsers, type OktaApi } from './api.ts';

const operation = 'listUsage';
const logPageMax = 1000;
const signIns = [scimEquals('eventType', 'user.session.start'), scimEquals('outcome.result', 'SUCCESS')].join(' and ');

const LogEvent = z.object({
  actor: z.object({ id: z.string().nullish(), type: z.string().nullish() }).nullish(),
  published: z.string(),
});
type LogEvent = z.infer<typeof LogEvent>;

/** Which of the two a cursor belongs to stands before it; `users:` alone is the first page. */
const usersPrefix = 'users:';
const logPrefix = 'log:';

export async function listUsage(
  api: OktaApi,
  since: string | null,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<UsageView>> {
  if (since === null || cursor?.startsWith(usersPrefix) === true) return fromUsers(api, cursor, ctx);
  if (cursor !== null) return fromLog(api, since, cursor, ctx);
  try {
    return await fromLog(api, since, null, ctx);
  } catch (error) {
    // The log keeps 90 days and refuses what reaches back further; `lastLogin` has no such end.
    if (isConnectorError(error, 'validation')) return fromUsers(api, null, ctx);
    throw error;
  }
}

async function fromUsers(api: OktaApi, cursor: string | null, ctx: CallContext): Promise<Page<UsageView>> {
  const after = cursor === null ? null : cursor.slice(usersPrefix.length);
  const { items, nextCursor } = await listUsers(api, { operation, cursor: after, query: { filter: everyStatus } }, ctx);
  // An account without the field says nothing; one with null says never.
  const known = items.flatMap(({ id, lastLogin }) => (lastLogin === undefined ? [] : [usageOf(id, lastLogin)]));
  return { items: known, nextCursor: nextCursor === null ? null : `${usersPrefix}${nextCursor}` };
}

async function fromLog(api: OktaApi, since: string, cursor: string | null, ctx: CallContext): Promise<Page<UsageView>> {
  const query = { since, filter: signIns, sortOrder: 'ASCENDING', limit: logPageMax };
  const after = cursor === null ? null : cursor.slice(logPrefix.length);
  const page = await listPage(api, ['logs'], LogEvent, { operation, cursor: after, query }, ctx);
  // A polling query always has a next page: the one behind an empty one is still to be written.
  const isEnd = page.items.length === 0 || page.nextCursor === null;
  return { items: latestOf(page.items), nextCursor: isEnd ? null : `${logPrefix}${page.nextCursor}` };
}

function latestOf(events: LogEvent[]): UsageView[] {
  const latest = new Map<string, string>();
  for (const { actor, published } of events) {
    if (actor?.type !== 'User' || !actor.id) continue;
    const known = latest.get(actor.id);
    if (known === undefined || Date.parse(known) < Date.parse(published)) latest.set(actor.id, published);
  }
  return [...latest].map(([accountId, lastUsedAt]) => usageOf(accountId, lastUsedAt));
}

function usageOf(accountId: string, lastUsedAt: string | null): UsageView {
  return { accountId, vendorEntitlementId: null, lastUsedAt };
}
