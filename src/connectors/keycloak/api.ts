/**
 * How Keycloak's admin REST is spoken: the service account's token and what it may see, refusals, and listings whose end
 * can be proved although Keycloak pages by offset.
 */
import { decodeJwt } from 'jose';
import { z } from 'zod';
import type { CallContext, ConnectorRuntime, Page } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import type { DialectVerdict, VendorAnswer } from '../kit/http.ts';
import { askForToken } from '../kit/token-endpoint.ts';
import { createTokenSource, type IssuedToken, type TokenSource } from '../kit/token-source.ts';
import { createVendorClient, type VendorClient } from '../kit/vendor-client.ts';

export const KeycloakConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Address of Keycloak as browsers see it, with its path if it has one: https://sso.example.com'),
  realm: z
    .string()
    .regex(/^[^/\\\s]{1,255}$/)
    .describe('Name of the realm whose users Usher manages (top left in the admin console)'),
  clientId: z.string().min(1).describe('Client ID of the client that you made for Usher (Clients)'),
  clientSecret: z.string().min(1).describe('Its secret (Clients, the client, Credentials)'),
  keyAttribute: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/)
    .default('usherPersonId')
    .describe('User attribute that holds the key of a person (Realm settings, User profile)'),
  requiredActions: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/))
    .default([])
    .describe(
      'What a new person must do at the first login, such as UPDATE_PASSWORD (Authentication, Required actions)',
    ),
  pageMax: z.number().int().min(1).max(1000).default(100).describe('Users per page'),
});
export type KeycloakConfig = z.infer<typeof KeycloakConfig>;

export interface KeycloakApi {
  client: VendorClient;
  config: KeycloakConfig;
  /** Roles of realm-management that the token carries; null where it does not tell. */
  roles(): Promise<ReadonlySet<string> | null>;
}

const Claims = z.object({ resource_access: z.record(z.string(), z.object({ roles: z.array(z.string()) })) });

/** The body of an answer that has none; a body cut in half is not taken for one. */
export const NoBody = z.union([z.literal(''), z.null(), z.undefined()]);

export function openKeycloakApi(runtime: ConnectorRuntime<KeycloakConfig>): KeycloakApi {
  const { config } = runtime;
  const options = { baseUrl: config.url };
  const door = createVendorClient(runtime, options, { dialect: readTokenRefusal });
  const tokens = createTokenSource(() => issueToken(door, config), runtime.now);
  const client = createVendorClient(runtime, options, { dialect: readKeycloakRefusal, tokens });
  return { client, config, roles: () => rolesOf(tokens) };
}

function issueToken(door: VendorClient, { realm, clientId, clientSecret }: KeycloakConfig): Promise<IssuedToken> {
  const path = () => pathOf('realms', realm, 'protocol', 'openid-connect', 'token');
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  return askForToken(door, { operation: 'token', path, form });
}

async function rolesOf(tokens: TokenSource): Promise<ReadonlySet<string> | null> {
  const token = await tokens.get();
  try {
    const claims = Claims.safeParse(decodeJwt(token));
    return claims.success ? new Set(claims.data.resource_access['realm-management']?.roles ?? []) : null;
  } catch {
    return null; // not a token that says something
  }
}

/**
 * Throws `auth` where the service account may not view users: Keycloak then answers listings and searches with 200 and
 * nothing in them as long as it may query, and an empty realm would take everybody's access away.
 */
export async function assertSeesUsers(api: KeycloakApi, operation: string): Promise<void> {
  const roles = await api.roles();
  if (roles === null || roles.has('manage-users') || roles.has('view-users')) return;
  throw api.client.fail('auth', operation, 'the service account lacks the role manage-users (or view-users)');
}

const Refusal = z.object({ error: z.string().optional(), errorMessage: z.string().optional() });

/** Only Keycloak's own fixed words go on: other messages may quote values. */
function vendorCodeOf({ error, errorMessage }: z.infer<typeof Refusal>): { vendorCode?: string } {
  const code = [errorMessage, error].find((text) => text !== undefined && /^[a-z]+(?:[_-][a-z]+)+$/.test(text));
  return code === undefined ? {} : { vendorCode: code };
}

/** Refusals of the admin REST: which 404 is about the thing that was asked for, and what a person must change first. */
export function readKeycloakRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = Refusal.safeParse(body);
  // Another server's page, or a realm that is gone: not the absence of an account.
  if (status === 404 && (!parsed.success || (parsed.data.error ?? 'Realm not found').startsWith('Realm not found'))) {
    return { code: 'transient', vendorCode: 'noSuchRealm' };
  }
  if (!parsed.success) return null;
  const { errorMessage } = parsed.data;
  if (status === 400 && errorMessage === 'User is read only!') return { code: 'precondition', vendorCode: 'readOnly' };
  if (status === 400 && errorMessage === 'error-user-attribute-read-only') {
    return { code: 'precondition', vendorCode: errorMessage };
  }
  return vendorCodeOf(parsed.data);
}

/** Every refusal of the token endpoint but an outage is about our credentials. A missing realm is no missing account. */
export function readTokenRefusal({ status, body }: VendorAnswer): DialectVerdict | null {
  const parsed = Refusal.safeParse(body);
  const code = parsed.success ? vendorCodeOf(parsed.data) : {};
  return [400, 401, 403, 404].includes(status) ? { ...code, code: 'auth' } : code;
}

export interface Listing<T extends { id: string }> {
  operation: string;
  /** Below `admin/realms/REALM`. */
  segments: string[];
  schema: z.ZodType<T>;
  cursor: string | null;
  pageSize: number;
  query?: Record<string, string | number | boolean>;
}

/** So many entries may come or go between two pages without one being missed. */
const overlap = 10;
const Cursor = z.tuple([z.number().int().min(1), z.string().min(1)]);

/**
 * One page of a listing by offset. Each page but the first begins before the end of the last one and goes on behind the
 * entry that ended it: somebody deleted meanwhile would else move the next one out of sight. An entry more than asked for
 * proves that there is a next page. Throws `transient` where the place is lost.
 */
export async function listPage<T extends { id: string }>(
  api: KeycloakApi,
  listing: Listing<T>,
  ctx: CallContext,
): Promise<Page<T> & { seen: number }> {
  const { operation, pageSize } = listing;
  const place = listing.cursor === null ? null : readCursor(api, listing.operation, listing.cursor);
  const first = Math.max(0, (place?.next ?? 0) - overlap);
  const max = (place === null ? 0 : place.next - first + overlap) + pageSize + 1;
  const path = () => realmPath(api, ...listing.segments);
  const params = () => ({ ...listing.query, first, max });
  const call = { operation, method: 'GET' as const, path, params, schema: z.array(listing.schema) };
  const { data } = await api.client.call(call, ctx);
  const from = place === null ? 0 : data.findIndex(({ id }) => id === place.lastId) + 1;
  if (place !== null && from === 0) throw api.client.fail('transient', operation, 'the listing moved under the reader');
  const items = data.slice(from, from + pageSize);
  const last = items.at(-1);
  const seen = first + from + items.length;
  const hasMore = data.length > from + pageSize && last !== undefined;
  return { items, nextCursor: hasMore ? JSON.stringify([seen, last.id]) : null, seen };
}

function readCursor({ client }: KeycloakApi, operation: string, cursor: string): { next: number; lastId: string } {
  try {
    const [next, lastId] = Cursor.parse(JSON.parse(cursor));
    return { next, lastId };
  } catch {
    throw client.fail('validation', operation, 'the cursor is none of this listing');
  }
}

/** Path below the realm, escaped. */
export const realmPath = ({ config }: KeycloakApi, ...segments: string[]): string =>
  pathOf('admin', 'realms', config.realm, ...segments);
