/**
 * Okta's standard administrator roles as entitlements, `role:SUPER_ADMIN` for one; only where the configuration asks for
 * them. A role that comes by a group is held like any other, and can be taken by leaving the group alone. Custom roles
 * belong to a set of resources and are left to Okta.
 * https://developer.okta.com/docs/api/openapi/okta-management/management/tags/roleassignmentauser/
 */
import { z } from 'zod';
import type { CallContext, EntitlementView, WriteResult } from '../kit/contract.ts';
import { pathOf } from '../kit/escape.ts';
import { collectPages } from '../kit/paging.ts';
import { noReceipt } from '../kit/target-steps.ts';
import { isConnectorError } from '../kit/vendor-client.ts';
import { listPage, type OktaApi } from './api.ts';

const prefix = 'role:';

const names: Record<string, string> = {
  SUPER_ADMIN: 'Super Administrator',
  ORG_ADMIN: 'Organization Administrator',
  APP_ADMIN: 'Application Administrator',
  USER_ADMIN: 'Group Administrator',
  GROUP_MEMBERSHIP_ADMIN: 'Group Membership Administrator',
  HELP_DESK_ADMIN: 'Help Desk Administrator',
  READ_ONLY_ADMIN: 'Read-Only Administrator',
  REPORT_ADMIN: 'Report Administrator',
  API_ACCESS_MANAGEMENT_ADMIN: 'API Access Management Administrator',
};

const Assignment = z.object({ id: z.string().min(1), type: z.string(), assignmentType: z.string().nullish() });
type Assignment = z.infer<typeof Assignment>;

export function isAdminRole(vendorEntitlementId: string): boolean {
  return vendorEntitlementId.startsWith(prefix);
}

/** Okta has no list of its standard roles. */
export function adminRoles(): EntitlementView[] {
  return Object.entries(names).map(([type, displayName]) => ({ vendorEntitlementId: `${prefix}${type}`, displayName }));
}

export async function adminRolesOf(
  api: OktaApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<string[]> {
  const types = (await assignmentsOf(api, operation, accountId, ctx)).map(({ type }) => type);
  return [...new Set(types)].map((type) => `${prefix}${type}`);
}

/** Throws `notFound` for a role that Okta does not have, and `precondition` for one that a group gives. */
export async function ensureAdminRole(
  api: OktaApi,
  { accountId, role, state }: { accountId: string; role: string; state: 'present' | 'absent' },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  const type = role.slice(prefix.length);
  const held = (await assignmentsOf(api, operation, accountId, ctx)).filter((each) => each.type === type);
  if (held.length > 0 === (state === 'present')) return { outcome: 'unchanged', receipt: noReceipt };
  if (state === 'present') return assign(api, { accountId, type }, ctx);
  const own = held.filter(({ assignmentType }) => assignmentType !== 'GROUP');
  let receipt = noReceipt;
  for (const { id } of own) {
    const path = () => pathOf('api', 'v1', 'users', accountId, 'roles', id);
    const call = { operation, method: 'DELETE' as const, path, schema: z.unknown() };
    receipt = (await api.client.callOrNull(call, ctx))?.receipt ?? receipt;
  }
  if (own.length < held.length) {
    const message = 'a group gives this role: take the person out of the group';
    throw api.client.fail('precondition', operation, message);
  }
  return { outcome: 'changed', receipt };
}

async function assign(
  { client }: OktaApi,
  { accountId, type }: { accountId: string; type: string },
  ctx: CallContext,
): Promise<WriteResult> {
  const operation = 'ensureEntitlement';
  if (names[type] === undefined) throw client.fail('notFound', operation, 'Okta has no such administrator role');
  const path = () => pathOf('api', 'v1', 'users', accountId, 'roles');
  try {
    const call = { operation, method: 'POST' as const, path, body: { type }, schema: z.unknown() };
    return { outcome: 'changed', receipt: (await client.call(call, ctx)).receipt };
  } catch (error) {
    // E0000090: the role is assigned already; somebody else was faster.
    if (isConnectorError(error, 'conflict', 'validation') && error.detail.vendorCode === 'E0000090') {
      return { outcome: 'unchanged', receipt: noReceipt };
    }
    throw error;
  }
}

async function assignmentsOf(
  api: OktaApi,
  operation: string,
  accountId: string,
  ctx: CallContext,
): Promise<Assignment[]> {
  const all = await collectPages(
    (cursor) => listPage(api, ['users', accountId, 'roles'], Assignment, { operation, cursor }, ctx),
    { systemId: api.client.systemId, operation },
  );
  return all.filter(({ type }) => names[type] !== undefined);
}
