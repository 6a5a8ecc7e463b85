/**
 * The directory that Usher provisions by SCIM: which Atlassian account each of its users is, and which groups the user is
 * in. Atlassian's SCIM cannot be asked by Atlassian account id, so that the way back is a walk over the directory.
 */
import { z } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';
import { eachPage } from '../kit/paging.ts';
import type { VendorClient } from '../kit/vendor-client.ts';

const extension = 'urn:scim:schemas:extension:atlassian-external:1.0';

const DirectoryUser = z.object({
  id: z.string().min(1),
  groups: z.array(z.object({ display: z.string().nullish() })).nullish(),
  [extension]: z.object({ atlassianAccountId: z.string().nullish() }).nullish(),
});
type DirectoryUser = z.infer<typeof DirectoryUser>;
const DirectoryUsers = z.object({
  totalResults: z.number().int().min(0),
  Resources: z.array(DirectoryUser).nullish(),
});

/** SCIM ids are UUIDs; Atlassian's own account ids never are bare ones. */
export function isDirectoryId(accountId: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(accountId);
}

/** A change to a user name or address that is taken is described as 400; only its reason tells it from other refusals. */
export function readDirectoryRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = z.object({ scimType: z.string() }).safeParse(body);
  const isTaken = status === 400 && parsed.success && parsed.data.scimType === 'uniqueness';
  return isTaken ? { code: 'conflict', vendorCode: 'uniqueness' } : null;
}

export interface LinkedUser {
  atlassianAccountId: string;
  /** Names of the directory's groups: on a site they appear under the same names. */
  groupNames: ReadonlySet<string>;
}

/** The Atlassian account of a directory user. Throws `notFound`, and `propagating` while Atlassian has not linked it yet. */
export async function readLinkedUser(
  client: VendorClient,
  operation: string,
  scimId: string,
  ctx: CallContext,
): Promise<LinkedUser> {
  const path = () => pathOf('Users', scimId);
  const reply = await client.callOrNull({ operation, method: 'GET', path, schema: DirectoryUser }, ctx);
  if (reply === null || reply.data.id !== scimId) {
    throw client.fail('notFound', operation, 'the account does not exist');
  }
  const atlassianAccountId = reply.data[extension]?.atlassianAccountId;
  if (atlassianAccountId == null) throw client.fail('propagating', operation, 'the account is not linked yet');
  const groupNames = new Set((reply.data.groups ?? []).flatMap(({ display }) => display ?? []));
  return { atlassianAccountId, groupNames };
}

/** SCIM ids by Atlassian account id, of the whole directory (5,000 users at most). */
export async function readDirectoryLinks(
  client: VendorClient,
  { operation, count }: { operation: string; count: number },
  ctx: CallContext,
): Promise<ReadonlyMap<string, string>> {
  const fetchPage = async (cursor: string | null): Promise<Page<DirectoryUser>> => {
    const startIndex = Number(cursor ?? '1');
    const params = () => ({ startIndex, count });
    const call = { operation, method: 'GET' as const, path: () => pathOf('Users'), params, schema: DirectoryUsers };
    const { data } = await client.call(call, ctx);
    const items = data.Resources ?? [];
    const next = startIndex + items.length;
    if (next > data.totalResults) return { items, nextCursor: null };
    if (items.length === 0) throw client.fail('transient', operation, 'the listing ended before its announced end');
    return { items, nextCursor: String(next) };
  };
  const links = new Map<string, string>();
  for await (const page of eachPage(fetchPage, { systemId: client.systemId, operation })) {
    for (const user of page) {
      const atlassianAccountId = user[extension]?.atlassianAccountId;
      if (atlassianAccountId != null) links.set(atlassianAccountId, user.id);
    }
  }
  return links;
}
