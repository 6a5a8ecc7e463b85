/**
 * Group memberships of Entra. Only groups that Graph can write are entitlements: not those that a rule fills, that a
 * directory on premises masters, or that belong to Exchange. Licences come by group: a membership counts as given once
 * the licences of the group have reached the account.
 */
import { z } from 'zod';
import type { CallContext, EntitlementView, Page, WriteResult } from '../kit/contract.ts';
import { ConnectorError } from '../kit/errors.ts';
import { pathOf, queryString } from '../kit/escape.ts';
import { eachPage } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { propagating } from './accounts.ts';
import { readTogether } from './batch.ts';
import { cursorOf, type EntraApi, graphVersion, isObjectId, listPage, pageMax } from './graph.ts';

const Group = z.object({
  id: z.string().min(1),
  displayName: z.string().nullish(),
  groupTypes: z.array(z.string()).nullish(),
  mailEnabled: z.boolean().nullish(),
  securityEnabled: z.boolean().nullish(),
  isAssignableToRole: z.boolean().nullish(),
  onPremisesSyncEnabled: z.boolean().nullish(),
  assignedLicenses: z.array(z.object({ skuId: z.string().nullish() })).nullish(),
});
type Group = z.infer<typeof Group>;

/** A membership may also be one in a role or an administrative unit. */
const Held = Group.partial().extend({ id: z.string().min(1), '@odata.type': z.string().nullish() });
type Held = z.infer<typeof Held>;
const HeldPage = z.object({ value: z.array(Held), '@odata.nextLink': z.string().nullish() });

const Licensed = z.object({
  id: z.string(),
  licenseAssignmentStates: z
    .array(
      z.object({
        assignedByGroup: z.string().nullish(),
        skuId: z.string().nullish(),
        state: z.string().nullish(),
        error: z.string().nullish(),
      }),
    )
    .nullish(),
});

const groupFields = 'id,displayName,groupTypes,mailEnabled,securityEnabled,isAssignableToRole,onPremisesSyncEnabled';
/** Licences of a group reach its members within minutes. */
const licenceRetryMs = 30_000;

export async function listEntitlements(
  api: EntraApi,
  cursor: string | null,
  ctx: CallContext,
): Promise<Page<EntitlementView>> {
  const page = await listGroups(api, 'listEntitlements', cursor, ctx);
  const writable = page.items.filter((group) => obstacleOf(group) === null);
  return {
    ...page,
    items: writable.map(({ id, displayName }) => ({ vendorEntitlementId: id, displayName: displayName ?? id })),
  };
}

export function listGroups(api: EntraApi, operation: string, cursor: string | null, ctx: CallContext, top = pageMax) {
  const query = () => ({ $select: groupFields, $top: top });
  return listPage(api, { operation, segments: ['groups'], schema: Group, cursor, query }, ctx);
}

export async function listAccountEntitlements(api: EntraApi, accountId: string, ctx: CallContext): Promise<string[]> {
  const operation = 'listAccountEntitlements';
  const ids: string[] = [];
  for await (const page of pagesOfMemberships(api, operation, accountId, ctx)) {
    ids.push(...page.filter((held) => isGroup(held) && obstacleOf(held) === null).map(({ id }) => id));
  }
  return ids;
}

export function ensureEntitlement(
  api: EntraApi,
  accountId: string,
  groupId: string,
  state: 'present' | 'absent',
  ctx: CallContext,
): Promise<WriteResult> {
  return state === 'present' ? addMember(api, accountId, groupId, ctx) : removeMember(api, accountId, groupId, ctx);
}

/** Group, account with its licences and first memberships are read together: one call instead of three. */
async function addMember(api: EntraApi, accountId: string, groupId: string, ctx: CallContext): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const { client } = api;
  if (!isObjectId(groupId)) throw client.fail('notFound', operation, 'the group does not exist');
  if (!isObjectId(accountId)) throw client.fail('notFound', operation, 'the account does not exist');
  const urls = [
    `/${pathOf('groups', groupId)}?${queryString({ $select: `${groupFields},assignedLicenses` })}`,
    `/${pathOf('users', accountId)}?${queryString({ $select: 'id,licenseAssignmentStates' })}`,
    `/${pathOf('users', accountId, 'memberOf')}?${queryString(membershipQuery())}`,
  ];
  const [groupAnswer, userAnswer, heldAnswer] = await readTogether(api, operation, urls, ctx);
  const group = groupAnswer?.as(Group) ?? null;
  const user = userAnswer?.as(Licensed) ?? null;
  const firstPage = heldAnswer?.as(HeldPage) ?? null;
  if (group === null) throw client.fail('notFound', operation, 'the group does not exist');
  // The account was there when the id was stored; a replica may not know yet what was just made.
  if (user === null || firstPage === null) throw propagating(api, operation, 'a replica does not know the account yet');
  if (await isAmong(api, { accountId, groupId, firstPage }, ctx)) {
    assertLicensed(api, group, user.licenseAssignmentStates ?? []);
    return { outcome: 'unchanged', receipt: noReceipt };
  }
  return writeMember(api, { accountId, group }, ctx);
}

async function writeMember(
  api: EntraApi,
  { accountId, group }: { accountId: string; group: Group },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const { client, config } = api;
  const obstacle = obstacleOf(group);
  if (obstacle !== null) throw client.fail('unsupported', operation, obstacle);
  const path = () => `${pathOf(graphVersion, 'groups', group.id, 'members')}/$ref`;
  const body = { '@odata.id': `${new URL(config.url).origin}/${pathOf(graphVersion, 'directoryObjects', accountId)}` };
  try {
    const { receipt } = await client.call({ operation, method: 'POST', path, body, schema: z.unknown() }, ctx);
    if ((group.assignedLicenses ?? []).length > 0) throw licensing(client.systemId);
    return { outcome: 'changed', receipt };
  } catch (error) {
    // 400: another replica knows the membership already.
    if (isConnectorError(error, 'conflict')) return { outcome: 'unchanged', receipt: noReceipt };
    // The group was just read: it is the account that a replica does not know yet.
    if (isConnectorError(error, 'notFound'))
      throw propagating(api, operation, 'a replica does not know the account yet');
    throw refusedForRole(api, group, error);
  }
}

/** A member of a group that carries licences holds them, waits for them, or has an error that somebody must mend. */
function assertLicensed(
  { client }: EntraApi,
  group: Group,
  states: NonNullable<z.infer<typeof Licensed>['licenseAssignmentStates']>,
): void {
  for (const { skuId } of group.assignedLicenses ?? []) {
    const found = states.find((each) => each.assignedByGroup === group.id && each.skuId === skuId);
    if (found === undefined) throw licensing(client.systemId);
    if (found.state === 'Active') continue;
    const reason = /^\w{1,60}$/.test(found.error ?? '') ? found.error : found.state;
    throw client.fail('precondition', 'ensureEntitlement', `a licence of the group was not assigned: ${reason}`);
  }
}

function licensing(systemId: string): ConnectorError {
  const detail = { systemId, operation: 'ensureEntitlement', retryAfterMs: licenceRetryMs };
  return new ConnectorError('propagating', 'the licences of the group have not reached the account yet', detail);
}

async function removeMember(api: EntraApi, accountId: string, groupId: string, ctx: CallContext): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const { client } = api;
  let held: Held | undefined;
  for await (const page of pagesOfMemberships(api, operation, accountId, ctx)) {
    held = page.find(({ id }) => id === groupId);
    if (held !== undefined) break;
  }
  if (held === undefined) return { outcome: 'unchanged', receipt: noReceipt };
  const obstacle = isGroup(held) ? obstacleOf(held) : 'it is no group';
  if (obstacle !== null) throw client.fail('unsupported', operation, obstacle);
  // Without `/$ref` this call would delete the account itself.
  const path = () => `${pathOf(graphVersion, 'groups', groupId, 'members', accountId)}/$ref`;
  try {
    const { receipt } = await client.call({ operation, method: 'DELETE', path, schema: z.unknown() }, ctx);
    return { outcome: 'changed', receipt };
  } catch (error) {
    if (isConnectorError(error, 'notFound')) return { outcome: 'unchanged', receipt: noReceipt };
    throw refusedForRole(api, held, error);
  }
}

/** Why Graph cannot write the members of a group; null where it can. */
function obstacleOf(group: Held): string | null {
  if ((group.groupTypes ?? []).includes('DynamicMembership')) return 'the members of this group are filled by a rule';
  if (group.onPremisesSyncEnabled === true) return 'this group is synchronised from a directory on premises';
  const isUnified = (group.groupTypes ?? []).includes('Unified');
  if (group.mailEnabled === true && !isUnified) return 'the members of this group are managed in Exchange';
  return null;
}

/** The permission for such groups is one that most installations should not give: the refusal is about the group. */
function refusedForRole({ client }: EntraApi, group: Held, error: unknown): unknown {
  if (group.isAssignableToRole !== true || !isConnectorError(error, 'auth')) return error;
  const message = 'the group can hold roles: changing its members takes RoleManagement.ReadWrite.Directory';
  return client.fail('precondition', 'ensureEntitlement', message);
}

const isGroup = (held: Held): boolean => held['@odata.type'] === '#microsoft.graph.group';
const membershipQuery = () => ({ $select: groupFields, $top: pageMax });

async function* pagesOfMemberships(
  api: EntraApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
  from: string | null = null,
): AsyncGenerator<Held[]> {
  if (!isObjectId(accountId)) throw api.client.fail('notFound', operation, 'the account does not exist');
  const segments = ['users', accountId, 'memberOf'];
  const fetchPage = (cursor: string | null) =>
    listPage(api, { operation, segments, schema: Held, cursor: cursor ?? from, query: membershipQuery }, ctx);
  yield* eachPage(fetchPage, { systemId: api.client.systemId, operation });
}

async function isAmong(
  api: EntraApi,
  { accountId, groupId, firstPage }: { accountId: string; groupId: string; firstPage: z.infer<typeof HeldPage> },
  ctx: CallContext,
): Promise<boolean> {
  const operation = 'ensureEntitlement';
  const isIt = ({ id }: Held): boolean => id === groupId;
  if (firstPage.value.some(isIt)) return true;
  const next = cursorOf(api, operation, firstPage['@odata.nextLink'] ?? null);
  if (next === null) return false;
  for await (const page of pagesOfMemberships(api, operation, accountId, ctx, next)) if (page.some(isIt)) return true;
  return false;
}
