/** Last log-ins, from `lastLoginTime` of the accounts. */
import { z } from 'zod';
import type { CallContext, Page, UsageView } from '../kit/contract.ts';
import { type GoogleApi, listPage, pageMax } from './directory.ts';

const LogIn = z.object({ id: z.string().min(1), lastLoginTime: z.iso.datetime({ offset: true }).nullish() });

/** An account that was never used is told on every run, whatever `since` says: Google states it as of now. */
export async function listUsage(
  api: GoogleApi,
  since: string | null,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<UsageView>> {
  const query = () => ({
    customer: api.config.customerId,
    maxResults: pageMax,
    fields: 'nextPageToken,users(id,lastLoginTime)',
  });
  const page = await listPage(api, { operation: 'listUsage', of: 'users', schema: LogIn, cursor, query }, ctx);
  const sinceMs = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const rows = page.items.flatMap(({ id, lastLoginTime }): UsageView[] => {
    if (lastLoginTime == null) return [];
    const atMs = Date.parse(lastLoginTime);
    // The beginning of the epoch stands for "never".
    const lastUsedAt = atMs <= 0 ? null : new Date(atMs).toISOString();
    const isNews = lastUsedAt === null || atMs >= sinceMs;
    return isNews ? [{ accountId: id, vendorEntitlementId: null, lastUsedAt }] : [];
  });
  return { ...page, items: rows };
}
