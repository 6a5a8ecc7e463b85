/**
 * What GitHub's REST, SCIM and GraphQL interfaces answer, as far as it is read, and the calls that more than one concept
 * needs. No decision is made here. GraphQL only reads: it alone says which GitHub user claimed a provisioned identity.
 */
import { z } from 'zod';
import type { CallContext, Page } from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { pathOf } from '../kit/escape.ts';
import { nextLinkCursor } from '../kit/paging.ts';
import { readRetryAfterMs } from '../kit/retry-after.ts';
import type { VendorClient } from '../kit/vendor-client.ts';

/** How the organisation's people are known: provisioned by SCIM, known by their SAML NameID, or by GitHub id alone. */
export type Identities = 'scim' | 'saml' | 'none';

export interface GithubApi {
  client: VendorClient;
  baseUrl: string;
  organization: string;
  identities: Identities;
  pageMax: number;
  now: () => number;
}

const text = z.string().nullish();

export const ScimUser = z.object({
  id: z.string().min(1),
  externalId: text,
  userName: text,
  displayName: text,
  name: z.object({ givenName: text, familyName: text }).nullish(),
  emails: z.array(z.object({ value: z.string(), primary: z.boolean().nullish() })).nullish(),
});
export type ScimUser = z.infer<typeof ScimUser>;

export const GithubUser = z.object({ id: z.number().int(), login: z.string().min(1) });
export type GithubUser = z.infer<typeof GithubUser>;

export const Membership = z.object({
  state: z.string(),
  role: z.string(),
  /** False where only an enterprise team keeps the person in the organisation. */
  direct_membership: z.boolean().nullish(),
});

export const Invitation = z.object({
  id: z.number().int(),
  node_id: z.string(),
  login: z.string().nullable(),
  email: z.string().nullable(),
});
export type Invitation = z.infer<typeof Invitation>;

export const Team = z.object({
  id: z.number().int(),
  slug: z.string().min(1),
  name: z.string(),
  type: z.string().nullish(),
});
export type Team = z.infer<typeof Team>;

const ScimList = z.object({ totalResults: z.number().int().min(0), Resources: z.array(ScimUser) });

/** An identity as SAML or SCIM made it, and who claimed it. */
export const ExternalIdentity = z.object({
  guid: z.string(),
  samlIdentity: z.object({ nameId: text }).nullish(),
  /** Null until somebody accepted the invitation and signed in once. `organization` is null for whoever is no member. */
  user: z
    .object({
      login: z.string(),
      databaseId: z.number().int(),
      organization: z.object({ login: z.string() }).nullable(),
    })
    .nullable(),
  organizationInvitation: z.object({ id: z.string() }).nullable(),
});
export type ExternalIdentity = z.infer<typeof ExternalIdentity>;

export interface PageRequest {
  operation: string;
  cursor: string | null;
  /** Default: the configured page size. */
  count?: number;
}

/** One page of `/scim/v2/organizations/{org}/Users`; its end is provable by `totalResults`. */
export async function listScimUsers(
  api: GithubApi,
  { operation, cursor, count = api.pageMax, filter }: PageRequest & { filter?: () => string },
  ctx: CallContext,
): Promise<Page<ScimUser>> {
  const startIndex = Number(cursor ?? '1');
  const path = () => pathOf('scim', 'v2', 'organizations', api.organization, 'Users');
  const params = () => ({ startIndex, count, ...(filter === undefined ? {} : { filter: filter() }) });
  const { data } = await api.client.call({ operation, method: 'GET', path, params, schema: ScimList }, ctx);
  const next = startIndex + data.Resources.length;
  if (next > data.totalResults) return { items: data.Resources, nextCursor: null };
  if (data.Resources.length === 0) {
    throw api.client.fail('transient', operation, 'the listing ended before its announced end');
  }
  return { items: data.Resources, nextCursor: String(next) };
}

/** One page of a REST listing; the last one has no `next` link. */
export async function listRest<T>(
  api: GithubApi,
  segments: string[],
  schema: z.ZodType<T>,
  { operation, cursor, count = api.pageMax, query }: PageRequest & { query?: Record<string, string> },
  ctx: CallContext,
): Promise<Page<T>> {
  const path = () => pathOf(...segments);
  const params = () => ({ ...query, per_page: count, page: Number(cursor ?? '1') });
  const call = { operation, method: 'GET' as const, path, params, schema: z.array(schema) };
  const { data, header } = await api.client.call(call, ctx);
  const guard = { systemId: api.client.systemId, operation };
  return { items: data, nextCursor: nextLinkCursor(header('link'), 'page', api.baseUrl, guard) };
}

const GraphqlReply = z.object({
  data: z.unknown(),
  errors: z.array(z.object({ type: z.string().nullish() })).nullish(),
});

/** One GraphQL read. GitHub refuses with 200 and `errors`: these become ConnectorErrors here. */
export async function graphql<T>(
  api: GithubApi,
  request: { operation: string; query: string; variables: Record<string, string | null>; schema: z.ZodType<T> },
  ctx: CallContext,
): Promise<T> {
  const { operation, query, variables, schema } = request;
  const body = { query, variables: { org: api.organization, ...variables } };
  const path = () => pathOf('graphql');
  const reply = await api.client.call(
    { operation, method: 'POST', isRead: true, path, body, schema: GraphqlReply },
    ctx,
  );
  const failure = reply.data.errors?.[0];
  if (failure !== undefined) {
    const type = /^[A-Z_]{1,40}$/.test(failure.type ?? '') ? (failure.type ?? '') : 'GRAPHQL';
    const code = graphqlCodes[type] ?? 'transient';
    const retryAfterMs = code === 'throttled' ? readRetryAfterMs(reply.header, api.now()) : null;
    const detail = { systemId: api.client.systemId, operation, vendorCode: type };
    const wait = retryAfterMs === null ? {} : { retryAfterMs };
    throw new ConnectorError(code, 'the query was refused', { ...detail, ...wait });
  }
  const parsed = schema.safeParse(reply.data.data);
  if (!parsed.success) throw api.client.fail('transient', operation, 'the answer does not have the expected shape');
  return parsed.data;
}

const graphqlCodes: Record<string, 'throttled' | 'auth' | undefined> = {
  RATE_LIMITED: 'throttled',
  FORBIDDEN: 'auth',
  INSUFFICIENT_SCOPES: 'auth',
  NOT_FOUND: 'auth',
};

export interface IdentityLookup {
  by: 'userName' | 'login';
  value: string;
}

const identityFields =
  'nodes { guid samlIdentity { nameId } user { login databaseId organization(login: $org) { login } } organizationInvitation { id } }';
const IdentityAnswer = z.object({
  organization: z.object({
    samlIdentityProvider: z.record(z.string(), z.object({ nodes: z.array(ExternalIdentity) })).nullable(),
  }),
});

/**
 * The identities for each lookup, in the same order, by one call. Throws `auth` where the provider is not visible: then
 * the organisation has no SAML single sign-on, or the credential may not read members.
 */
export async function identitiesFor(
  api: GithubApi,
  lookups: IdentityLookup[],
  operation: string,
  ctx: CallContext,
): Promise<ExternalIdentity[][]> {
  if (lookups.length === 0) return [];
  const declared = lookups.map((_, index) => `$v${index}: String!`).join(', ');
  const asked = lookups.map(
    ({ by }, index) => `i${index}: externalIdentities(first: 10, ${by}: $v${index}) { ${identityFields} }`,
  );
  const query = `query ($org: String!, ${declared}) { organization(login: $org) { samlIdentityProvider { ${asked.join(' ')} } } }`;
  const variables = Object.fromEntries(lookups.map(({ value }, index) => [`v${index}`, value]));
  const { organization } = await graphql(api, { operation, query, variables, schema: IdentityAnswer }, ctx);
  const provider = organization.samlIdentityProvider;
  if (provider === null) throw api.client.fail('auth', operation, 'the SAML identities of the organisation are hidden');
  return lookups.map((_, index) => provider[`i${index}`]?.nodes ?? []);
}

const AllIdentities = z.object({
  organization: z.object({
    samlIdentityProvider: z
      .object({
        externalIdentities: z.object({
          nodes: z.array(ExternalIdentity),
          pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        }),
      })
      .nullable(),
  }),
});

/** One page of all identities, for an identity that its user name does not find. */
export async function listIdentities(
  api: GithubApi,
  { operation, cursor }: PageRequest,
  ctx: CallContext,
): Promise<Page<ExternalIdentity>> {
  const query = `query ($org: String!, $after: String) { organization(login: $org) { samlIdentityProvider { externalIdentities(first: 100, after: $after) { ${identityFields} pageInfo { hasNextPage endCursor } } } } }`;
  const request = { operation, query, variables: { after: cursor }, schema: AllIdentities };
  const { organization } = await graphql(api, request, ctx);
  const provider = organization.samlIdentityProvider;
  if (provider === null) throw api.client.fail('auth', operation, 'the SAML identities of the organisation are hidden');
  const { nodes, pageInfo } = provider.externalIdentities;
  return { items: nodes, nextCursor: pageInfo.hasNextPage ? pageInfo.endCursor : null };
}
