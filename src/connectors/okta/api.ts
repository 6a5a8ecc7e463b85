/** Pages and single reads of Okta's management API; no decisions. */
import { z } from 'zod';
import type { AccountView, CallContext, Page } from '../kit/contract.ts';
import { oktaEqualsAny, pathOf } from '../kit/escape.ts';
import { nextLinkCursor } from '../kit/paging.ts';
import type { VendorClient } from '../kit/vendor-client.ts';
import { User } from './profile.ts';

export interface OktaApi {
  client: VendorClient;
  /** Origin of the organisation; next links that leave it are refused. */
  url: string;
  sendActivationMail: boolean;
  /** Whether administrator roles are entitlements. */
  hasAdminRoles: boolean;
}

export const pageMax = 200;

const statuses = 'ACTIVE DEPROVISIONED LOCKED_OUT PASSWORD_EXPIRED PROVISIONED RECOVERY STAGED SUSPENDED'.split(' ');
/** The plain listing leaves out deprovisioned accounts; a filter that names every status does not. */
export const everyStatus = oktaEqualsAny('status', statuses);

export interface Listing {
  operation: string;
  cursor: string | null;
  query?: Record<string, string | number>;
}

/** A page, and when Okta says that it answered (ms since the epoch; null where it does not say). */
export interface OktaPage<T> extends Page<T> {
  answeredAtMs: number | null;
}

export async function listPage<T>(
  { client, url }: OktaApi,
  segments: string[],
  schema: z.ZodType<T>,
  { operation, cursor, query }: Listing,
  ctx: CallContext,
): Promise<OktaPage<T>> {
  const path = () => pathOf('api', 'v1', ...segments);
  const params = () => ({ ...query, ...(cursor === null ? {} : { after: cursor }) });
  const call = { operation, method: 'GET' as const, path, params, schema: z.array(schema) };
  const { data, header } = await client.call(call, ctx);
  const nextCursor = nextLinkCursor(header('link'), 'after', url, { systemId: client.systemId, operation });
  const answeredAtMs = Date.parse(header('date') ?? '');
  return { items: data, nextCursor, answeredAtMs: Number.isNaN(answeredAtMs) ? null : answeredAtMs };
}

export function listUsers(api: OktaApi, listing: Listing, ctx: CallContext): Promise<OktaPage<User>> {
  return listPage(api, ['users'], User, { ...listing, query: { limit: pageMax, ...listing.query } }, ctx);
}

/** Null where Okta says that there is no such account. */
export async function readUser(
  api: OktaApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<User | null> {
  const path = () => pathOf('api', 'v1', 'users', accountId);
  const reply = await api.client.callOrNull({ operation, method: 'GET', path, schema: User }, ctx);
  // Okta also reads a login in this place: the answer must be about the id that was asked for.
  return reply === null || reply.data.id !== accountId ? null : reply.data;
}

/** Throws `notFound` where Okta says that there is no such account. */
export async function mustRead(api: OktaApi, operation: string, accountId: string, ctx: CallContext): Promise<User> {
  const user = await readUser(api, operation, accountId, ctx);
  if (user === null) throw api.client.fail('notFound', operation, 'the account does not exist');
  return user;
}

/** A status that is not known here counts as a login that works: a leaver is then looked at, not passed over. */
function canLogIn({ status, transitioningToStatus }: User): boolean {
  const isComingUp = transitioningToStatus === 'ACTIVE' || transitioningToStatus === 'PROVISIONED';
  return isComingUp || !['STAGED', 'SUSPENDED', 'DEPROVISIONED'].includes(status);
}

export function viewOf(user: User): AccountView {
  return {
    accountId: user.id,
    userName: user.profile.login,
    correlationKey: user.profile.employeeNumber ?? null,
    vendorStatus: user.status,
    canLogIn: canLogIn(user),
  };
}
