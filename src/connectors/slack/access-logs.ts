/**
 * Last uses from Slack's access logs. A row stands for one user on one device and network; Slack shows at most a hundred
 * pages, so that a longer log is read in stretches, each ending where the one before it began.
 */
import { z } from 'zod';
import type { CallContext, Page, UsageView } from '../kit/contract.ts';
import type { VendorClient } from '../kit/vendor-client.ts';
import { callWebApi } from './web-api.ts';

const AccessLogs = z.object({
  logins: z.array(z.object({ user_id: z.string().min(1), date_last: z.number().int().min(0) })),
  paging: z.object({ page: z.number().int(), pages: z.number().int().nullish(), total: z.number().int() }),
});

const lastPage = 100;
const operation = 'listUsage';
const cursorShape = /^(\d{1,3}):(\d{0,12})$/;

/** One page of last uses since the time; several rows of one account are its devices. No row is no news. */
export async function listAccessLogs(
  client: VendorClient,
  { since, cursor, count }: { since: string | null; cursor: string | null; count: number },
  call: { now: () => number; ctx: CallContext },
): Promise<Page<UsageView>> {
  const { page, before } = placeOf(client, cursor);
  const params = { count, page, ...(before === '' ? {} : { before }) };
  const request = { operation, kind: 'read' as const, procedure: 'team.accessLogs', params, schema: AccessLogs };
  const { logins, paging } = (await callWebApi(client, request, call)).data;
  const sinceSeconds = since === null ? 0 : Date.parse(since) / 1000;
  const lastByUser = new Map<string, number>();
  for (const { user_id: id, date_last: at } of logins) lastByUser.set(id, Math.max(at, lastByUser.get(id) ?? 0));
  const items = [...lastByUser]
    .filter(([, at]) => at >= sinceSeconds)
    .map(([accountId, at]) => ({
      accountId,
      vendorEntitlementId: null,
      lastUsedAt: new Date(at * 1000).toISOString(),
    }));
  return { items, nextCursor: nextOf(client, { page, before, count, logins, paging }) };
}

function placeOf(client: VendorClient, cursor: string | null): { page: number; before: string } {
  const [, page, before] = cursorShape.exec(cursor ?? '1:') ?? [];
  if (page === undefined || before === undefined) {
    throw client.fail('validation', operation, 'not a cursor of this connector');
  }
  return { page: Number(page), before };
}

function nextOf(
  client: VendorClient,
  { page, before, count, logins, paging }: { page: number; before: string; count: number } & z.infer<typeof AccessLogs>,
): string | null {
  const pages = paging.pages ?? Math.ceil(paging.total / count);
  if (page >= pages) return null;
  if (logins.length === 0) throw client.fail('transient', operation, 'the log ended before its announced end');
  if (page < lastPage) return `${page + 1}:${before}`;
  const oldest = String(Math.min(...logins.map(({ date_last: at }) => at)));
  // More rows of one second than Slack shows at all: what is missing could not be told from what never was.
  if (oldest === before) throw client.fail('transient', operation, 'the log does not go on');
  return `1:${oldest}`;
}
